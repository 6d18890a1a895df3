"""Sending and receiving: the other end of an unconnected socket, from its calls."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from mozu.core.abi.addresses import IPV4, IPV6, UNIX, socket_kind, swap_ends, unmap_ipv4
from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.state.sockets import with_tuple
from mozu.core.state.state import State
from mozu.core.state.transitions.use import INDEX, used

_IP: Final = ("ipv4", "ipv6")


def _tuple_index(name: str) -> int | None:
    kind = event_type(name)
    return None if kind is None else kind.index("tuple")


def _transfer(name: str, *, incoming: bool, guesses: bool = False) -> Callable[[State, SyscallEvent], None]:
    fd_at, tuple_at = INDEX[name], _tuple_index(name)

    def transfer(state: State, event: SyscallEvent) -> None:
        args = event.args
        file = used(state, event, fd_at)
        result = args[0]
        if event.process is None or result is None or result < 0 or event.fd is None or event.fd < 0:
            return
        sock = None if tuple_at is None else args[tuple_at]
        if file is None and guesses and sock is not None and sock.family in (IPV4, IPV6):
            # The socket was made before the first event; most that name a peer are datagram sockets.
            file = File(socket_kind(sock.family))
        if file is None:
            return
        new = file
        if file.kind in _IP and file.role != "listening" and not file.connected:
            new = replace(file, connected=True)
        if sock is not None and (not file.name or file.protocol != "tcp" or file.kind != "ipv4"):
            new = _with_peer(state, new, sock, incoming=incoming)
        if new is not file:
            state.put(event, event.fd, new)

    return transfer


def _with_peer(state: State, file: File, sock: SockTuple, *, incoming: bool) -> File:
    """Return the file after a transfer from `sock.source` to `sock.dest`."""
    if sock.family == UNIX:
        name_of = with_tuple(file, sock, role=file.role, connected=file.connected)
        return file if name_of.name == file.name and file.sock is not None else name_of
    sock = unmap_ipv4(sock)
    if sock.family not in (IPV4, IPV6):
        return file
    if file.role != "listening" and sock in _both_ways(file.sock):
        return file
    sock = _completed(state, sock)
    role = "server" if file.role == "listening" else file.role
    role = role or ("server" if incoming else "client")
    if role == ("client" if incoming else "server"):
        sock = swap_ends(sock)
    protocol = file.protocol or "udp"
    return with_tuple(replace(file, protocol=protocol), sock, role=role, connected=file.connected)


def _both_ways(sock: SockTuple | None) -> tuple[SockTuple, ...]:
    return () if sock is None else (sock, swap_ends(sock))


def _completed(state: State, sock: SockTuple) -> SockTuple:
    """Fill in a missing local or peer address with that of the interface that reaches the other end."""
    if sock.family != IPV4 or not state.addresses or (any(sock.source) and any(sock.dest)):
        return sock
    if not any(sock.source):
        own = _interface(state, sock.dest)
        return sock if own == sock.dest and sock.sport == sock.dport else replace(sock, source=own)
    own = _interface(state, sock.source)
    return sock if own == sock.source and sock.sport == sock.dport else replace(sock, dest=own)


def _interface(state: State, peer: bytes) -> bytes:
    if peer in state.addresses:
        return peer
    for own, mask in zip(state.addresses, state.netmasks, strict=False):
        if (int.from_bytes(own) ^ int.from_bytes(peer)) & int.from_bytes(mask) == 0:
            return own
    return next((own for own in state.addresses if own[:1] != b"\x7f"), b"\0\0\0\0")


_RECEIVING: Final = ("read", "readv", "pread", "preadv", "recv", "recvfrom", "recvmsg", "recvmmsg")
_SENDING: Final = ("write", "writev", "pwrite", "pwritev", "sendmmsg")
PLAIN: Final = frozenset(("read", "readv", "pread", "preadv", "write", "writev", "pwrite", "pwritev"))
"""Event types that show at most that a socket is connected: the state alone does not ask for them."""
_GUESSING: Final = ("send", "sendto", "sendmsg")

TRANSITIONS: Final = {
    **{name: _transfer(name, incoming=True) for name in _RECEIVING},
    **{name: _transfer(name, incoming=False) for name in _SENDING},
    **{name: _transfer(name, incoming=False, guesses=True) for name in _GUESSING},
}
