"""The kind of an event: evt.type, evt.category, evt.source, evt.is_async, evt.dir, evt.cpu, evt.count …"""

from typing import Final

from mozu.core.errors import UnknownField
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.model.fields.binding import Bind, by_type, constant, flag, when
from mozu.core.model.fields.dependency import EVERYTHING, OF_EVENT, Dependency
from mozu.core.model.fields.descriptor_kind import IP, PATHS
from mozu.core.model.fields.evt.args import has_result, result
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.syscalls import EventType, known_names

_ALL: Final = frozenset({"*"})
_HIDDEN: Final = frozenset({"hidden"})
_FDS: Final = frozenset({"fds"})
_OPENS: Final = frozenset({"open", "openat", "openat2", "creat"})
_CONNECTIONS: Final = frozenset({"accept", "accept4", "connect"})
_SOCKETS: Final = IP | {"unix"}
_IPC: Final = frozenset({"unix", "pipe", "event", "signalfd", "inotify", "userfaultfd"})

PLUGINS: Final = {"k8s_audit": "k8saudit"}
"""Source class → the name by which rules know its plugin, if the two differ."""


def is_transfer(event: EventType) -> bool:
    """Return True for calls whose category depends on the kind of descriptor."""
    return event.category.startswith("io_")


def _by_descriptor(event: SyscallEvent) -> str:
    kind = "" if event.file is None else event.file.kind
    if kind in PATHS:
        return "file"
    if kind in IP:
        return "net"
    return "ipc" if kind in _IPC else "unknown"


def _category(event: EventType) -> Reader:
    return _by_descriptor if is_transfer(event) else constant({"ipc": "IPC"}.get(event.category, event.category))


def _is_type(argument: str | None, event_type: str | None) -> Reader:
    if argument not in known_names():
        raise UnknownField(f"evt.type.is.{argument}: nonexistent field (no event type has this name)")
    if event_type is not None:
        return constant(int(argument == event_type))
    return lambda event: int(event.type == argument)


def _is_async(event: Event) -> bool:
    return isinstance(event, SyscallEvent) and event.type in ("container", "container_removed", "asyncevent")


def _plugin(event: Event) -> str | None:
    return PLUGINS.get(event.source, event.source) if isinstance(event, DataEvent) else None


def _no_syscall(read: Reader) -> Bind:
    return lambda _, __: read


_TYPES: Final = (
    Field(
        depends=OF_EVENT,
        name="evt.type",
        type=FieldType.STRING,
        doc="Name of the event: as a rule that of the system call; of a plugin's own source, a type that it declares.",
        read=lambda event: event.type,
    ),
    Field(
        depends=OF_EVENT,
        name="evt.type.is",
        type=FieldType.UINT,
        bits=32,
        doc="1 for events of the type that follows the last dot, else 0.",
        bind=_is_type,
        argument=Argument.DOTTED,
    ),
    Field(
        depends=OF_EVENT,
        name="syscall.type",
        type=FieldType.STRING,
        doc="Name of the system call; no value for events that are none.",
        bind=when(lambda event: event.kind == "syscall", lambda event: event.type),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.category",
        type=FieldType.STRING,
        doc="Class of the event: file, net, process, memory …; what moves bytes counts by its descriptor.",
        bind=by_type(lambda _, event: _category(event)),
        needs=_FDS,
    ),
    Field(
        depends=OF_EVENT,
        name="evt.source",
        type=FieldType.STRING,
        doc="Class of the source that the event comes from: syscall, k8s_audit …",
        read=lambda event: event.source,
        sources=_ALL,
    ),
    Field(
        depends=OF_EVENT,
        name="evt.pluginname",
        type=FieldType.STRING,
        doc="Name of the plugin that an event of a log source belongs to.",
        read=_plugin,
        sources=_ALL,
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_async",
        type=FieldType.BOOL,
        doc="Whether the event reports something outside the stream of calls.",
        read=_is_async,
        sources=_ALL,
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_io_uring",
        type=FieldType.BOOL,
        doc="Whether the call was made as a request of io_uring; mozu's own.",
        read=lambda event: event.entry_path.startswith("io_uring"),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_assumed",
        type=FieldType.BOOL,
        doc="Whether the success of the call is assumed: a request of io_uring that was reported at its submission, "
        "since its process or its user had too many under way; mozu's own.",
        read=lambda event: event.entry_path == "io_uring_submitted",
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_compat32",
        type=FieldType.BOOL,
        doc="Whether the call came in as a 32-bit one, where the kernel also takes 64-bit ones; mozu's own.",
        read=lambda event: event.entry_path == "compat32",
    ),
    Field(
        depends=OF_EVENT,
        name="evt.asynctype",
        type=FieldType.STRING,
        doc="Name of an event that reports something outside the stream of calls.",
        read=lambda event: event.type if _is_async(event) else None,
        sources=_ALL,
    ),
)
_PLACES: Final = (
    Field(
        name="evt.dir",
        type=FieldType.STRING,
        doc="Out of use: always <, since every event is the end of its call.",
        read=constant("<"),
        traits=frozenset({"deprecated"}),
    ),
    Field(
        name="evt.cpu",
        type=FieldType.INT,
        bits=16,
        doc="Number of the CPU that the call returned on.",
        depends=frozenset({Dependency.CLOCK}),
        read=lambda event: event.cpu,
    ),
)


