"""The fields `fd.*` and `fdlist.*`: the descriptor that an event is about."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.fields.binding import by_type, when
from mozu.core.model.fields.dependency import EVERYTHING, OF_EVENT, Dependency
from mozu.core.model.fields.descriptor_kind import CHARS, GUESSES, IP, type_char
from mozu.core.model.fields.evt.text import sockaddr_text, tuple_text
from mozu.core.model.fields.fd.fdlist import LISTS, TYPES
from mozu.core.model.fields.fd.sock import EITHER, ends, is_server
from mozu.core.model.fields.field import Field, FieldType, Match, Reader
from mozu.core.model.fields.fs.base_directory import AT_FDCWD, UNKNOWN, base_directory
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.fields.pathname import absolute, directory_of, filename_of, single_slashes
from mozu.core.model.syscalls import EventType
from mozu.core.model.syscalls import event_type as event_type_of
from mozu.core.model.value_types import FieldValue

_FDS: Final = frozenset({"fds"})
_NAMED: Final = frozenset({"fds", "cwd", "names"})
_OPENS: Final = frozenset({"open", "openat", "openat2", "creat"})
_PATHED: Final = frozenset({"file", "directory"})
_SIGN: Final = 1 << 63
_MINOR_BITS: Final = 20
_MINORS: Final = (1 << _MINOR_BITS) - 1


def known(event: SyscallEvent) -> File | None:
    """Return the file of the event's descriptor, if the state knows it; otherwise None."""
    file = event.file
    return file if file is not None and file.kind else None


def _guessed_name(event_type: EventType) -> Callable[[SyscallEvent], str | None]:
    """Return a reader of the name of an unknown descriptor, from the parameters of its own event."""
    path = event_type.index("name") if event_type.name in _OPENS else None
    if path is not None:
        dirfd = event_type.params[path].dirfd
        return lambda event: _opened(event, event.args[path], AT_FDCWD if dirfd is None else event.args[dirfd])
    sock, addr = event_type.index("tuple"), event_type.index("addr")
    if event_type.name in ("connect", "accept", "accept4") and sock is not None:
        return lambda event: _peer(event, sock, addr)
    return lambda _: ""


def _opened(event: SyscallEvent, path: str | None, dirfd: int | None) -> str | None:
    if path is None:
        return None
    return absolute("/" if path.startswith("/") else base_directory(event, dirfd) or UNKNOWN, path)


def _peer(event: SyscallEvent, sock: int, addr: int | None) -> str:
    """Return both ends, or else the address that the call was given; for an accept that shows neither, the text of its
    parameter."""
    ends = event.args[sock]
    if ends is None and addr is not None:
        return "" if event.args[addr] is None else sockaddr_text(event.args[addr])
    return "NULL" if ends is None else tuple_text(ends)


def name_reader(event_type: EventType) -> Callable[[SyscallEvent], str | None]:
    """Return the reader of `fd.name`."""
    guess = _guessed_name(event_type)

    def read(event: SyscallEvent) -> str | None:
        if event.file is not None:
            return event.file.name
        return None if event.fd is None else guess(event)

    return read


def _directory(event_type: EventType) -> Reader:
    name = name_reader(event_type)

    def read(event: SyscallEvent) -> str | None:
        file = known(event)
        if file is None:
            text = name(event)
            return None if text is None else directory_of(text)
        if file.kind == "directory":
            return file.name
        return directory_of(file.name) if file.kind == "file" else None

    return read


def _filename(event: SyscallEvent) -> str | None:
    """Return the filename of an open file; a failed open has a name and a directory but no filename, as in Falco."""
    file = known(event)
    return filename_of(file.name) if file is not None and file.kind == "file" else None


def _raw_name(event_type: EventType) -> Reader:
    path = event_type.index("name") if event_type.name in _OPENS else None

    def read(event: SyscallEvent) -> str | None:
        if event.file is not None:
            return single_slashes(event.file.raw)
        if event.fd is None:
            return None
        return "" if path is None else single_slashes(event.args[path] or "")

    return read


def _char(event_type: EventType) -> Reader:
    guess = GUESSES.get(event_type.name, "o")

    def read(event: SyscallEvent) -> str | None:
        file = known(event)
        if file is not None:
            return type_char(file)
        return None if event.fd is None else guess

    return read


