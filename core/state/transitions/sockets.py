"""Sockets: made, bound, connected, accepted.

The name of a connection begins with the end that connected: a socket that connects is a client, an accepted one belongs
to a server, and a datagram socket has the role of its first use.
"""

from typing import Final

from msgspec.structs import replace

from mozu.core.abi.addresses import IPV4, IPV6, UNIX, address_text, mapped_ipv4, socket_kind, swap_ends
from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent
from mozu.core.state.sockets import shown_protocol, with_tuple
from mozu.core.state.state import State
from mozu.core.state.transitions.descriptors import CLOEXEC
from mozu.core.state.transitions.opening import entered
from mozu.core.state.transitions.use import INDEX, has_flag, named, result_of, used

_EINPROGRESS: Final = -115
_NAMELESS: Final = "<unknown>"
"""Name, in recordings, of an IPv4 connection over a descriptor whose socket call was not seen, as in Falco."""
_STREAM, _DATAGRAM, _RAW = 1, 2, 3
_PROTOCOLS: Final = {6: "tcp", 17: "udp", 1: "icmp", 255: "raw"}


def protocol_of(kind: int, number: int) -> str:
    """Return the transport of an IP socket from the arguments of socket(2); empty if they leave it open."""
    if number == 0:
        return {_STREAM: "tcp", _DATAGRAM: "udp"}.get(kind & 0xFF, "")
    name = _PROTOCOLS.get(number, "")
    return "raw" if name and kind & 0xFF == _RAW else name


def new_socket(domain: int, kind: int, number: int, flags: int) -> File:
    """Return the file of a new descriptor of this family."""
    if domain not in (IPV4, IPV6):
        return File(socket_kind(domain), flags=flags)
    protocol = protocol_of(kind, number)
    return File(socket_kind(domain), flags=flags, protocol=protocol, l4proto=shown_protocol(protocol, ""))


def _socket(state: State, event: SyscallEvent) -> None:
    args = event.args
    fd = result_of(event)
    if fd < 0:
        event.fd, event.file = -1, None
        return
    file = new_socket(args[1] or 0, args[2] or 0, args[3] or 0, args[4] or 0)
    if event.file is not None:
        file = replace(file, dev=event.file.dev, ino=event.file.ino)
    state.put(event, fd, file)


def _bind(state: State, event: SyscallEvent) -> None:
    file = used(state, event, INDEX["bind"])
    address: SockAddr | None = event.args[1]
    if file is None or result_of(event) < 0 or address is None or event.fd is None:
        return
    name = address_text(address)
    if address.family in (IPV4, IPV6) and address.port > 0:
        file = _listening(file, address)
    state.put(event, event.fd, replace(file, name=name, name_changed=name != file.name))


def _listening(file: File, address: SockAddr) -> File:
    mapped = mapped_ipv4(address.address) if address.family == IPV6 else None
    family, own = (IPV4, mapped) if mapped is not None else (address.family, address.address)
    return replace(
        file, kind=socket_kind(family), sock=SockTuple(family, dest=own, dport=address.port), role="listening",
        l4proto=shown_protocol(file.protocol, "listening"),
    )  # fmt: skip


def _connect(state: State, event: SyscallEvent) -> None:
    args = event.args
    reported = event.file
    begun = entered(state, event)
    file = used(state, event, INDEX["connect"])
    result = result_of(event)
    if file is None or event.fd is None or (result < 0 and result != _EINPROGRESS):
        return
    sock: SockTuple | None = args[1]
    asked: SockAddr | None = begun.args[1] if begun is not None else None
    if sock is None:
        _connect_blind(state, event, file, asked)
        return
    if asked is not None:
        sock = _untampered(sock, args[3], asked)
    if sock.family == UNIX and file.kind != "unix":
        return
    role = file.role
    if role == "listening":
        role = "server"
    changed = file.sock is None or sock not in (file.sock, swap_ends(file.sock))
    if changed and role == "server" and file.protocol == "udp":
        sock = swap_ends(sock)
    new = with_tuple(file, sock, role=role or "client", connected=True)
    if not state.live and new.kind == "ipv4" and not new.protocol:
        new = replace(new, name=_NAMELESS)
    if reported is not None and reported.role:
        new = replace(new, role=reported.role)
    state.put(event, event.fd, new)


def _connect_blind(state: State, event: SyscallEvent, file: File, asked: SockAddr | None) -> None:
    """Set the known part of a connection whose ends are not reported: the address that the call was given."""
    new = replace(file, connected=True)
    if asked is not None and asked.family in (IPV4, IPV6):
        mapped = mapped_ipv4(asked.address) if asked.family == IPV6 else None
        family, dest = (IPV4, mapped) if mapped is not None else (asked.family, asked.address)
        source = file.sock or SockTuple(family)
        new = replace(
            new, kind=socket_kind(family), sock=SockTuple(family, source.source, source.sport, dest, asked.port)
        )
    elif asked is not None:
        name = address_text(asked)
        new = replace(new, name=name, name_changed=name != file.name)
    if event.fd is not None:
        state.put(event, event.fd, new)


def _untampered(sock: SockTuple, seen: SockAddr | None, asked: SockAddr) -> SockTuple:
    """Return the destination given at the call's beginning, unless the kernel's own differs from what the call's end
    saw."""
    if seen is None or seen.family != asked.family:
        return sock
    if sock.family == UNIX:
        return replace(sock, path=asked.path) if sock.path == seen.path else sock
    if (sock.dest, sock.dport) != (seen.address, seen.port):
        return sock
    return replace(sock, dest=asked.address, dport=asked.port)


def _accept(state: State, event: SyscallEvent) -> None:
    args = event.args
    fd = result_of(event)
    sock: SockTuple | None = args[1]
    reported = event.file
    if fd < 0 or (sock is None and reported is None):
        event.fd, event.file = fd if fd >= 0 else -1, None
        return
    if sock is None:
        assert reported is not None
        state.put(event, fd, named(reported))
        return
    if sock.family not in (UNIX, IPV4, IPV6):
        event.fd, event.file = fd, None
        return
    flags = CLOEXEC if len(args) > 5 and has_flag(args[5], CLOEXEC) else 0
    base = File("unknown", flags=flags, protocol="" if sock.family == UNIX else "tcp")
    if reported is not None:
        base = replace(base, dev=reported.dev, ino=reported.ino, protocol=reported.protocol or base.protocol)
    state.put(event, fd, with_tuple(base, sock, role="server", connected=True))


TRANSITIONS: Final = {"socket": _socket, "bind": _bind, "connect": _connect, "accept": _accept, "accept4": _accept}
