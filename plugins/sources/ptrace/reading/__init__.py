"""Make events from stopped calls, with one reader for each family of calls.

Specs and argument layouts are those of `mozu.core.abi`. Memory that a call reads is read at its entry: rules judge what
the kernel is about to read, unless another thread changes it in between. Memory that a call writes is read at its exit.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import TRACEPOINT_EVENTS
from mozu.core.model.syscalls import kernel_number
from mozu.plugins.sources.ptrace.reading.blocks import MemoryReader
from mozu.plugins.sources.ptrace.reading.descriptors import DescriptorReader, PairReader
from mozu.plugins.sources.ptrace.reading.messages import MessageReader
from mozu.plugins.sources.ptrace.reading.opens import OpenReader
from mozu.plugins.sources.ptrace.reading.paths import CwdReader, IdentityReader, PathReader
from mozu.plugins.sources.ptrace.reading.processes import CloneReader, ExecReader
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, SyscallReader
from mozu.plugins.sources.ptrace.reading.transfers import TransferReader

__all__ = [
    "DENIABLE_TYPES",
    "EXEC_EVENT",
    "EXIT_EVENT",
    "FORK_EVENT",
    "SIGNAL_EVENT",
    "THREAD_EXIT_EVENT",
    "TRACEABLE_TYPES",
    "ReaderContext",
    "SyscallReader",
    "readers",
]

EXEC_EVENT, FORK_EVENT, EXIT_EVENT = "execve", "_fork", "procexit"
THREAD_EXIT_EVENT, SIGNAL_EVENT = "_exit", "signaldeliver"
"""Event types made at ptrace events and signal stops, and not at the exit of a call."""
TRACEABLE_TYPES: Final = frozenset(SYSCALL_SPECS) - TRACEPOINT_EVENTS - {"_cgroup"} | {SIGNAL_EVENT}
"""Event types that a tracer can emit: no task stops at switches and page faults."""
_FAMILIES: Final[Mapping[str, Callable[[SyscallSpec, ReaderContext], SyscallReader]]] = {
    "accept": DescriptorReader,
    "clone": CloneReader,
    "cwd": CwdReader,
    "descriptor": DescriptorReader,
    "exec": ExecReader,
    "identity": IdentityReader,
    "mapping": DescriptorReader,
    "memory": MemoryReader,
    "message": MessageReader,
    "mmsg": MessageReader,
    "number": PathReader,
    "open": OpenReader,
    "pair": PairReader,
    "path": PathReader,
    "session": PathReader,
    "transfer": TransferReader,
}
"""Reader by family of calls."""
_FORESEEN: Final = frozenset({"descriptor", "exec", "identity", "number", "open", "path", "session"})
_FORESEEN_CALLS: Final = frozenset({"sendmmsg", "sendmsg", "sendto"})
DENIABLE_TYPES: Final = frozenset(
    name
    for name, spec in SYSCALL_SPECS.items()
    if spec.is_syscall and (spec.family in _FORESEEN or name in _FORESEEN_CALLS)
)
"""Event types that can be judged before the call runs; not those of reading, writing, accepting, mapping, forking."""


def readers(context: ReaderContext) -> Mapping[int, SyscallReader]:
    """Return the readers by number of this machine's call."""
    numbered = ((kernel_number(spec.number), spec) for spec in SYSCALL_SPECS.values() if spec.is_syscall)
    return {number: _FAMILIES[spec.family](spec, context) for number, spec in numbered if number is not None}
