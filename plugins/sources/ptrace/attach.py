"""Attaching to processes that run already: a process with its descendants, or all of this pid namespace.

The children of a traced task are traced from their first instruction on (PTRACE_O_TRACECLONE …). /proc is listed again
and again for those that appear otherwise: entered by `docker exec` or nsenter, or started by a process that may not be
traced. Left alone are kernel threads, mozu, its own children (it waits for them itself), and processes that serve a
file system (/dev/fuse): the tracer reads files of the traced, and would wait for a server that waits for its tracer.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ptrace import native
from mozu.plugins.sources.ptrace.native import TaskGone

_KERNEL_THREAD: Final = 0x00200000
"""PF_KTHREAD of the flags in /proc/PID/stat."""
_ENDED: Final = ("Z", "X")
_FUSE: Final = "/dev/fuse"
_PASSES: Final = 100
"""Looks at the threads of a process that makes threads while it is attached to."""

REFUSED: Final = "may not be traced"
TRACED: Final = "traced by another program"
SERVES_FILES: Final = "serves a file system (FUSE)"
TRACES_MOZU: Final = "traces mozu itself"
"""Each would wait for the other, and every process that is traced with them."""


class _Stat(NamedTuple):
    """Of /proc/PID/stat."""

    parent: int
    state: str
    is_kernel_thread: bool


class Attacher:
    """Seizes processes for the thread that calls `scan`: the tracer's.

    `root`: with its descendants only; None: all processes that /proc lists. `is_traced` knows which are traced already,
    `adopt(tid, pid, parent)` follows a task from now on.
    """

    def __init__(
        self, root: int | None, is_traced: Callable[[int], bool], adopt: Callable[[int, int, int], None]
    ) -> None:
        self._root, self._is_traced, self._adopt = root, is_traced, adopt
        self._own = os.getpid()
        self._left: dict[int, str] = {}
        """Process → why it is not traced; empty: it is none of those that are wanted."""
        self._lost: set[int] = set()

    @property
    def refused(self) -> Counter[str]:
        """Why processes that are wanted and live are not traced → how many."""
        return Counter(reason for reason in self._left.values() if reason)

    def leave_alone(self, pid: int, reason: str) -> None:
        """A process was let go for good."""
        self._left[pid] = reason
        self._lost.add(pid)

    def scan(self) -> int:
        """Seize what is wanted and not traced; how many processes that were."""
        pids = list_processes()
        self._left = {pid: reason for pid, reason in self._left.items() if pid in pids}
        self._lost &= pids
        return sum(self._seize_process(pid, stat) for pid, stat in self._candidates(pids))

    def _candidates(self, pids: Collection[int]) -> Iterator[tuple[int, _Stat]]:
        """Those that may have to be seized, parents before their children."""
        wanted = {self._root}
        for pid in sorted(pids):
            if self._is_traced(pid):
                wanted.add(pid)
                continue
            if self._left.get(pid) == "" or pid in self._lost:
                continue
            stat = read_stat(pid)
            if stat is None or stat.state in _ENDED:
                continue
            own_child = stat.parent == self._own and self._root is None
            if pid == self._own or own_child or stat.is_kernel_thread:
                self._left[pid] = ""
            elif self._root is None or pid in wanted or stat.parent in wanted:
                wanted.add(pid)
                yield pid, stat

    def _seize_process(self, pid: int, stat: _Stat) -> bool:
        if pid == _own_tracer():
            reason: str | None = TRACES_MOZU
        else:
            reason = SERVES_FILES if self._root is None and _serves_files(pid) else self._seize(pid)
        self._left.pop(pid, None)
        if reason is None:
            self._adopt(pid, pid, stat.parent)
            self._seize_threads(pid)
        elif reason:
            self._left[pid] = reason
        return reason is None

    def _seize_threads(self, pid: int) -> None:
        """Until a look finds no new ones: a thread that is not traced yet may make some at any time."""
        seized = {pid}
        for _ in range(_PASSES):
            try:
                fresh = {int(name) for name in os.listdir(f"/proc/{pid}/task")} - seized
            except OSError:
                return
            if not fresh:
                return
            seized |= fresh
            for tid in sorted(fresh):
                if not self._is_traced(tid) and self._seize(tid) is None:
                    self._adopt(tid, pid, 0)

    def _seize(self, tid: int) -> str | None:
        """Why a task cannot be seized, empty where it has gone or is traced by now; None: it is, and will stop."""
        try:
            native.seize(tid, native.OPTIONS)
        except TaskGone:
            return ""
        except OSError:
            return _reason(tid)
        with contextlib.suppress(TaskGone):
            native.resume(native.INTERRUPT, tid)
        return None


def attach_problem(attacher: Attacher, attached: int) -> SourceUnavailable | None:
    """The error where not one of the processes that are there may be traced."""
    if attached or not attacher.refused:
        return None
    return SourceUnavailable(
        f"not one of {attacher.refused.total()} processes may be traced; they must be of the same user, "
        "or mozu needs CAP_SYS_PTRACE, which the sysctl kernel.yama.ptrace_scope may ask for in any case; in a "
        "container its seccomp profile must allow ptrace; or set `command`, which mozu starts itself"
    )


def check_procfs() -> None:
    """Raises SourceUnavailable unless /proc shows the pid namespace that this process is in."""
    try:
        shown = os.readlink("/proc/self")
    except OSError:
        shown = ""
    if shown != str(os.getpid()):
        raise SourceUnavailable(
            "the proc that is mounted at /proc is not that of this pid namespace; mount its own"
        )


def list_processes() -> set[int]:
    """The processes that /proc lists."""
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}


def read_stat(pid: int) -> _Stat | None:
    """What /proc/PID/stat says; None where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return _Stat(int(fields[1]), fields[0].decode(), bool(int(fields[6]) & _KERNEL_THREAD))


def _own_tracer() -> int:
    """The process that traces this one, a debugger or a profiler; 0: none."""
    try:
        tid = _status("self")["TracerPid"]
        return int(_status(tid)["Tgid"]) if tid != "0" else 0
    except OSError:  # it has let go meanwhile
        return 0


def _serves_files(pid: int) -> bool:
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") == _FUSE for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:  # it may not be looked at, and so not be traced either; or it has gone
        return False


def _reason(tid: int) -> str:
    """Why PTRACE_SEIZE was refused; empty: the task is new, and traced by this process already, or has ended."""
    try:
        rows = _status(tid)
    except OSError:
        return ""
    tracer = rows["TracerPid"]  # a thread
    if tracer != "0":
        return "" if os.path.exists(f"/proc/self/task/{tracer}") else TRACED
    return "" if rows["State"].split()[0] in _ENDED else REFUSED


def _status(task: int | str) -> dict[str, str]:
    """The rows of /proc/TASK/status. Raises OSError."""
    with open(f"/proc/{task}/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
