"""Socket addresses: from the kernel's socket and from what a call was given."""

import socket
from typing import Final, NamedTuple

from mozu.core.model.event import Address, File, SockAddr, SockTuple
from mozu.core.state.addresses import IPV4, IPV6, UNIX, ip_text, kind_of, plain, tuple_text, turned

_MAPPED: Final = bytes(10) + b"\xff\xff"
_RAW: Final = int(socket.SOCK_RAW)
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp", 255: "raw"}
_ESTABLISHED, _LISTEN = 1, 10
"""The kernel's states of a socket (TCP's names, used by all families)."""


class Ends(NamedTuple):
    """A socket as the kernel holds it: struct ends, with the names that follow the record."""

    own: int
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


def parse_address(raw: bytes) -> SockAddr | None:
    """A struct sockaddr as user space gave it; None where it is too short to have a family."""
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


def _ip(ends: Ends, address: bytes) -> Address:
    return address[:4] if ends.family == IPV4 else address


def outbound(ends: Ends, asked: SockAddr | None = None) -> SockTuple:
    """Both ends, ours first; `asked` stands in for the other where the kernel holds none (a connection that failed)."""
    if ends.family == UNIX:
        path = ends.remote_name or ("" if asked is None else asked.path)
        return SockTuple(UNIX, path=path.strip("\0"), source_pointer=ends.peer, dest_pointer=ends.own)
    remote, port = _ip(ends, ends.remote), ends.remote_port
    if asked is not None and asked.family in (IPV4, IPV6):
        remote, port = asked.address, asked.port
        if len(remote) == 4 and ends.family == IPV6:
            remote = _MAPPED + remote
    return plain(SockTuple(ends.family, _ip(ends, ends.local), ends.local_port, remote, port))


def inbound(ends: Ends, asked: SockAddr | None = None) -> SockTuple:
    """Both ends, the other one first. The kernel's pointers of a unix socket stand the other way round: own, peer."""
    if ends.family == UNIX:
        return SockTuple(UNIX, path=ends.local_name.strip("\0"), source_pointer=ends.own, dest_pointer=ends.peer)
    return turned(outbound(ends, asked))


def protocol_of(ends: Ends) -> str:
    """Transport of an IP socket; empty where there is none of the four."""
    if ends.family not in (IPV4, IPV6):
        return ""
    return _PROTOCOLS.get(ends.protocol) or ("raw" if ends.type == _RAW else "")


def _shown(ends: Ends, protocol: str, role: str) -> str | None:
    """`File.l4proto`."""
    if ends.family not in (IPV4, IPV6):
        return None
    return protocol if protocol and (role or protocol == "raw") else "<NA>"


def socket_file(ends: Ends, *, role: str = "", asked: SockAddr | None = None, connected: bool | None = None) -> File:
    """A socket as a file. `role` and `asked` come from the call; the rest from the kernel."""
    if ends.state == _LISTEN:
        return _listening(ends)
    protocol = protocol_of(ends)
    has_peer = bool(ends.remote_port or ends.peer or asked is not None)
    if not has_peer or ends.family not in (UNIX, IPV4, IPV6):
        return File(kind_of(ends.family), protocol=protocol, l4proto=_shown(ends, protocol, ""))
    both = inbound(ends, asked) if role == "server" else outbound(ends, asked)
    return File(
        kind_of(both.family),
        tuple_text(both, protocol),
        sock=both,
        protocol=protocol,
        l4proto=_shown(ends, protocol, role),
        role=role,
        connected=ends.state == _ESTABLISHED if connected is None else connected,
    )


def _listening(ends: Ends) -> File:
    if ends.family == UNIX:
        name = ends.local_name.strip("\0")
        return File("unix", name, sock=SockTuple(UNIX, path=name, dest_pointer=ends.own), role="listening")
    protocol = protocol_of(ends)
    own = _ip(ends, ends.local)
    both = plain(SockTuple(ends.family, own, 0, own, ends.local_port))
    both = SockTuple(both.family, dest=both.dest, dport=both.dport)
    return File(
        kind_of(both.family),
        f"{ip_text(both.dest)}:{both.dport}",
        sock=both,
        protocol=protocol,
        l4proto=_shown(ends, protocol, "listening"),
        role="listening",
    )
