"""Stopped calls → events, one file a family. Which calls there are and what their parameters mean is declared once for
all live sources (mozu.plugins.sources.ebpf.calls).

What a call is given is read when it begins, so what is judged is what the kernel is about to read, as far as no other
thread changes it meanwhile; what it gives back is read when it ends.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.plugins.sources.ebpf.calls import MOMENTS, WATCHES, SyscallSpec
from mozu.plugins.sources.ptrace.reading.blocks import MemoryReader
from mozu.plugins.sources.ptrace.reading.descriptors import Descriptors, Pairs
from mozu.plugins.sources.ptrace.reading.messages import MessageReader
from mozu.plugins.sources.ptrace.reading.opens import Opens
from mozu.plugins.sources.ptrace.reading.paths import Cwds, Identities, Paths
from mozu.plugins.sources.ptrace.reading.processes import Clones, Execs
from mozu.plugins.sources.ptrace.reading.reader import Reader, ReaderContext
from mozu.plugins.sources.ptrace.reading.transfers import Transfers

__all__ = ["BORN", "ENDED", "SIGNALLED", "STARTED", "THREAD_ENDED", "TOLD", "Reader", "ReaderContext", "readers"]

STARTED, BORN, ENDED, THREAD_ENDED, SIGNALLED = "execve", "_fork", "procexit", "_exit", "signaldeliver"
"""Types that no call tells of, but the kernel's own stops."""
TOLD: Final = frozenset(WATCHES) - MOMENTS.keys() | {SIGNALLED}
"""Every event type that a tracer can tell: no stop tells of switches and page faults."""
_FAMILIES: Final[Mapping[str, Callable[[SyscallSpec, ReaderContext], Reader]]] = {
    "accept": Descriptors,
    "cwd": Cwds,
    "descriptor": Descriptors,
    "identity": Identities,
    "mapping": Descriptors,
    "memory": MemoryReader,
    "message": MessageReader,
    "messages": MessageReader,
    "number": Paths,
    "open": Opens,
    "pair": Pairs,
    "path": Paths,
    "session": Paths,
    "transfer": Transfers,
}
"""Family of the kernel's programs → reader."""


def _reader(watch: SyscallSpec, around: ReaderContext) -> Reader | None:
    if watch.name in ("execve", "execveat"):
        return Execs(watch, around)
    if watch.decoder == "process":
        return Clones(watch, around)
    family = _FAMILIES.get(watch.programs[0].family)
    return None if family is None else family(watch, around)


def readers(around: ReaderContext) -> Mapping[int, Reader]:
    """Number of the call → its reader, for every call that a source can see."""
    found = {watch.number: _reader(watch, around) for watch in WATCHES.values()}
    return {number: reader for number, reader in found.items() if reader is not None}
