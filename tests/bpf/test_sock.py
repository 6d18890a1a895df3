"""Both ends of a socket (bpf/sock.h), with the structs of the running kernel."""

import struct

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.support.kernel_machine import Machine, pointer

pytestmark = pytest.mark.live

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NO_ENDS = dict.fromkeys(wire.layouts()["endpoints"].names(), 0) | {"local": bytes(16), "remote": bytes(16)}


def endpoints(machine: Machine, file: int) -> dict[str, int | bytes]:
    to = machine.kernel.place(128)
    machine.begin("call")
    machine.library.ends(pointer(machine.s), pointer(to), pointer(file))
    return machine.kernel.wire("endpoints", to)


def sock(machine: Machine, family: int) -> int:
    """Make a socket whose members all have different numbers."""
    members: dict[str, int | bytes] = {
        "__sk_common.skc_family": family, "__sk_common.skc_state": 10, "__sk_common.skc_num": 8080,
        "__sk_common.skc_dport": 0x3412, "__sk_common.skc_rcv_saddr": bytes([10, 0, 0, 1]),
        "__sk_common.skc_daddr": bytes([10, 0, 0, 2]), "__sk_common.skc_v6_rcv_saddr": bytes(range(16)),
        "__sk_common.skc_v6_daddr": bytes(range(16, 32)),
    }  # fmt: skip
    at = machine.kernel.new("sock")
    machine.kernel.write(at, b"\xee" * 128)  # bytes between the members
    machine.kernel.put("sock", at, {**members, "sk_type": 2, "sk_protocol": 17})
    return at


@pytest.mark.parametrize(
    ("family", "local", "remote", "ports"),
    [
        (AF_INET, bytes([10, 0, 0, 1]) + bytes(12), bytes([10, 0, 0, 2]) + bytes(12), (8080, 0x1234)),
        (AF_INET6, bytes(range(16)), bytes(range(16, 32)), (8080, 0x1234)),
        (AF_NETLINK, bytes(16), bytes(16), (0, 0)),
    ],
)
def test_ends_are_addresses_and_ports_of_its_family(
    machine: Machine, family: int, local: bytes, remote: bytes, ports: tuple[int, int]
) -> None:
    found = endpoints(machine, machine.socket(sock(machine, family)))

    known = {"family": family, "type": 2, "protocol": 17, "state": 10, "local": local, "remote": remote}
    assert {**NO_ENDS, **known, "local_port": ports[0], "remote_port": ports[1]} == found
    assert b"" == machine.strings("call")


def test_a_socket_that_has_been_released_has_no_ends(machine: Machine) -> None:
    assert NO_ENDS == endpoints(machine, machine.socket(0))


def unix(machine: Machine, name: bytes | None, peer: int = 0, length: int | None = None) -> int:
    """Make a socket with this sun_path. `length`: that of the address, which includes the family."""
    address = 0
    if name is not None:
        address = machine.kernel.new("unix_address", len=2 + len(name) if length is None else length)
        machine.kernel.write(address + machine.kernel.offset("unix_address", "name"), struct.pack("<H", AF_UNIX) + name)
    common = {"__sk_common.skc_family": AF_UNIX, "__sk_common.skc_state": 1}
    at = machine.kernel.new("unix_sock", addr=address, peer=peer)
    machine.kernel.put("sock", at, {**common, "sk_type": 1})
    return at


def test_a_unix_socket_is_known_by_its_peer_and_both_names(machine: Machine) -> None:
    server = unix(machine, b"/run/s.sock\0")
    client = unix(machine, b"\0abstract", server)

    found = endpoints(machine, machine.socket(client))

    known = {"family": AF_UNIX, "type": 1, "state": 1, "own": client, "peer": server}
    assert {**NO_ENDS, **known, "local_name": 9, "remote_name": 12} == found
    assert b"\0abstract/run/s.sock\0" == machine.strings("call")


@pytest.mark.parametrize(
    ("name", "length", "kept"),
    [(None, None, 0), (b"", None, 0), (b"x", None, 1), (b"x" * 128, None, 128), (b"x" * 108, 131, 128), (b"x", 1, 0)],
)
def test_the_name_of_a_unix_socket_is_as_long_as_its_address_says(
    machine: Machine, name: bytes | None, length: int | None, kept: int
) -> None:
    found = endpoints(machine, machine.socket(unix(machine, name, length=length)))

    assert (kept, 0, 0) == (found["local_name"], found["remote_name"], found["peer"])
    assert (name or b"").ljust(128, b"\0")[:kept] == machine.strings("call")


def test_what_is_cleared_has_no_ends(machine: Machine) -> None:
    to = machine.kernel.place(128)
    machine.kernel.write(to, bytes([0xEE]) * wire.layouts()["endpoints"].size)
    machine.library.no_ends(pointer(to))
    assert NO_ENDS == machine.kernel.wire("endpoints", to)
