"""The data, opens and reports of calls: evt.buffer, evt.buflen*, evt.is_open_*, evt.abspath, evt.infra.* …"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from mozu.core.errors import UnknownField
from mozu.core.model.event import DataEvent, Event, File, SyscallEvent
from mozu.core.model.fields.binding import Bind, by_type, constant, when
from mozu.core.model.fields.dependency import OF_EVENT
from mozu.core.model.fields.descriptor_kind import IP
from mozu.core.model.fields.evt.args import result
from mozu.core.model.fields.evt.kind import is_transfer
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.fs.base_directory import UNKNOWN, base_directory, place_of
from mozu.core.model.fields.pathname import absolute
from mozu.core.model.syscalls import EventType, flag_table

_HIDDEN: Final = frozenset({"hidden"})
_FDS: Final = frozenset({"fds"})
_FLAGS: Final = dict(flag_table("file_flags"))
_READ, _WRITE = _FLAGS["O_RDONLY"], _FLAGS["O_WRONLY"]
_CREATES: Final = _FLAGS["O_CREAT"] | _FLAGS["O_TMPFILE"]
_CREATED, _TMPFILE = _FLAGS["O_F_CREATED"], _FLAGS["O_TMPFILE"]
_EXECUTE: Final = 0o111
_OPENS: Final = frozenset({"open", "openat", "openat2", "open_by_handle_at"})


def _data(event: EventType) -> Reader | None:
    position = event.index("data") if event.kind == "syscall" else None
    if position is None:
        return None
    return lambda event: event.args[position] or None


def moved(event: SyscallEvent) -> int | None:
    """Return the number of bytes that a call on a known descriptor moved; None if it failed."""
    if event.file is None or not event.file.kind:
        return None
    value = result(event)
    return value if value is not None and value >= 0 else None


def _length(name: str, doc: str, kinds: Callable[[File], bool] | None = None, trait: str = "") -> Field:
    def limited(event: SyscallEvent) -> int | None:
        return moved(event) if event.file is not None and kinds is not None and kinds(event.file) else None

    def test(event: EventType) -> bool:
        return is_transfer(event) and (not trait or event.category == trait)

    hidden = _HIDDEN if name != "evt.buflen" else frozenset()
    bind = when(test, moved if kinds is None else limited)
    return Field(name=name, type=FieldType.UINT, doc=doc, bind=bind, traits=hidden, needs=_FDS, depends=OF_EVENT)


def _is_file(file: File) -> bool:
    return file.kind == "file"


def _is_ip(file: File) -> bool:
    return file.kind in IP


BUFFERS: Final = (
    Field(
        name="evt.buffer",
        type=FieldType.BYTES,
        doc="The first bytes that the call moved.",
        bind=by_type(lambda _, event: _data(event)),
        depends=OF_EVENT,
    ),
    _length("evt.buflen", "How many bytes the call moved."),
    _length("evt.buflen.in", "As evt.buflen, for reading alone.", trait="io_read"),
    _length("evt.buflen.out", "As evt.buflen, for writing alone.", trait="io_write"),
    _length("evt.buflen.file", "As evt.buflen, for files alone.", _is_file),
    _length("evt.buflen.file.in", "As evt.buflen, for reading files alone.", _is_file, "io_read"),
    _length("evt.buflen.file.out", "As evt.buflen, for writing files alone.", _is_file, "io_write"),
    _length("evt.buflen.net", "As evt.buflen, for IP sockets alone.", _is_ip),
    _length("evt.buflen.net.in", "As evt.buflen, for reading IP sockets alone.", _is_ip, "io_read"),
    _length("evt.buflen.net.out", "As evt.buflen, for writing IP sockets alone.", _is_ip, "io_write"),
)


def _has_flag(mask: int) -> Callable[[EventType], Reader]:
    def make(event: EventType) -> Reader:
        position = event.index("flags")
        if event.name not in _OPENS or position is None:
            return constant(False)
        return lambda event: bool((event.args[position] or 0) & mask)

    return make


def _executable(event: EventType) -> Reader:
    flags, mode = event.index("flags"), event.index("mode")
    if mode is None or event.name not in (*_OPENS, "creat"):
        return constant(False)
    if flags is None:
        return lambda event: bool((event.args[mode] or 0) & _EXECUTE)
    return lambda event: bool((event.args[flags] or 0) & _CREATES and (event.args[mode] or 0) & _EXECUTE)


def _created(event: EventType) -> Reader:
    position = event.index("flags")
    if event.name not in _OPENS or position is None:
        return constant(False)

    def read(event: SyscallEvent) -> bool:
        flags = event.args[position] or 0
        return bool(flags & _CREATED) or (bool(flags & _TMPFILE) and (result(event) or 0) >= 0)

    return read


def _opening(name: str, doc: str, make: Callable[[EventType], Reader]) -> Field:
    bind = by_type(lambda _, event: make(event))
    return Field(name=name, type=FieldType.BOOL, doc=doc, bind=bind, depends=OF_EVENT)


OPENS: Final = (
    _opening("evt.is_open_read", "Whether a file was opened, or was to be, for reading.", _has_flag(_READ)),
    _opening("evt.is_open_write", "Whether a file was opened, or was to be, for writing.", _has_flag(_WRITE)),
    _opening("evt.is_open_exec", "Whether the call could make a file that any user may execute.", _executable),
    _opening("evt.is_open_create", "Whether the call made a new file.", _created),
)

_ONE_PATH: Final = {
    "openat": ("dirfd", "name"),
    "openat2": ("dirfd", "name"),
    "open_by_handle_at": ("mountfd", "path"),
    "symlinkat": ("linkdirfd", "linkpath"),
    "unlinkat": ("dirfd", "name"),
    "mkdirat": ("dirfd", "path"),
    "fchmodat": ("dirfd", "filename"),
    "fchownat": ("dirfd", "pathname"),
}
_TWO_PATHS: Final = {
    "renameat": (("olddirfd", "oldpath"), ("newdirfd", "newpath")),
    "renameat2": (("olddirfd", "oldpath"), ("newdirfd", "newpath")),
    "linkat": (("olddir", "oldpath"), ("newdir", "newpath")),
}
"""Event type → names of the parameters that hold the directory's descriptor and the path."""


