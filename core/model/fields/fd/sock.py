"""The two ends of a socket: fd.*ip, fd.*port, fd.*net, fd.*proto, fd.*.name, fd.is_server …"""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import Address, File, SockTuple, SyscallEvent
from mozu.core.model.fields.addresses import plain
from mozu.core.model.fields.binding import when
from mozu.core.model.fields.descriptor_kind import IP
from mozu.core.model.fields.field import Field, FieldType, Match, Reader
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.value_types import FieldValue

_FDS: Final = frozenset({"fds"})
_FILTER: Final = frozenset({"filter_only", "no_rhs", "no_transformer"})
_ENDS: Final = {"c": "client", "s": "server", "l": "local", "r": "remote"}

End = tuple[Address, int]
"""Address and port."""


def ip_sock(file: File | None) -> SockTuple | None:
    """Return both ends of an IP socket; None for other files."""
    return file.sock if file is not None and file.kind in IP else None


def client(file: File | None) -> End | None:
    """Return the end that connected; None if not known."""
    sock = ip_sock(file)
    if sock is None or file is None or file.role not in ("client", "server"):
        return None
    return sock.source, sock.sport


def server(file: File | None) -> End | None:
    """Return the end that was connected to, or that listens; None if not known."""
    sock = ip_sock(file)
    return None if sock is None or file is None or not file.role else (sock.dest, sock.dport)


def _is_client_local(event: SyscallEvent, file: File, sock: SockTuple, lookups: Lookups) -> bool:
    """Return True if the client's end is on this machine, by the machine's addresses or, if they do not tell and the
    machine is live, by the role of the process."""
    addresses = lookups.addresses
    known = sock.source in addresses
    if addresses.recorded is None:
        return known or (sock.dest not in addresses and file.role == "client")
    container = None if event.process is None else event.process.container
    if container is None:
        return known
    return file.kind != "ipv6" and (known or addresses.recorded(container.full_id) == sock.source)


def local(event: SyscallEvent, lookups: Lookups) -> End | None:
    """Return the end on this machine; None if not known."""
    ends = _own_end_first(event, lookups)
    return None if ends is None else ends[0]


def remote(event: SyscallEvent, lookups: Lookups) -> End | None:
    """Return the other machine's end; None if not known."""
    ends = _own_end_first(event, lookups)
    return None if ends is None else ends[1]


def _own_end_first(event: SyscallEvent, lookups: Lookups) -> tuple[End, End] | None:
    file = event.file
    sock = ip_sock(file)
    if sock is None or file is None or file.role not in ("client", "server"):
        return None
    source, dest = (sock.source, sock.sport), (sock.dest, sock.dport)
    return (source, dest) if _is_client_local(event, file, sock, lookups) else (dest, source)


def is_server(file: File, lookups: Lookups) -> bool:
    """Return True if the process offers the service: it listens, or the destination is an interface's address."""
    if file.kind not in IP:
        return False
    if file.role in ("listening", "server"):
        return True
    return file.sock is not None and lookups.addresses.on_interface(file.sock.dest)


def _both(event: SyscallEvent, place: int) -> tuple[FieldValue, ...] | None:
    """Return both ends, the single end of a listening socket, or nothing for other files; None without a descriptor."""
    file = event.file
    if file is None or not file.kind:
        return None
    sock = ip_sock(file)
    if sock is None:
        return ()
    if file.role == "listening":
        return ((sock.dest, sock.dport)[place],) if sock.dest or place else ()
    return ((sock.source, sock.sport)[place], (sock.dest, sock.dport)[place])


def _either(name: str, kind: FieldType, doc: str, place: int) -> Field:
    return Field(
        name=name,
        type=kind,
        doc=doc,
        bind=when(lambda event: event.has_fd, lambda event: _both(event, place)),
        match=Match.ENDPOINTS,
        traits=_FILTER,
        needs=_FDS,
    )


EITHER: Final = (
    _either("fd.ip", FieldType.IPADDR, "The addresses of both ends: one that fits is enough.", 0),
    _either("fd.net", FieldType.IPNET, "The networks of both ends: one that fits is enough.", 0),
    _either("fd.port", FieldType.PORT, "The ports of both ends: one that fits is enough.", 1),
    _either("fd.proto", FieldType.PORT, "The same as fd.port.", 1),
)


def ends(lookups: Lookups) -> tuple[Field, ...]:
    """Return the fields of one end for each of client, server, local and remote."""
    finders: dict[str, Callable[[SyscallEvent], End | None]] = {
        "c": lambda event: client(event.file),
        "s": lambda event: server(event.file),
        "l": lambda event: local(event, lookups),
        "r": lambda event: remote(event, lookups),
    }
    return tuple(field for letter, find in finders.items() for field in _of_end(letter, find, lookups))


def _of_end(letter: str, find: Callable[[SyscallEvent], End | None], lookups: Lookups) -> tuple[Field, ...]:
    which = _ENDS[letter]

    def address(event: SyscallEvent) -> Address | None:
        end = find(event)
        return end[0] if end is not None and end[0] else None

    def port(event: SyscallEvent) -> int | None:
        end = find(event)
        return None if end is None else end[1]

    def port_text(event: SyscallEvent) -> str | None:
        end = find(event)
        return None if end is None else str(end[1])

    return (
        _one(f"fd.{letter}ip", FieldType.IPADDR, address, f"Address of the {which} end."),
        _one(f"fd.{letter}port", FieldType.PORT, port, f"Port of the {which} end."),
        _one(f"fd.{letter}net", FieldType.IPNET, address, f"Network of the {which} end.", _FILTER),
        _one(f"fd.{letter}proto", FieldType.STRING, port_text, f"Port of the {which} end, as text."),
        _host(f"fd.{letter}ip.name", address, lookups, which),
    )


def _one(name: str, kind: FieldType, read: Reader, doc: str, traits: frozenset[str] = frozenset()) -> Field:
    bind = when(lambda event: event.may_be_socket, read)
    return Field(name=name, type=kind, doc=doc, bind=bind, traits=traits, needs=_FDS)


def _host(name: str, address: Callable[[SyscallEvent], Address | None], lookups: Lookups, which: str) -> Field:
    """Return the field of an end's names; outputs show the first."""

    def read(event: SyscallEvent) -> tuple[str | None, ...] | None:
        found = address(event)
        return None if found is None else lookups.hosts.get(plain(found), (None,))

    def show(event: SyscallEvent) -> str | None:
        found = read(event)
        return None if found is None else found[0]

    return Field(
        name=name,
        type=FieldType.STRING,
        doc=f"Name in a rule that the address of the {which} end was resolved from.",
        bind=when(lambda event: event.may_be_socket, read),
        show=show,
        match=Match.NAMES,
        traits=frozenset({"no_rhs", "no_transformer", "host_name"}),
        needs=_FDS,
    )
