"""Handmade events and the values that fields read from them."""

from typing import Any

from mozu.core.model.event import File, Process, SockTuple, SyscallEvent, Task
from mozu.core.model.event.pipelines import Pipelines
from mozu.core.model.fields import Field, FieldRegistry, Lookups
from mozu.core.model.fields.evt.fields import fields as event_fields
from mozu.core.model.fields.fd.fields import fields as file_fields
from mozu.core.model.fields.fs.fields import FIELDS as PATH_FIELDS
from mozu.core.model.syscalls import event_type

SECOND = 1_000_000_000
TIME = 1_767_225_600 * SECOND + 3_000_000
"""2026-01-01T00:00:00.003Z."""

CLIENT, SERVER = bytes([10, 20, 30, 40]), bytes([203, 0, 113, 1])
CONNECTION = SockTuple(2, CLIENT, 40001, SERVER, 443)


class People:
    """The other tasks of a machine, of which there are just a few."""

    def __init__(self, *processes: Process) -> None:
        self._processes = {process.tid: process for process in processes}
        self.pipelines = Pipelines()

    def find(self, tid: int, number: int) -> Process | None:
        """Return a task by thread id, at any moment; None if unknown."""
        return self._processes.get(tid)


def process(
    tid: int = 5000, *, name: str = "a", cwd: str = "/home/mira/", files: dict[int, File] | None = None, **more: Any
) -> Process:
    """Return a process that knows one other: bash (1210)."""
    bash = Process(task=Task(1210), tid=1210, pid=1210, name="bash")
    task = Task(tid, People(bash))
    task.files.update(files or {})
    return Process(task=task, tid=tid, pid=tid, name=name, cwd=cwd, **more)


def event(kind: str, *args: Any, **more: Any) -> SyscallEvent:
    """Return an event of this type by the process above."""
    made = more.pop("process", None) or process(files=more.pop("files", None))
    settings: dict[str, Any] = {"time": TIME, "num": 7, "tid": made.tid, "pid": made.pid, "process": made} | more
    return SyscallEvent(source="syscall", type=kind, args=args, **settings)


def named(kind: str, **more: Any) -> SyscallEvent:
    """Return the same with the parameters by name; others are 0 or missing. `fd` sets both the parameter of that name
    and the descriptor of the event.
    """
    declared = event_type(kind)
    assert declared is not None
    fd = more.get("fd")
    given = {param.name: more.pop(param.name, _blank(param.type)) for param in declared.params}
    return event(kind, *given.values(), **more | {"fd": fd})


def _blank(kind: str) -> int | None:
    return (
        None if kind in ("string", "fspath", "fsrelpath", "bytes", "socktuple", "sockaddr", "fdlist", "dynamic") else 0
    )


def registry(names: Lookups | None = None) -> FieldRegistry:
    """Return the fields of events, descriptors and paths."""
    around = Lookups() if names is None else names
    return FieldRegistry((*event_fields(around), *file_fields(around), *PATH_FIELDS), around)


def value(reference: str, of: SyscallEvent, names: Lookups | None = None) -> Any:
    """Return the value of a reference, after checking that it is the same bound to the event's type and bound to none.
    """
    name, _, argument = reference.partition("[")
    fields = registry(names)
    wanted = argument.rstrip("]") if argument else None
    bound = fields.resolve(name, wanted, of.type).read(of)
    free = fields.resolve(name, wanted).read(of)
    assert bound == free
    return bound


def field(name: str) -> Field:
    """Return a field's declaration."""
    found = registry().get(name)
    assert found is not None
    return found


def file(name: str = "/tmp/f", **more: Any) -> File:
    """Return a regular file."""
    return File(kind="file", name=name, raw=more.pop("raw", name), **more)


def connection(**more: Any) -> File:
    """Return a TCP connection that the process made."""
    settings: dict[str, Any] = {
        "name": "10.20.30.40:40001->203.0.113.1:443",
        "sock": CONNECTION,
        "l4proto": "tcp",
        "role": "client",
        "connected": True,
    }
    return File(kind="ipv4", **(settings | more))


def listener(**more: Any) -> File:
    """Return a socket that waits for connections."""
    settings: dict[str, Any] = {"name": "0.0.0.0:8081", "sock": SockTuple(2, b"", 0, bytes(4), 8081), "l4proto": "tcp"}
    return File(kind="ipv4", role="listening", **(settings | more))