def absolute_path(event: EventType, dirfd_name: str, path_name: str) -> Reader | None:
    """Return a reader of the absolute form of a path that is relative to a directory's descriptor; None if the event
    type has no such parameters."""
    dirfd, path = event.index(dirfd_name), event.index(path_name)
    if dirfd is None or path is None:
        return None
    place = place_of(dirfd)

    def read(event: SyscallEvent) -> str | None:
        text = event.args[path]
        if text is None:
            return None
        if text.startswith("/"):
            return absolute("/", text)
        return absolute(base_directory(event, event.args[dirfd], place) or UNKNOWN, text)

    return read


def _abspath(argument: str | None, event: EventType) -> Reader | None:
    if argument not in (None, "src", "dst"):
        raise UnknownField(f"evt.abspath.{argument}: nonexistent field (it has the forms .src and .dst)")
    where = _ONE_PATH.get(event.name)
    if event.name in _TWO_PATHS:
        where = _TWO_PATHS[event.name][argument == "dst"]
    return None if where is None else absolute_path(event, *where)


ABSPATH: Final = Field(
    name="evt.abspath",
    type=FieldType.STRING,
    doc="Absolute path of a call that is given a directory's descriptor; .src and .dst tell its two paths apart.",
    bind=by_type(_abspath),
    argument=Argument.DOTTED_OPTIONAL,
    needs=frozenset({"cwd", "fds"}),
)


def _infra(name: str, doc: str, key: str, limit: int | None = None) -> Field:
    def read(event: SyscallEvent) -> str | None:
        for part in (event.args[2] or "").split(";"):
            label, _, value = part.partition(":")
            if label.strip() == key:
                return str(value.strip()[:limit])
        return None

    bind: Bind = when(lambda event: event.name == "infra", read)
    return Field(name=name, type=FieldType.STRING, doc=doc, bind=bind, traits=_HIDDEN, depends=OF_EVENT)


INFRA: Final = (
    _infra("evt.infra.docker.name", "A report of the container engine: what happened.", "Event"),
    _infra("evt.infra.docker.container.id", "A report of the container engine: the container's id.", "ID", 12),
    _infra("evt.infra.docker.container.name", "A report of the container engine: the container's name.", "Name"),
    _infra("evt.infra.docker.container.image", "A report of the container engine: the container's image.", "Image"),
)


def _line(event: Event) -> Any:
    return orjson.dumps(event.data).decode() if isinstance(event, DataEvent) else None


PLUGININFO: Final = Field(
    name="evt.plugininfo",
    type=FieldType.STRING,
    doc="An event of a log source in one line: its JSON.",
    read=_line,
    sources=frozenset({"*"}),
)