def _kind(file: File) -> str:
    return "<NA>" if file.kind == "unknown" else file.kind


def _family(file: File) -> str | None:
    if file.kind in IP:
        return "ip"
    return "unix" if file.kind == "unix" else None


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= _SIGN else number


def _encoded_device(file: File) -> int:
    """Return the device number as passed to user space (and as in the events' parameter `dev`)."""
    major, minor = file.dev >> _MINOR_BITS, file.dev & _MINORS
    return (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12


def _container(event: SyscallEvent) -> str:
    process = event.process
    return "" if process is None or process.container is None else process.container.id


def _in_container(make: Callable[[EventType], Reader]) -> Callable[[EventType], Reader]:
    def with_container(event_type: EventType) -> Reader:
        inner = make(event_type)

        def read(event: SyscallEvent) -> str | None:
            text = inner(event)
            return None if text is None else f"{_container(event)}:{text}"

        return read

    return with_container


def _paths(event_type: EventType) -> Callable[[SyscallEvent], tuple[str, ...] | None]:
    name = name_reader(event_type)

    def read(event: SyscallEvent) -> tuple[str, ...] | None:
        given, file = name(event), known(event)
        if file is not None and file.kind not in _PATHED:
            return None
        real = None if file is None else file.realpath
        if given is None:
            return None if real is None else (real,)
        return (given,) if real is None or real == given else (given, real)

    return read


def _real_path(file: File) -> str | None:
    if file.realpath is None and file.kind in _PATHED:
        return file.name
    return file.realpath


def _joined_paths(event: SyscallEvent) -> str | None:
    kind = event_type_of(event.type)
    found = None if kind is None or not kind.has_fd else _paths(kind)(event)
    return None if found is None else ",".join(found)


def _made(
    name: str,
    doc: str,
    make: Callable[[EventType], Reader],
    needs: frozenset[str] = _NAMED,
    depends: frozenset[Dependency] = OF_EVENT,
) -> Field:
    bind = by_type(lambda _, event: make(event) if event.has_fd else None)
    return Field(name=name, type=FieldType.STRING, doc=doc, bind=bind, needs=needs, depends=depends)


def _simple(name: str, kind: FieldType, doc: str, read: Reader, depends: frozenset[Dependency]) -> Field:
    bind = when(lambda event: event.has_fd, read)
    return Field(name=name, type=kind, doc=doc, bind=bind, needs=frozenset(), depends=depends)


def _fact(
    name: str,
    kind: FieldType,
    doc: str,
    fact: Callable[[File], FieldValue],
    form: str = "",
    more: str = "",
    depends: frozenset[Dependency] = OF_EVENT,
) -> Field:
    """Return a field that only a known descriptor has."""

    def read(event: SyscallEvent) -> FieldValue:
        file = event.file
        return fact(file) if file is not None and file.kind else None

    bind = when(lambda event: event.has_fd, read)
    traits = frozenset({form} if form else ())
    needs = _FDS | {more} if more else _FDS
    return Field(name=name, type=kind, doc=doc, bind=bind, needs=needs, format=form, traits=traits, depends=depends)


_NUMBERS: Final = (
    _simple(
        "fd.num",
        FieldType.INT,
        "Number of the descriptor; -1 where opening it failed.",
        lambda event: event.fd,
        OF_EVENT,
    ),
    _simple(
        "fd.uid",
        FieldType.STRING,
        "The thread's id with the descriptor's number behind it: unique on the machine at any one time.",
        lambda event: None if event.fd is None else f"{event.tid}{event.fd}",
        OF_EVENT | {Dependency.PROCESS},
    ),
)

_LETTERS: Final = ", ".join(f"{letter} {kind}" for kind, letter in CHARS.items())
_NAMES: Final = (
    _made("fd.typechar", f"fd.type in one letter: {_LETTERS}, o what is none of these.", _char, _FDS),
    _made(
        "fd.name",
        "Path of a file, made absolute without looking at links; both ends of a connection; name of any other kind.",
        name_reader,
    ),
    _made("fd.nameraw", "The path as the call was given it, doubled slashes made one.", _raw_name, _NAMED),
    _made("fd.directory", "Directory of a file; for a directory, the directory itself.", _directory),
    _made("fd.filename", "Last part of the path of a file that is open.", lambda _: _filename),
    _made(
        "fd.containername",
        "The container's id, a colon, and fd.name.",
        _in_container(name_reader),
        _NAMED | {"cgroups"},
        OF_EVENT | {Dependency.CGROUP},
    ),
    _made(
        "fd.containerdirectory",
        "The container's id, a colon, and fd.directory.",
        _in_container(_directory),
        _NAMED | {"cgroups"},
        OF_EVENT | {Dependency.CGROUP},
    ),
)

_PATHS: Final = Field(
    name="fd.paths",
    type=FieldType.PATH,
    doc="All paths of a file, fd.name and fd.realpath: one that fits is enough; mozu's own.",
    bind=by_type(lambda _, event: _paths(event) if event.has_fd else None),
    show=_joined_paths,
    match=Match.ENDPOINTS,
    needs=_NAMED | {"realpath"},
    depends=OF_EVENT,
)

_HOST_PATH: Final = Field(
    name="fd.hostpath",
    type=FieldType.PATH,
    doc="Path on the host of a file in a mount that the container was given at its start; missing for files of the "
    "container's own and on the host; mozu's own.",
    needs=_NAMED | {"realpath", "tree", "cgroups", "enricher:containers"},
)

_FACTS: Final = (
    _fact("fd.type", FieldType.STRING, "What the descriptor is: file, directory, ipv4, unix, pipe …", _kind),
    _fact(
        "fd.realpath",
        FieldType.PATH,
        "Path that the file really has, by whatever links, bind mounts or roots it was reached; fd.name where the "
        "source does not know it; mozu's own.",
        _real_path,
        more="realpath",
    ),
    _fact(
        "fd.l4proto",
        FieldType.STRING,
        "Transport protocol of an IP socket: tcp, udp, icmp or raw; the text <NA> for everything else.",
        lambda file: file.l4proto or "<NA>",
    ),
    _fact("fd.sockfamily", FieldType.STRING, "The family of a socket: ip or unix.", _family),
    _fact("fd.connected", FieldType.BOOL, "Whether the socket is connected to a peer.", lambda file: file.connected),
    _fact(
        "fd.name_changed",
        FieldType.BOOL,
        "Whether this very event gave the descriptor another name.",
        lambda file: file.name_changed,
    ),
    _fact("fd.dev", FieldType.INT, "Number of the device that the file lies on.", _encoded_device, "hex"),
    _fact(
        "fd.dev.major",
        FieldType.INT,
        "Major part of the device's number.",
        lambda file: file.dev >> _MINOR_BITS,
    ),
    _fact(
        "fd.dev.minor",
        FieldType.INT,
        "Minor part of the device's number.",
        lambda file: file.dev & _MINORS,
    ),
    _fact("fd.ino", FieldType.INT, "Number of the file's inode.", lambda file: _signed(file.ino)),
    _fact(
        "fd.role",
        FieldType.STRING,
        "The part that the process plays in the connection of an IP socket: client, server or listening. Mozu's own.",
        lambda file: file.role if file.kind in IP and file.role else None,
    ),
    _fact(
        "fd.is_upper_layer",
        FieldType.BOOL,
        "Whether the file lies in the upper layer of an overlay.",
        lambda file: file.upper_layer,
    ),
    _fact(
        "fd.is_lower_layer",
        FieldType.BOOL,
        "Whether the file lies in the lower layer of an overlay.",
        lambda file: file.lower_layer,
    ),
)


def fields(lookups: Lookups) -> tuple[Field, ...]:
    """Return the descriptor fields for one engine and its surroundings."""
    serving = _fact(
        "fd.is_server",
        FieldType.BOOL,
        "Whether the socket is the server's end: it listens, or was connected to.",
        lambda file: is_server(file, lookups),
        depends=EVERYTHING,
    )
    return (*_NUMBERS, *_NAMES, _PATHS, _HOST_PATH, *_FACTS, serving, *EITHER, *ends(lookups), TYPES, *LISTS)


FIELDS: Final = fields(Lookups())
"""The descriptor fields without surroundings: no address is this machine's own, none has a name."""
