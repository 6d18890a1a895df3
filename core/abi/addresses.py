"""Addresses of sockets: as text, and IPv4 addresses mapped into IPv6 (`::ffff:a.b.c.d`)."""

import socket
from typing import Final

from mozu.core.caches import cached
from mozu.core.model.event import Address, SockAddr, SockTuple

UNIX: Final = 1
IPV4: Final = 2
IPV6: Final = 10

MAPPED_PREFIX: Final = b"\0" * 10 + b"\xff\xff"
"""Prefix of an IPv4 address in IPv6 form."""
_ANY6: Final = b"\0" * 16


@cached(4096)
def ip_text(address: Address) -> str:
    """Return the address as inet_ntop does; an empty address is 0.0.0.0."""
    return socket.inet_ntop(socket.AF_INET6 if len(address) == 16 else socket.AF_INET, address or b"\0\0\0\0")


def mapped_ipv4(address: Address) -> Address | None:
    """Return the IPv4 address inside an IPv6 one (`::ffff:a.b.c.d`; `::` counts as 0.0.0.0), or None."""
    if address.startswith(MAPPED_PREFIX) or address == _ANY6:
        return address[12:]
    return None


def unmap_ipv4(sock: SockTuple) -> SockTuple:
    """Return the tuple as IPv4 if both of its addresses are mapped ones, otherwise unchanged."""
    if sock.family != IPV6:
        return sock
    source, dest = mapped_ipv4(sock.source), mapped_ipv4(sock.dest)
    if source is None or dest is None:
        return sock
    return SockTuple(IPV4, source, sock.sport, dest, sock.dport)


def socket_kind(family: int) -> str:
    """Return `File.kind` of a socket of this family."""
    return {UNIX: "unix", IPV4: "ipv4", IPV6: "ipv6", 16: "netlink"}.get(family, "unknown")


def tuple_text(sock: SockTuple, protocol: str) -> str:
    """Return `a:p->b:p`, without ports if the protocol has none; for unix sockets `SOURCE->DEST path` in
    hexadecimal."""
    if sock.family == UNIX:
        return f"{sock.source_pointer:x}->{sock.dest_pointer:x} {sock.path}"
    if protocol in ("icmp", "raw"):
        return f"{ip_text(sock.source)}->{ip_text(sock.dest)}"
    return f"{ip_text(sock.source)}:{sock.sport}->{ip_text(sock.dest)}:{sock.dport}"


def address_text(address: SockAddr) -> str:
    """Return `a:p` for IP, the path for unix sockets."""
    if address.family == UNIX:
        return address.path
    if address.family not in (IPV4, IPV6):
        return f"family {address.family}"
    return f"{ip_text(address.address)}:{address.port}"


def swap_ends(sock: SockTuple) -> SockTuple:
    """Return the tuple with source and destination exchanged."""
    return SockTuple(sock.family, sock.dest, sock.dport, sock.source, sock.sport)
