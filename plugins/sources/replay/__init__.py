"""Source `replay`: recordings of mozu's own and in the `.scap` format, with the events, tables and metadata they hold.

    layouts, params    what the bytes of an event mean            (data: layouts.tsv, calls.tsv)
    convert            old event versions converted to today's    (data: conversions.tsv)
    stream, blocks     decompression and blocks, with limits on everything that a file claims
    framing, events    one event decoded; the fast path for events of a known shape
    tables, user_table, containers, metadata    what a recording holds beside its events
    scap_recording     reads one `.scap` file
    mozu_recording     reads one of mozu's own (its format: mozu.core.recording)
    field_readers      fields that the recording answers itself
    source             the component
"""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SourceDeclaration, hookimpl
from mozu.plugins.sources.replay.settings import ReplaySettings

if TYPE_CHECKING:
    from mozu.plugins.sources.replay.source import ReplaySource


def build(settings: ReplaySettings, context: Context) -> "ReplaySource":
    """Build the source."""
    from mozu.plugins.sources.replay.source import ReplaySource  # imports state and recordings: only where it is used

    return ReplaySource(settings, context)


@hookimpl
def mozu_components() -> SourceDeclaration[ReplaySettings]:
    """Recordings as a source of system calls."""
    return SourceDeclaration(
        name="replay",
        build=build,
        summary="System calls from recordings (mozu's own, .scap), at full speed or at the pace of their clock.",
        settings=ReplaySettings,
        event_source="syscall",
        live=False,
    )
