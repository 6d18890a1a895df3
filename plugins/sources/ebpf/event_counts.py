"""Counts of the source `ebpf` by event type: calls seen, filtered and lost by the kernel, and received events."""

from collections.abc import Mapping

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Counts
from mozu.plugins.sources.ebpf.decode import RecordDecoder
from mozu.plugins.sources.ebpf.loader import Loader


def event_counts(loader: Loader, decoder: RecordDecoder) -> Mapping[str, Counts]:
    """Return the counts since the start. seen = filtered + lost + missed + received once the ring is empty.

    An entry path is counted by its name if the kernel skipped its programs: the skipped calls are unknown.
    """
    found: dict[str, Counts] = {}
    for name, spec in SYSCALL_SPECS.items():
        if name in loader.watched:
            seen, filtered, lost, over_share, missed = loader.count(name)
            lost += decoder.discarded[spec.number]
            found[name] = Counts(seen, filtered, lost, missed, decoder.received[spec.number], over_share)
    for path, skipped in loader.missed_by_entry_path().items():
        if skipped:
            found[path] = Counts(seen=skipped, missed=skipped)
    return found
