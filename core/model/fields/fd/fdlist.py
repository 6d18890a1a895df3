"""The fields of several descriptors: fdlist.* of poll and ppoll, fd.types of a process."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.fields.binding import by_type
from mozu.core.model.fields.evt.text import address_text, file_of
from mozu.core.model.fields.fd.sock import client, server
from mozu.core.model.fields.fd.table_order import walked
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.syscalls import EventType

_FDS: Final = frozenset({"fds", "files"})


def _joined(text: Callable[[int, File | None], str | None]) -> Callable[[str | None, EventType], Reader | None]:
    def make(_: str | None, event_type: EventType) -> Reader | None:
        position = next((at for at, param in enumerate(event_type.params) if param.type == "fdlist"), None)
        if position is None:
            return None

        def read(event: SyscallEvent) -> str | None:
            polled = event.args[position] or ()
            texts = [text(fd, file_of(event, fd)) for fd, _ in polled]
            return ",".join(text for text in texts if text is not None) or None

        return read

    return make


def _address(file: File | None, *, of_client: bool) -> str | None:
    end = client(file) if of_client else server(file)
    return None if end is None else address_text(end[0])


def _port(file: File | None, *, of_client: bool) -> str | None:
    end = client(file) if of_client else server(file)
    return None if end is None else str(end[1])


def _list(name: str, doc: str, text: Callable[[int, File | None], str | None]) -> Field:
    return Field(name=name, type=FieldType.STRING, doc=doc, bind=by_type(_joined(text)), needs=_FDS)


LISTS: Final = (
    _list("fdlist.nums", "Numbers of the polled descriptors, with commas between.", lambda fd, _: str(fd)),
    _list(
        "fdlist.names",
        "Names of the polled descriptors (<NA> for an unknown one), with commas between.",
        lambda _, file: "<NA>" if file is None else file.name,
    ),
    _list(
        "fdlist.cips",
        "Client addresses of the polled IP sockets, with commas between.",
        lambda _, file: _address(file, of_client=True),
    ),
    _list(
        "fdlist.sips",
        "Server addresses of the polled IP sockets, with commas between.",
        lambda _, file: _address(file, of_client=False),
    ),
    _list(
        "fdlist.cports",
        "Client ports of the polled IP sockets, with commas between.",
        lambda _, file: _port(file, of_client=True),
    ),
    _list(
        "fdlist.sports",
        "Server ports of the polled IP sockets, with commas between.",
        lambda _, file: _port(file, of_client=False),
    ),
)


def _shown(file: File) -> str:
    return "<NA>" if file.kind == "unknown" else file.kind


def _types(argument: str | None, event_type: EventType) -> Reader | None:
    if not event_type.has_fd:
        return None

    def every(event: SyscallEvent) -> tuple[str, ...] | None:
        if event.process is None or event.fd is None:
            return None
        table = event.process.files.all_at(event.num)
        return tuple(dict.fromkeys(_shown(table[fd]) for fd in walked(table)))

    def one(event: SyscallEvent) -> tuple[str, ...] | None:
        file = None if event.fd is None else file_of(event, int(argument or 0))
        return None if file is None else (_shown(file),)

    return every if argument is None else one


TYPES: Final = Field(
    name="fd.types",
    type=FieldType.STRING,
    doc="The kinds of all open descriptors of the process, each once; with a number, the kind of that descriptor.",
    bind=by_type(_types),
    argument=Argument.INDEX_OPTIONAL,
    is_list=True,
    traits=frozenset({"no_rhs"}),
    needs=_FDS,
)
