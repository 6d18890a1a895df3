"""Events made by hand: a process with ancestors, and one call of it."""

import logging
from typing import Any

from mozu.core.api import Container, Context, FieldRegistry, File, Metrics, Process, SockTuple, SyscallEvent
from mozu.core.language.rules import plugin_fields
from mozu.core.model.event.process import Task
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.syscalls import event_type, flag_table

FLAGS = dict(flag_table("file_flags"))
CONTAINER = Container("0123456789abcdef" * 4, "docker")


def context(*more: Any, offline: bool = False) -> Context:
    """Return the context that the core passes to an evaluator."""
    names = Lookups()
    fields = FieldRegistry((*builtin_fields(names), *plugin_fields(), *more), names)
    return Context("falco", logging.getLogger("test.falco"), Metrics(), fields, offline=offline)


def process(name: str, *args: str, parents: tuple[str, ...] = (), **more: Any) -> Process:
    """Return a process; `parents` are the names of its ancestors, nearest first."""
    parent = None
    for number, ancestor in enumerate(reversed(parents)):
        parent = _alone(100 + number, ancestor, parent, ()).task
    made = _alone(1000, name, parent, args)
    for key, value in more.items():
        setattr(made, key, value)
    return made


def _alone(tid: int, name: str, parent: Task | None, args: tuple[str, ...]) -> Process:
    task = Task(tid)
    made = Process(
        task, tid, tid, parent, name=name, exe=name, args=args, exepath=f"/usr/bin/{name}", vpid=tid, vtid=tid
    )
    task.newest = made
    return made


def event(kind: str, by: Process, *, fd: int | None = None, file: File | None = None, **args: Any) -> SyscallEvent:
    """Return a call with these parameters; those not given are missing."""
    declared = event_type(kind)
    assert declared is not None
    values = tuple(args.get(param.name) for param in declared.params)
    return SyscallEvent(
        "syscall", kind, 1_767_225_600_000_000_000, 7, tid=by.tid, pid=by.pid, args=values, process=by, fd=fd, file=file
    )


def opened(by: Process, path: str, *flags: str, fd: int = 5) -> SyscallEvent:
    """Return an open by openat."""
    number = sum(FLAGS[flag] for flag in flags)
    return (
        event(
            "openat",
            by,
            fd=fd,
            file=File("file", path, path, flags=number),
            dirfd=-100,
            name=path,
            flags=number,
            mode=0o644,
        )
        if fd >= 0
        else event("openat", by, fd=fd, file=None, dirfd=-100, name=path, flags=number, mode=0o644)
    )


def executed(by: Process, **args: Any) -> SyscallEvent:
    """Return a successful exec."""
    return event("execve", by, res=0, exe=by.exe, comm=by.name, **args)


def connected(by: Process, address: bytes, port: int, *, res: int = 0, proto: str = "tcp") -> SyscallEvent:
    """Return a connection over IPv4."""
    sock = SockTuple(2, bytes((10, 0, 0, 1)), 40000, address, port)
    text = f"10.0.0.1:40000->{'.'.join(map(str, address))}:{port}"
    file = File("ipv4", text, sock=sock, l4proto=proto, role="client", connected=res == 0)
    return event("connect", by, fd=3, file=file, res=res, fd_=3, tuple=sock)


def unix_connected(by: Process, path: str) -> SyscallEvent:
    """Return a connection to a unix socket."""
    sock = SockTuple(1, path=path, source_pointer=0xFFFF0001, dest_pointer=0xFFFF0002)
    file = File("unix", f"ffff0001->ffff0002 {path}", sock=sock, role="client", connected=True)
    return event("connect", by, fd=3, file=file, res=0, tuple=sock)
