"""Self-check of the source: what Yama (ptrace_scope) and seccomp of this machine let it trace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.core.api import Visibility

_SCOPE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")
_ACTIONS: Final = Path("/proc/sys/kernel/seccomp/actions_avail")
_SCOPES: Final = {
    "0": "any process of the same user",
    "1": "descendants only, others need CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 1)",
    "2": "only with CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 2)",
}


def visibility() -> Iterator[Visibility]:
    """Commands, processes that run already, and what no tracer sees."""
    scope = _SCOPE.read_text().strip() if _SCOPE.exists() else "0"
    filtered = _ACTIONS.exists() and "trace" in _ACTIONS.read_text().split()
    how = "only demanded calls stop it" if filtered else "the kernel lacks SECCOMP_RET_TRACE"
    yield Visibility("commands that mozu starts", seen=filtered and scope != "3", why=how)
    attach = _SCOPES.get(scope, "no process may be traced (kernel.yama.ptrace_scope is 3)")
    yield Visibility("processes that run already", seen=scope in _SCOPES, why=attach)
    yield Visibility("io_uring requests", seen=False, why="they are no calls of the process")
    yield Visibility("switches, page faults", seen=False, why="a process does not stop for its tracer there")
