"""Attachment to running processes: a process with its descendants, or all of this pid namespace.

Children of a traced task are traced from their first instruction on (PTRACE_O_TRACECLONE …). /proc is listed repeatedly
for processes that appear otherwise: entered by `docker exec` or nsenter, or started by a process that may not be
traced. Not traced are kernel threads, mozu, its own children (it waits for them itself), and processes that serve a
file system (/dev/fuse): the tracer reads files of traced processes, and would wait for a server that waits for its
tracer.
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
"""Most listings of the threads of a process that makes threads while it is attached to."""

REFUSED: Final = "may not be traced"
TRACED: Final = "traced by another program"
SERVES_FILES: Final = "serves a file system (FUSE)"
TRACES_MOZU: Final = "traces mozu itself"
"""Reason for a process that traces mozu: each would wait for the other, and for all that is traced with them."""


class _Stat(NamedTuple):
    """Values of /proc/PID/stat."""

    parent: int
    state: str
    is_kernel_thread: bool


class Attacher:
    """Attacher for the thread that calls `scan`, the tracer's.

    `root`: a process to trace with its descendants only; None for all processes in /proc. `is_traced` returns True for
    a traced task, `adopt(tid, pid, parent)` follows a task from now on.
    """

    def __init__(
        self, root: int | None, is_traced: Callable[[int], bool], adopt: Callable[[int, int, int], None]
    ) -> None:
        self._root, self._is_traced, self._adopt = root, is_traced, adopt
        self._own = os.getpid()
        self._left: dict[int, str] = {}
        """Reason for which a process is not traced, by pid; empty if it is not wanted."""
        self._lost: set[int] = set()

    @property
    def refused(self) -> Counter[str]:
        """Number of living wanted processes that are not traced, by reason."""
        return Counter(reason for reason in self._left.values() if reason)

    def leave_alone(self, pid: int, reason: str) -> None:
        """Note that a process was released for good."""
        self._left[pid] = reason
        self._lost.add(pid)

    def scan(self) -> int:
        """Seize wanted processes that are not traced; return the number of seized ones."""
        pids = list_processes()
        self._left = {pid: reason for pid, reason in self._left.items() if pid in pids}
        self._lost &= pids
        return sum(self._seize_process(pid, stat) for pid, stat in self._candidates(pids))

    def _candidates(self, pids: Collection[int]) -> Iterator[tuple[int, _Stat]]:
        """Yield the processes that may have to be seized, parents before their children."""
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
        """Seize threads until a listing has no new ones: a thread that is not traced yet may make others at any
        time."""
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
        """Seize a task; return None if it is traced now and will stop, else the reason, which is empty if it has ended
        or is traced already."""
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
    """Return the error if not one of the existing processes may be traced; else None."""
    if attached or not attacher.refused:
        return None
    return SourceUnavailable(
        f"not one of {attacher.refused.total()} processes may be traced; they must be of the same user, "
        "or mozu needs CAP_SYS_PTRACE, which the sysctl kernel.yama.ptrace_scope may ask for in any case; in a "
        "container its seccomp profile must allow ptrace; or set `command`, which mozu starts itself"
    )


def check_procfs() -> None:
    """Raise SourceUnavailable unless /proc shows this process's pid namespace."""
    try:
        shown = os.readlink("/proc/self")
    except OSError:
        shown = ""
    if shown != str(os.getpid()):
        raise SourceUnavailable(
            "the proc that is mounted at /proc is not that of this pid namespace; mount its own"
        )


def list_processes() -> set[int]:
    """Return the processes in /proc."""
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}


def read_stat(pid: int) -> _Stat | None:
    """Return values of /proc/PID/stat; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return _Stat(int(fields[1]), fields[0].decode(), bool(int(fields[6]) & _KERNEL_THREAD))


def _own_tracer() -> int:
    """Return the process that traces this one, such as a debugger or profiler; 0 if none."""
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
    """Return the reason for which PTRACE_SEIZE was refused; empty if the task is new and already traced by this
    process, or has ended."""
    try:
        rows = _status(tid)
    except OSError:
        return ""
    tracer = rows["TracerPid"]  # a thread
    if tracer != "0":
        return "" if os.path.exists(f"/proc/self/task/{tracer}") else TRACED
    return "" if rows["State"].split()[0] in _ENDED else REFUSED


def _status(task: int | str) -> dict[str, str]:
    """Return the rows of /proc/TASK/status. Raises OSError."""
    with open(f"/proc/{task}/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
