"""Socket addresses from user space, and sockets of the kernel as files."""

import struct

import pytest

from mozu.core.abi.addresses import MAPPED_PREFIX, swap_ends
from mozu.core.abi.sockets import (
    TCP_CLOSE,
    TCP_ESTABLISHED,
    TCP_LISTEN,
    SocketInfo,
    inbound,
    outbound,
    parse_sockaddr,
    socket_file,
)
from mozu.core.model.event import SockAddr, SockTuple

LOOPBACK6 = bytes(15) + b"\1"
LOCAL, REMOTE = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])


def info(family: int = 2, state: int = TCP_ESTABLISHED, port: int = 443, protocol: int = 6) -> SocketInfo:
    """Return a stream socket 10.0.0.1:4000 → 10.0.0.2:443."""
    pads = [address.ljust(16, b"\0") if family == 2 else MAPPED_PREFIX + address for address in (LOCAL, REMOTE)]
    return SocketInfo(0, 0, pads[0], pads[1], family, 1, protocol, 4000, port, state, "", "")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", None),
        (b"\x02", None),
        (struct.pack("<H", 2) + struct.pack(">H", 53) + LOCAL, SockAddr(2, LOCAL, 53)),
        (struct.pack("<H", 2) + b"\0\x35", SockAddr(2)),
        (struct.pack("<H", 10) + struct.pack(">H", 53) + bytes(4) + LOOPBACK6, SockAddr(10, LOOPBACK6, 53)),
        (struct.pack("<H", 1) + b"/run/x\0rubbish", SockAddr(1, path="/run/x")),
        (struct.pack("<H", 1) + b"\0abstract\0name", SockAddr(1, path="\0abstract\0name")),
        (struct.pack("<H", 16) + bytes(10), SockAddr(16)),
    ],
)
def test_a_sockaddr_is_parsed_as_far_as_it_goes(raw: bytes, expected: SockAddr | None) -> None:
    assert parse_sockaddr(raw) == expected


def test_a_connected_socket_has_both_ends_in_the_order_of_its_role() -> None:
    tuple_ = SockTuple(2, LOCAL, 4000, REMOTE, 443)

    client, server = (socket_file(info(), role=role) for role in ("client", "server"))
    assert (client.sock, client.name, client.connected) == (tuple_, "10.0.0.1:4000->10.0.0.2:443", True)
    assert (server.sock, server.l4proto) == (swap_ends(tuple_), "tcp")
    assert (outbound(info()), inbound(info())) == (tuple_, swap_ends(tuple_))


def test_an_ipv4_socket_in_ipv6_form_is_one_of_ipv4() -> None:
    assert socket_file(info(family=10), role="client").kind == "ipv4"


def test_a_connect_that_failed_shows_the_address_that_it_was_given() -> None:
    found = socket_file(info(state=TCP_CLOSE, port=0), role="client", sockaddr=SockAddr(2, REMOTE, 81), connected=False)

    assert (found.name, found.connected) == ("10.0.0.1:4000->10.0.0.2:81", False)


def test_a_listening_socket_has_its_own_end_only() -> None:
    found = socket_file(info(state=TCP_LISTEN, port=0))

    assert (found.name, found.role) == ("10.0.0.1:4000", "listening")


def test_a_socket_without_a_peer_has_no_tuple() -> None:
    found = socket_file(info(state=TCP_CLOSE, port=0))

    assert (found.kind, found.sock, found.l4proto) == ("ipv4", None, "<NA>")
