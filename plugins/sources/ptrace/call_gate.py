"""Call gate: calls of traced programs that do not run, because rules deny them or because they cannot be judged.

Always refused, since their effects are not seen: calls of another ABI (32-bit, x32) except those that end a task or a
signal handler; io_uring; and a seccomp listener, whose owner could let a call run at which this filter never stops
(SECCOMP_RET_USER_NOTIF precedes SECCOMP_RET_TRACE).
"""

import logging
from collections.abc import Callable
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.arch import MACHINE
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import call_number, machine_number
from mozu.plugins.sources.ptrace.native import StoppedCall
from mozu.plugins.sources.ptrace.reading import DENIABLE_TYPES, EXEC_EVENT, SyscallReader
from mozu.plugins.sources.ptrace.reading.held_open import HeldOpen
from mozu.plugins.sources.ptrace.reading.opens import OpenReader
from mozu.plugins.sources.ptrace.reading.reader import ForeseesCalls, TracedTask

DENIED: Final = -1
"""Result of a denied call: -EPERM."""
_IO_URING: Final = machine_number("io_uring_setup")
SECCOMP: Final = machine_number("seccomp")
_CONFINES: Final = machine_number("landlock_restrict_self")
ALWAYS_STOPPED: Final = (_IO_URING, SECCOMP, _CONFINES)
"""Numbers of this machine's calls at which a filter stops under any rules."""
_NEW_LISTENER: Final = 1 << 3
"""SECCOMP_FILTER_FLAG_NEW_LISTENER."""
_HARMLESS_COMPAT: Final = frozenset(
    call_number(name, MACHINE.compat_abi) for name in ("exit", "sigreturn", "rt_sigreturn", "exit_group")
)
"""Numbers of harmless 32-bit calls."""


class CallGate:
    """Gate used on the tracer's thread. `ask` returns True if a call of these types is denied; it waits for the
    answer."""

    def __init__(self, types: frozenset[str], ask: Callable[[SyscallEvent], bool], log: logging.Logger) -> None:
        named = DENIABLE_TYPES if "*" in types else types
        if EXEC_EVENT in named:
            named |= {"execveat"}
        self.types = named & DENIABLE_TYPES
        """Event types that it asks about; others are never denied."""
        self.opens = frozenset(name for name in self.types if SYSCALL_SPECS[name].family == "open")
        self.undeniable = named - DENIABLE_TYPES
        self._ask, self._log = ask, log
        self._reported: set[str] = set()

    def denies(self, task: TracedTask, reader: SyscallReader, held: HeldOpen | None = None) -> bool:
        """Return True if rules deny a call that is about to run; `task.at_entry` is its reader's result. `held`: the
        file that the open would return."""
        if held is not None and isinstance(reader, OpenReader):
            return any(self._ask(event) for event in reader.foresee_held(task, held))
        if reader.name not in self.types or not isinstance(reader, ForeseesCalls):
            return False
        return any(self._ask(event) for event in reader.foresee(task))

    def confines(self, call: StoppedCall) -> bool:
        """Return True if the caller may have Landlock rules afterwards, which this process cannot apply to its
        opens."""
        return call.number == _CONFINES

    def refuses_unjudged(self, task: TracedTask, call: StoppedCall) -> bool:
        """Return True if the call is one that is always refused; each kind is reported once."""
        what = _unjudged(call)
        if what and what not in self._reported:
            self._reported.add(what)
            self._log.warning("process %d is refused %s, which mozu cannot judge (EPERM)", task.pid, what)
        return bool(what)


def _unjudged(call: StoppedCall) -> str:
    """Return the kind of such a call; empty for others."""
    if call.arch != MACHINE.audit_arch:
        is_harmless = call.arch == MACHINE.compat_audit_arch and call.number in _HARMLESS_COMPAT
        return "" if is_harmless else "a 32-bit call"
    if call.number & MACHINE.other_abi_bit:
        return "an x32 call"
    if call.number == _IO_URING:
        return "io_uring"
    return "a seccomp listener" if call.number == SECCOMP and call.args[1] & _NEW_LISTENER else ""
