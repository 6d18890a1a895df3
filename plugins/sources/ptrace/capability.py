"""Self-check of the source: what Yama (ptrace_scope) and seccomp of this machine let it trace."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.core.api import Visibility
from mozu.core.common import linux_capabilities
from mozu.core.model.arch import MACHINES

_SCOPE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")
_ACTIONS: Final = Path("/proc/sys/kernel/seccomp/actions_avail")
_SCOPES: Final = {
    "0": "any process of the same user",
    "1": "descendants only, others need CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 1)",
    "2": "only with CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 2)",
}


def machine_problem() -> str | None:
    """Return the reason for which calls of this machine cannot be read; None if they can."""
    machine = os.uname().machine
    return None if machine in MACHINES else f"this machine is {machine}; {' and '.join(MACHINES)} are supported"


def problem(*, attaches: bool) -> str | None:
    """Return the reason for which nothing could be traced on this machine, in one sentence; None if there is none."""
    if (problem := machine_problem()) is not None:
        return problem
    scope = _scope()
    may_trace_any = linux_capabilities.holds("CAP_SYS_PTRACE", linux_capabilities.effective())
    if scope == "3" or (attaches and scope != "0" and not may_trace_any):
        return f"kernel.yama.ptrace_scope is {scope}; set it to 0, or give mozu CAP_SYS_PTRACE, or set `command`"
    return None


def _scope() -> str:
    """Return Yama's scope of processes that this one may trace; 0 without Yama."""
    return _SCOPE.read_text().strip() if _SCOPE.exists() else "0"


def visibility() -> Iterator[Visibility]:
    """Yield the visibility of commands and running processes, and of events that no tracer sees."""
    scope = _scope()
    filtered = _ACTIONS.exists() and "trace" in _ACTIONS.read_text().split()
    how = "only demanded calls stop it" if filtered else "the kernel lacks SECCOMP_RET_TRACE"
    yield Visibility("commands that mozu starts", seen=filtered and scope != "3", why=how)
    attach = _SCOPES.get(scope, "no process may be traced (kernel.yama.ptrace_scope is 3)")
    yield Visibility("processes that run already", seen=scope in _SCOPES, why=attach)
    yield Visibility("io_uring requests", seen=False, why="they are no calls of the process")
    yield Visibility("switches, page faults", seen=False, why="a process does not stop for its tracer there")
