"""Stopped calls → events, one file a family. Which calls there are and what their parameters mean is declared once for
all live sources (mozu.core.abi).

What a call is given is read when it begins, so what is judged is what the kernel is about to read, as far as no other
thread changes it meanwhile; what it gives back is read when it ends.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import TRACEPOINT_EVENTS
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
TOLD: Final = frozenset(SYSCALL_SPECS) - TRACEPOINT_EVENTS | {SIGNALLED}
"""Every event type that a tracer can tell: no stop tells of switches and page faults."""
_FAMILIES: Final[Mapping[str, Callable[[SyscallSpec, ReaderContext], Reader]]] = {
    "accept": Descriptors,
    "clone": Clones,
    "cwd": Cwds,
    "descriptor": Descriptors,
    "exec": Execs,
    "identity": Identities,
    "mapping": Descriptors,
    "memory": MemoryReader,
    "message": MessageReader,
    "mmsg": MessageReader,
    "number": Paths,
    "open": Opens,
    "pair": Pairs,
    "path": Paths,
    "session": Paths,
    "transfer": Transfers,
}
"""Family of calls → reader."""


def readers(around: ReaderContext) -> Mapping[int, Reader]:
    """Number of the call → its reader, for every call that a source can see."""
    return {
        spec.number: _FAMILIES[spec.family](spec, around) for spec in SYSCALL_SPECS.values() if spec.is_syscall
    }
