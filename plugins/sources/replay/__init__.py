"""Source `replay`: recordings of mozu's own and in the `.scap` format, with the events, tables and metadata they hold.

    layouts, params    what the bytes of an event mean            (data: layouts.tsv, calls.tsv)
    convert            old events brought to today's form         (data: conversions.tsv)
    stream, blocks     decompression and framing, distrustful
    framing, events    one event taken apart; the fast way for events that look alike
    tables, people, containers, metadata    what a recording tells beside its events
    reader             the walk over one such file
    own                the walk over one of mozu's own (its format: mozu.core.recording)
    readers            fields that the recording answers itself
    source             the component
"""

from mozu.core.api.hookspecs import Declaration, hookimpl
from mozu.plugins.sources.replay.source import ReplaySettings, ReplaySource


@hookimpl
def mozu_source() -> Declaration:
    """Recordings as a source of system calls."""
    return Declaration(
        name="replay",
        build=ReplaySource,
        summary="System calls from recordings (mozu's own, .scap), at full speed or at the pace of their clock.",
        settings=ReplaySettings,
        event_source="syscall",
        live=False,
    )
