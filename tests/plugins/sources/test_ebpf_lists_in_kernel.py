"""The kernel looks addresses up in lists: connects that no rule can match never leave it."""

import ctypes
import random
import socket
import struct
import time
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

import pytest

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import VALUE_SIZE, AddressMaps, address_keys, address_list
from mozu.plugins.sources.ebpf.kernel_filter.filled_maps import filled
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused
from tests.support import requirements
from tests.support.acts import sockets
from tests.support.filter_calls import tables_of
from tests.support.filter_comparison import FilterComparison, alerts, wants
from tests.support.live import PATIENCE, Live

pytestmark = pytest.mark.ebpf

MANY: Final = 50_000
DATAGRAM, STREAM = int(socket.SOCK_DGRAM), int(socket.SOCK_STREAM)


def addresses(count: int) -> list[str]:
    """Return addresses that no machine uses (198.18.0.0/15)."""
    return [f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}" for number in range(count)]


def counted(comparison: FilterComparison) -> tuple[int, int]:
    """Return how many connects the source has seen and filtered, once each is in one counter."""
    deadline = time.monotonic() + PATIENCE
    while True:
        count = comparison.filtered.source.counts()["connect"]
        if count.seen == count.filtered + count.lost + (count.missed or 0) + count.received:
            return count.seen, count.filtered
        assert time.monotonic() < deadline, count
        time.sleep(0.01)


def shown(act_events: Sequence[object]) -> list[str]:
    return [str(ip_address(event.args[1].dest)) for event in act_events]  # type: ignore[attr-defined]  # connects with ends


def test_a_connect_to_an_address_of_no_list_never_leaves_the_kernel(comparison: FilterComparison) -> None:
    listed = [*addresses(MANY), "127.0.0.7", "::1"]
    rule = f"evt.type = connect and fd.sip in ({', '.join(listed)})"
    comparison.want(rule)
    unlisted = [(f"127.0.{number // 200}.{number % 200 + 8}", 9) for number in range(2000)]
    before = counted(comparison)

    filtered, whole = comparison.act(sockets.connect_each, DATAGRAM, unlisted)

    after = counted(comparison)
    assert [] == filtered.of("connect")
    assert len(unlisted) == len(whole.of("connect"))
    assert after[1] - before[1] >= len(unlisted)
    assert after[0] - before[0] - (after[1] - before[1]) < 50  # other processes' connects
    filtered, whole = comparison.act(sockets.connect_each, DATAGRAM, [("127.0.0.7", 9), ("127.0.0.8", 9), ("::1", 9)])
    assert ["127.0.0.7", "::1"] == shown(filtered.of("connect"))
    assert 2 == len(alerts([rule], whole))
    assert alerts([rule], whole) == alerts([rule], filtered)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("fd.sip in (127.0.0.7, ::1)", "127.0.0.7 ::1 ::ffff:127.0.0.7"),
        ("not fd.sip in (127.0.0.7, ::1)", "127.0.0.8 127.1.0.7 ::ffff:127.0.0.8"),
        ("fd.sip != 127.0.0.7", "127.0.0.8 127.1.0.7 ::1 ::ffff:127.0.0.8"),
        ("fd.snet in (127.1.0.0/16, ::/64)", "127.1.0.7 ::1"),
        ("fd.snet in (127.0.0.0/8) and not fd.snet in (127.0.0.0/16)", "127.1.0.7"),
        ("fd.sip in (127.0.0.7) or fd.snet in (127.1.0.0/16)", "127.0.0.7 127.1.0.7 ::ffff:127.0.0.7"),
        ("fd.cip = 127.0.0.1 and fd.sip in (127.0.0.8)", "127.0.0.8 ::ffff:127.0.0.8"),
        ("fd.rip in (127.0.0.8, 127.9.9.9)", "127.0.0.8 ::ffff:127.0.0.8"),
        ("fd.sip in (127.0.0.7) and fd.l4proto = udp and evt.rawres >= 0", "127.0.0.7 ::ffff:127.0.0.7"),
    ],
)
@pytest.mark.parametrize("kind", [DATAGRAM, STREAM])
def test_connects_pass_as_the_rule_says(comparison: FilterComparison, condition: str, wanted: str, kind: int) -> None:
    """Datagram sockets connect, streams are refused: the kernel has no peer of those any more."""
    if kind == STREAM:
        condition = condition.replace("udp", "tcp").replace(" and evt.rawres >= 0", "")
    comparison.want(rule := f"evt.type = connect and ({condition})")
    hosts = ["127.0.0.7", "127.0.0.8", "127.1.0.7", "::1", "::ffff:127.0.0.7", "::ffff:127.0.0.8"]

    filtered, whole = comparison.act(sockets.connect_each, kind, [(host, 9) for host in hosts])

    assert len(hosts) == len(whole.of("connect"))
    assert alerts([rule], whole) == alerts([rule], filtered)
    if not condition.startswith(("fd.cip", "fd.rip")) or kind == DATAGRAM:  # a refused stream has no local end
        assert len(wanted.split()) == len(alerts([rule], whole)) == len(filtered.of("connect"))


