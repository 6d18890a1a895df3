"""The field `evt.object`: the object that a call was about, as one text for a person."""

from collections.abc import Iterable
from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields.binding import by_type
from mozu.core.model.fields.fd.fields import name_reader
from mozu.core.model.fields.field import Field, FieldType, Reader
from mozu.core.model.fields.fs.fields import NAME, SOURCE, TARGET, path_reader
from mozu.core.model.fields.proc.own import OWN
from mozu.core.model.syscalls import EventType, Param, event_type
from mozu.core.model.value_types import FieldValue

_EXECUTES: Final = frozenset({"execve", "execveat"})
_PATHS: Final = frozenset({"fspath", "fsrelpath"})
_COMMAND: Final = next(field for field in OWN if field.name == "proc.cmdline")
_OF_PATHS: Final = frozenset({"cwd", "fds"})
_OF_DESCRIPTORS: Final = _OF_PATHS | {"names"}


def _is_named(param: Param) -> bool:
    return param.type in _PATHS or (param.name, param.type) == ("path", "string")


def _first(values: Iterable[FieldValue]) -> str:
    return " -> ".join(value for value in values if isinstance(value, str) and value)


def _object(_: str | None, called: EventType) -> Reader | None:
    if called.name in _EXECUTES:
        return _COMMAND.read
    ends = [reader for where in (SOURCE, TARGET) if (reader := path_reader(called, where)) is not None]
    file, path = name_reader(called) if called.has_fd else None, path_reader(called, NAME)
    given = [place for place, param in enumerate(called.params) if _is_named(param)]

    def read(event: SyscallEvent) -> str:
        return (
            _first(end(event) for end in ends)
            or (None if file is None else file(event))
            or _first(() if path is None else (path(event),))
            or _first(event.args[place] for place in given if place < len(event.args))
            or called.name
        )

    return read


def _needed(_: str | None, name: str) -> frozenset[str]:
    if name in _EXECUTES:
        return _COMMAND.needs or frozenset()
    if any(name in where for where in (NAME, SOURCE, TARGET)):
        return _OF_PATHS
    known = event_type(name)
    return _OF_DESCRIPTORS if known is None or known.has_fd else frozenset()


OBJECT: Final = Field(
    name="evt.object",
    type=FieldType.STRING,
    doc="Object of a call in one text: a command line, a file, both paths of a rename, link or mount, both ends of a "
    "connection; the name of a call that has none; mozu's own.",
    bind=by_type(_object),
    needs=_OF_DESCRIPTORS | (_COMMAND.needs or frozenset()),
    narrowed=_needed,
)
