"""The fields `fs.path.*`: the paths that calls on the file system changed."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields.binding import by_type
from mozu.core.model.fields.field import Field, FieldType, Reader
from mozu.core.model.fields.fs.base_directory import AT_FDCWD, UNKNOWN, base_directory, place_of
from mozu.core.model.fields.pathname import absolute
from mozu.core.model.syscalls import EventType
from mozu.core.model.value_types import FieldValue

_OPENS: Final = frozenset({"open", "openat", "openat2"})
_EPERM: Final = 1

NAME: Final = {
    "mkdir": "path",
    "mkdirat": "path",
    "rmdir": "path",
    "unlink": "path",
    "unlinkat": "name",
    "open": "name",
    "openat": "name",
    "openat2": "name",
    "chmod": "filename",
    "fchmod": "fd",
    "fchmodat": "filename",
    "chown": "path",
    "lchown": "path",
    "fchown": "fd",
    "fchownat": "pathname",
    "quotactl": "special",
    "truncate": "path",
    "umount": "name",
    "umount2": "name",
}
SOURCE: Final = {
    "rename": "oldpath",
    "renameat": "oldpath",
    "renameat2": "oldpath",
    "link": "newpath",
    "linkat": "newpath",
    "symlink": "linkpath",
    "symlinkat": "linkpath",
    "mount": "dev",
}
TARGET: Final = {
    "rename": "newpath",
    "renameat": "newpath",
    "renameat2": "newpath",
    "link": "oldpath",
    "linkat": "oldpath",
    "symlink": "target",
    "symlinkat": "target",
    "mount": "dir",
}
"""Event type → name of the parameter that holds the path; `NAME` and `SOURCE` likewise."""


def _succeeded(event: SyscallEvent, *, opens: bool) -> bool:
    outcome: int | None = event.args[0]
    return outcome != -_EPERM if opens else outcome == 0


def _raw(event_type: EventType, position: int) -> Reader:
    opens = event_type.name in _OPENS
    of_descriptor = event_type.params[position].type == "fd"

    def read(event: SyscallEvent) -> FieldValue:
        if not _succeeded(event, opens=opens):
            return None
        if not of_descriptor:
            value: FieldValue = event.args[position]
            return value
        return event.file.name if event.file is not None else None

    return read


def _absolute(event_type: EventType, position: int) -> Reader:
    raw = _raw(event_type, position)
    param = event_type.params[position]
    if param.type == "fd":
        return raw
    dirfd = param.dirfd
    place = place_of(dirfd)
    opens = event_type.name in _OPENS

    def read(event: SyscallEvent) -> str | None:
        text = raw(event)
        if not isinstance(text, str):
            return None
        if opens and event.file is not None:
            return event.file.name
        if text.startswith("/"):
            return absolute("/", text)
        where = AT_FDCWD if dirfd is None else event.args[dirfd]
        return absolute(base_directory(event, where, place) or UNKNOWN, text)

    return read


def path_reader(event_type: EventType, where: dict[str, str]) -> Reader | None:
    """Return the reader of the absolute path that `where` names for a type; None if it names none."""
    return _reader(event_type, where, _absolute)


def _reader(event_type: EventType, where: dict[str, str], make: Callable[[EventType, int], Reader]) -> Reader | None:
    position = event_type.index(where[event_type.name]) if event_type.name in where else None
    return None if position is None else make(event_type, position)


def _field(name: str, where: dict[str, str], make: Callable[[EventType, int], Reader], doc: str) -> Field:
    def bind(_: str | None, event_type: EventType) -> Reader | None:
        return _reader(event_type, where, make)

    needs = frozenset({"cwd", "fds"})
    return Field(name=name, type=FieldType.STRING, doc=doc, bind=by_type(bind), needs=needs)


FIELDS: Final = (
    _field("fs.path.name", NAME, _absolute, "Absolute path that a successful call made, opened, changed or removed."),
    _field("fs.path.nameraw", NAME, _raw, "The path of fs.path.name as the call was given it."),
    _field("fs.path.source", SOURCE, _absolute, "Absolute path before renaming, of a new link, of what is mounted."),
    _field("fs.path.sourceraw", SOURCE, _raw, "The path of fs.path.source as the call was given it."),
    _field("fs.path.target", TARGET, _absolute, "Absolute path after renaming, of a mount point; what a link holds."),
    _field("fs.path.targetraw", TARGET, _raw, "The path of fs.path.target as the call was given it."),
)
