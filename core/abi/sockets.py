"""Sockets: struct sockaddr → SockAddr; the kernel's knowledge of a socket → File and SockTuple."""

import socket
from typing import Final, NamedTuple

from mozu.core.abi.addresses import (
    IPV4,
    IPV6,
    MAPPED_PREFIX,
    UNIX,
    ip_text,
    socket_kind,
    swap_ends,
    tuple_text,
    unmap_ipv4,
)
from mozu.core.model.event import Address, File, SockAddr, SockTuple

EINPROGRESS: Final = -115
"""Result of a connect that continues."""
SOCKET_FLAGS: Final = 0o2004000
"""Flags SOCK_CLOEXEC | SOCK_NONBLOCK in the argument `type` of socket."""
TCP_ESTABLISHED, TCP_CLOSE, TCP_LISTEN = 1, 7, 10
"""States of a socket (net/tcp_states.h; the kernel uses them for all families)."""
INCOMING: Final = frozenset({"accept", "accept4", "recvfrom", "recvmsg", "recvmmsg"})
"""Calls whose tuple has the peer as its source."""
ROLES: Final = {"connect": "client", "accept": "server", "accept4": "server"}
"""Call → `File.role` of its socket."""
_SOCK_RAW: Final = int(socket.SOCK_RAW)
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp", 255: "raw"}


class SocketInfo(NamedTuple):
    """A socket as in the kernel: struct sock, and the names of a unix socket."""

    own: int
    """The kernel's address of the socket; `peer`: that of a unix socket's peer. 0 if not known."""
    peer: int
    local: bytes
    remote: bytes
    family: int
    type: int
    protocol: int
    local_port: int
    remote_port: int
    state: int
    local_name: str
    remote_name: str


def parse_sockaddr(raw: bytes) -> SockAddr | None:
    """Return a struct sockaddr from user space; None if it is too short to have a family."""
    if len(raw) < 2:
        return None
    family = int.from_bytes(raw[:2], "little")
    if family == IPV4 and len(raw) >= 8:
        return SockAddr(family, raw[4:8], int.from_bytes(raw[2:4], "big"))
    if family == IPV6 and len(raw) >= 24:
        return SockAddr(family, raw[8:24], int.from_bytes(raw[2:4], "big"))
    if family == UNIX:
        path = raw[2:]
        name = path if path[:1] == b"\0" else path.partition(b"\0")[0]
        return SockAddr(family, path=name.decode("utf-8", "surrogateescape"))
    return SockAddr(family)


def _ip(info: SocketInfo, address: bytes) -> Address:
    return address[:4] if info.family == IPV4 else address


def outbound(info: SocketInfo, sockaddr: SockAddr | None = None) -> SockTuple:
    """Return the tuple, own end first; `sockaddr` replaces the peer if the kernel has none (a connect that failed)."""
    if info.family == UNIX:
        path = info.remote_name or ("" if sockaddr is None else sockaddr.path)
        return SockTuple(UNIX, path=path.strip("\0"), source_pointer=info.peer, dest_pointer=info.own)
    remote, port = _ip(info, info.remote), info.remote_port
    if sockaddr is not None and sockaddr.family in (IPV4, IPV6):
        remote, port = sockaddr.address, sockaddr.port
        if len(remote) == 4 and info.family == IPV6:
            remote = MAPPED_PREFIX + remote
    return unmap_ipv4(SockTuple(info.family, _ip(info, info.local), info.local_port, remote, port))


def inbound(info: SocketInfo, sockaddr: SockAddr | None = None) -> SockTuple:
    """Return the tuple, peer first. The kernel's addresses of a unix socket are in the opposite order: own, peer."""
    if info.family == UNIX:
        return SockTuple(UNIX, path=info.local_name.strip("\0"), source_pointer=info.own, dest_pointer=info.peer)
    return swap_ends(outbound(info, sockaddr))


def protocol_of(info: SocketInfo) -> str:
    """Return the transport of an IP socket: tcp, udp, icmp, raw; empty for others."""
    if info.family not in (IPV4, IPV6):
        return ""
    return _PROTOCOLS.get(info.protocol) or ("raw" if info.type == _SOCK_RAW else "")


def _l4proto(info: SocketInfo, protocol: str, role: str) -> str | None:
    """Return the value of `File.l4proto`."""
    if info.family not in (IPV4, IPV6):
        return None
    return protocol if protocol and (role or protocol == "raw") else "<NA>"


def socket_file(
    info: SocketInfo, *, role: str = "", sockaddr: SockAddr | None = None, connected: bool | None = None
) -> File:
    """Return a socket as a file. `role` and `sockaddr` (the address argument) come from the call, the rest from the
    kernel."""
    if info.state == TCP_LISTEN:
        return _listening(info)
    protocol = protocol_of(info)
    has_peer = bool(info.remote_port or info.peer or sockaddr is not None)
    if not has_peer or info.family not in (UNIX, IPV4, IPV6):
        return File(socket_kind(info.family), protocol=protocol, l4proto=_l4proto(info, protocol, ""))
    both = inbound(info, sockaddr) if role == "server" else outbound(info, sockaddr)
    return File(
        socket_kind(both.family),
        tuple_text(both, protocol),
        sock=both,
        protocol=protocol,
        l4proto=_l4proto(info, protocol, role),
        role=role,
        connected=info.state == TCP_ESTABLISHED if connected is None else connected,
    )


def _listening(info: SocketInfo) -> File:
    if info.family == UNIX:
        name = info.local_name.strip("\0")
        return File("unix", name, sock=SockTuple(UNIX, path=name, dest_pointer=info.own), role="listening")
    protocol = protocol_of(info)
    own = _ip(info, info.local)
    both = unmap_ipv4(SockTuple(info.family, own, 0, own, info.local_port))
    both = SockTuple(both.family, dest=both.dest, dport=both.dport)
    return File(
        socket_kind(both.family),
        f"{ip_text(both.dest)}:{both.dport}",
        sock=both,
        protocol=protocol,
        l4proto=_l4proto(info, protocol, "listening"),
        role="listening",
    )