def kinds(lookups: Lookups) -> tuple[Field, ...]:
    """Return the fields that describe the kind of the event."""
    hostname = Field(
        name="evt.hostname",
        type=FieldType.STRING,
        doc="Name of the machine.",
        read=lambda _: lookups.hostname or None,
        sources=_ALL,
    )
    host_id = Field(
        depends=frozenset({Dependency.METADATA}),
        name="evt.host_id",
        type=FieldType.STRING,
        doc="The id of the machine: that of /etc/machine-id where there is one. Mozu's own.",
        read=lambda _: lookups.entities.host_id or None,
        sources=_ALL,
    )
    return (*_TYPES, hostname, host_id, *_PLACES)


def _trait(*wanted: str) -> Bind:
    return flag(lambda event: not event.traits.isdisjoint(wanted))


def _direction(event: EventType) -> Reader | None:
    if "writes_fd" in event.traits:
        return constant("write")
    return constant("read") if "reads_fd" in event.traits else None


def _to_syslog(event: SyscallEvent) -> bool:
    return event.file is not None and "/dev/log" in event.file.name


def _syslog(event: EventType) -> Reader:
    return _to_syslog if "writes_fd" in event.traits else constant(False)


TRAITS: Final = (
    Field(
        depends=OF_EVENT,
        name="evt.is_io",
        type=FieldType.BOOL,
        doc="Whether the call reads from or writes to a descriptor.",
        bind=_trait("reads_fd", "writes_fd"),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_io_read",
        type=FieldType.BOOL,
        doc="Whether the call reads from a descriptor.",
        bind=_trait("reads_fd"),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_io_write",
        type=FieldType.BOOL,
        doc="Whether the call writes to a descriptor.",
        bind=_trait("writes_fd"),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.io_dir",
        type=FieldType.STRING,
        doc="The text write or read for calls that do either.",
        bind=by_type(lambda _, event: _direction(event)),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_wait",
        type=FieldType.BOOL,
        doc="Whether the call waits for something.",
        bind=_trait("waits"),
    ),
    Field(
        depends=OF_EVENT,
        name="evt.is_syslog",
        type=FieldType.BOOL,
        doc="Whether the call writes to /dev/log.",
        bind=by_type(lambda _, event: _syslog(event)),
        needs=_FDS,
    ),
)


def _error(event: SyscallEvent) -> int | None:
    value = result(event)
    return None if value is None else int(value < 0)


def _error_class(event: SyscallEvent, name: str, category: str) -> str:
    """Return the error counter that an event with a result belongs to."""
    kind = "" if event.file is None else event.file.kind
    if kind in PATHS or (not kind and name in _OPENS):
        return "file"
    if kind in _SOCKETS or (not kind and name in _CONNECTIONS):
        return "net"
    return "memory" if category == "memory" else "other"


def _errors_of(wanted: str) -> Bind:
    def make(_: str | None, event_type: EventType) -> Reader | None:
        if not has_result(event_type):
            return None

        def read(event: SyscallEvent) -> int | None:
            return _error(event) if _error_class(event, event_type.name, event_type.category) == wanted else None

        return read

    return by_type(make)


def _count(
    name: str,
    doc: str,
    bind: Bind,
    *,
    hidden: bool = False,
    needs: frozenset[str] = frozenset(),
    depends: frozenset[Dependency] = OF_EVENT,
) -> Field:
    traits = _HIDDEN if hidden else frozenset()
    return Field(
        name=name, type=FieldType.UINT, bits=32, doc=doc, bind=bind, traits=traits, needs=needs, depends=depends
    )


def _main_thread(event: SyscallEvent) -> int:
    return int(event.tid == event.pid)


COUNTS: Final = (
    _count("evt.count", "Always 1, for adding up.", _no_syscall(constant(1))),
    _count("evt.count.error", "1 for a call that failed, 0 for one that did not.", when(has_result, _error)),
    _count("evt.count.error.file", "As evt.count.error, for files alone.", _errors_of("file"), needs=_FDS),
    _count("evt.count.error.net", "As evt.count.error, for sockets alone.", _errors_of("net"), needs=_FDS),
    _count("evt.count.error.memory", "As evt.count.error, for calls on memory.", _errors_of("memory"), needs=_FDS),
    _count("evt.count.error.other", "As evt.count.error, for all the rest.", _errors_of("other"), needs=_FDS),
    _count("evt.count.exit", "Always 1: every event is the end of its call.", _no_syscall(constant(1))),
    _count(
        "evt.count.procinfo",
        "1 for the regular reports about a process, else 0.",
        by_type(lambda _, event: _main_thread if event.name == "procinfo" else constant(0)),
        hidden=True,
        depends=EVERYTHING,
    ),
    _count(
        "evt.count.threadinfo",
        "1 for the regular reports about a thread, else 0.",
        by_type(lambda _, event: constant(int(event.name == "procinfo"))),
        hidden=True,
    ),
)