def test_unix_sockets_have_no_address(comparison: FilterComparison, tmp_path: object) -> None:
    comparison.want("evt.type = connect and fd.sip in (127.0.0.7)")

    filtered, whole = comparison.act(sockets.connect_unix, f"{tmp_path}/socket", True)

    assert ([], 1) == (filtered.of("connect"), len(whole.of("connect")))


@pytest.mark.parametrize(
    "test", ["fd.sip in (127.0.0.7)", "fd.sip in (0.0.0.0)", "fd.sip != 127.0.0.7", "fd.cip = 127.0.0.1"]
)
@pytest.mark.parametrize("negated", ["", "not "])
def test_a_connect_whose_ends_are_in_doubt_is_judged_in_user_space(
    comparison: FilterComparison, test: str, negated: str
) -> None:
    comparison.want(rule := f"evt.type = connect and {negated}{test}")

    filtered, whole = comparison.act(sockets.connect_oddly)

    assert [0, 0, -22, -14, -106, -22, -88, -9] == filtered.value
    assert len(filtered.value) == len(whole.of("connect"))
    assert alerts([rule], whole)
    assert alerts([rule], whole) == alerts([rule], filtered)


def test_programs_that_copy_members_of_structs_find_the_ends(copying: Live) -> None:
    copying.update(wants(["evt.type = connect and fd.sip in (127.0.0.7, ::1)"]))
    targets = [(host, 9) for host in ("127.0.0.7", "127.0.0.8", "::1", "::ffff:127.0.0.7")]
    for kind in (DATAGRAM, STREAM):
        act = copying.act(sockets.connect_each, kind, targets)
        assert ["127.0.0.7", "::1", "127.0.0.7"] == [
            event.file.name.partition("->")[2].rpartition(":")[0]
            for event in act.of("connect")
            if event.file is not None
        ]


def test_a_reload_changes_the_list(comparison: FilterComparison) -> None:
    targets = [("127.0.0.7", 9), ("127.0.0.8", 9)]
    for listed, expected in (("127.0.0.7", ["127.0.0.7"]), ("127.0.0.8", ["127.0.0.8"]), ("127.0.0.9", [])):
        comparison.want(f"evt.type = connect and fd.sip in ({listed}, 192.0.2.1)")
        filtered, _ = comparison.act(sockets.connect_each, DATAGRAM, targets)
        assert expected == shown(filtered.of("connect"))


def looked_up(fd: int, key: bytes) -> bytes | None:
    """Return the value of a key in a map; None if there is none."""
    text, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(VALUE_SIZE)
    attributes = struct.pack("<IIQQQ", fd, 0, ctypes.addressof(text), ctypes.addressof(value), 0)
    try:
        bpf_syscall._bpf(bpf_syscall._MAP_LOOKUP, attributes)
    except FileNotFoundError:
        return None
    return value.raw


def test_the_maps_of_the_kernel_find_what_those_of_the_tests_find_fuzz() -> None:
    """Networks inside each other, of several lists; half of the addresses are near one that is listed."""
    requirements.ebpf()
    chance = random.Random(1)
    known = [chance.choice((chance.randbytes(4), b"\x20\1" + chance.randbytes(14))) for _ in range(3000)]
    networks = [
        str(ip_network((one, chance.randrange(1, 8 * len(one) + 1)), strict=False)) for one in known for _ in range(2)
    ]
    lists = [address_list(tuple(networks[at::5]), of_networks=True) for at in range(5)]
    lists += [address_list(tuple(str(ip_address(one)) for one in known[at::2]), of_networks=False) for at in range(2)]
    maps = AddressMaps(one for one in lists if one is not None)
    tables, found = tables_of(maps), 0
    with filled(maps) as kernel:
        for _ in range(20_000):
            address = bytearray(chance.choice(known))
            address[chance.randrange(len(address))] ^= chance.choice((0, 1 << chance.randrange(8)))
            for kind, key in address_keys(bytes(address)).items():
                expected = tables[maps.symbol(kind)].find(key)
                assert expected == looked_up(kernel[maps.symbol(kind)], key), (kind, address)
                found += expected is not None
        with pytest.raises(PermissionError):
            bpf_syscall.update_text(kernel[maps.symbol("ADDRESSES")], bytes(20), bytes(8))
    assert 10_000 < found < 35_000


def test_a_map_that_the_kernel_does_not_make_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> int:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(bpf_syscall, "create_map", refuse)
    listed = address_list(("1.2.3.4",), of_networks=False)
    assert listed is not None
    said = r"the kernel makes no map of 1 addresses \(.*Cannot allocate memory\)"
    with pytest.raises(FilterRefused, match=said), filled(AddressMaps([listed])):
        pass
