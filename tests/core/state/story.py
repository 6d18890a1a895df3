"""Sequences of events written by a test, and the resulting state."""

from typing import Any

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.syscalls import event_type, flag_table
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownFile, KnownProcess

AT_FDCWD = -100
THREAD = dict(flag_table("clone_flags"))["CLONE_THREAD"]
IN_NAMESPACE = dict(flag_table("clone_flags"))["CLONE_CHILD_IN_PIDNS"]
CLOEXEC = dict(flag_table("file_flags"))["O_CLOEXEC"]
NOWHERE = "/nowhere/at/all"
"""A mount of proc without a task: a live machine that answers nothing."""

_FIELDS = FieldRegistry(builtin_fields())
_TICK = 10_000_000


def made(
    kind: str, tid: int, *, time: int = 0, of: int = -1, observed: Any = None, file: Any = None, **params: Any
) -> SyscallEvent:
    """Return an event by the names of its parameters; those that are not given are empty. `of` is the process id."""
    declared = event_type(kind)
    if declared is None and not kind.startswith("_"):
        raise ValueError(f"no event type {kind}")
    names = [param.name for param in declared.params] if declared is not None else []
    unknown = set(params) - set(names)
    if unknown:
        raise ValueError(f"{kind} has no parameters {unknown}")
    args = tuple(params.get(name) for name in names)
    return SyscallEvent("syscall", kind, time, tid=tid, pid=of, args=args, observed=observed, file=file)


def read(event: SyscallEvent, field: str, argument: str | None = None) -> Any:
    """Return a field as a condition reads it."""
    return _FIELDS.resolve(field, argument).read(event)


def shown(event: SyscallEvent, field: str) -> Any:
    """Return a field as an output prints it."""
    return _FIELDS.resolve(field).show(event)


class Story:
    """A stream in which each step is applied at once, with a clock that advances by 10 ms. Recorded unless `live`."""

    def __init__(self, *, live: bool = False) -> None:
        self.machine = StateMachine(procfs=NOWHERE if live else None)
        self.time = 0

    def has(self, tid: int, *, pid: int | None = None, **known: Any) -> None:
        """Add a task that existed before."""
        observed = KnownProcess(**{"vtid": tid, "vpid": tid if pid is None else pid, **known})
        self.machine.apply([SyscallEvent("syscall", "_process", 0, tid=tid, pid=pid or tid, observed=observed)])

    def has_file(self, tid: int, fd: int, file: Any) -> None:
        """Add a descriptor that existed before."""
        self.machine.apply([SyscallEvent("syscall", "_file", 0, tid=tid, observed=KnownFile(fd, file))])

    def settled(self, observed: Any = None) -> None:
        """End the seeds."""
        self.machine.apply([SyscallEvent("syscall", "_seeded", 0, observed=observed)])

    def event(self, kind: str, tid: int, **params: Any) -> SyscallEvent:
        """Apply one event in a batch of its own; return it."""
        return self._apply(kind, tid, params)

    def clone(self, tid: int, child: int, *, flags: int = 0, kind: str = "clone", **params: Any) -> SyscallEvent:
        """Apply the caller's side of a clone."""
        process = self.machine.process(tid)
        reported = {"exe": "", "comm": "", "uid": 0, "gid": 0} if process is None else _reported(process)
        return self.event(kind, tid, res=child, flags=flags, **{**reported, **params})

    def born(self, tid: int, pid: int, ptid: int, *, flags: int = 0, **params: Any) -> SyscallEvent:
        """Apply the child's side of a clone."""
        reported = {"exe": "", "comm": "child", "uid": 0, "gid": 0, "vtid": tid, "vpid": pid}
        return self._apply("clone", tid, {"res": 0, "pid": pid, "ptid": ptid, "flags": flags, **reported, **params})

    def _apply(self, kind: str, tid: int, params: dict[str, Any]) -> SyscallEvent:
        self.time += _TICK
        event = made(kind, tid, time=self.time, **params)
        self.machine.apply([event])
        return event

    def exec(self, tid: int, path: str, *args: str, **params: Any) -> SyscallEvent:
        """Apply a successful execve."""
        reported = {
            "exe": path, "comm": path.rpartition("/")[2][:15], "trusted_exepath": path,
            "args": "".join(f"{arg}\0" for arg in args).encode(), "pid": tid,
        }  # fmt: skip
        return self._apply("execve", tid, {"res": 0, **reported, **params})

    def exit(self, tid: int, *, reaper: int = 0) -> SyscallEvent:
        """Apply the end of a thread."""
        return self.event("procexit", tid, status=0, ret=0, sig=0, core=0, reaper_tid=reaper)

    def open(self, tid: int, path: str, fd: int, *, flags: int = 1, dirfd: int = AT_FDCWD) -> SyscallEvent:
        """Apply an openat."""
        return self.event("openat", tid, fd=fd, dirfd=dirfd, name=path, flags=flags, mode=0, dev=0, ino=0)

    def write(self, tid: int, fd: int) -> SyscallEvent:
        """Apply a write, which shows the object of a descriptor."""
        return self.event("write", tid, res=1, data=b"x", fd=fd, size=1)

    def process(self, tid: int) -> Process:
        """Return the newest version of a task, which must live."""
        found = self.machine.process(tid)
        assert found is not None, f"task {tid} does not live"
        return found


def _reported(process: Process) -> dict[str, Any]:
    return {"exe": process.exe, "comm": process.name, "uid": process.uid, "gid": process.gid}
