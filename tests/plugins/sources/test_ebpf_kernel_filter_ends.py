"""Lists of addresses in the kernel filter of connect: it decides as the evaluator in user space does."""

import errno
import os
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from socket import AF_INET, AF_INET6, AF_UNIX
from typing import Any, Final, NamedTuple

import pytest

from mozu.core.abi.addresses import MAPPED_PREFIX
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.language.conditions import RuleInput, check, compile_rules, parse
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.kernel_filter import address_lists
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction, filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from tests.support.filter_calls import Call, Sock, decided, event_of, tables_of

ADDRESSES_OF_A_RUN: Final = int(os.environ.get("MOZU_ADDRESSES", "2000"))
"""Random addresses that both sides judge; a million by hand, with --timeout=0, takes some minutes."""
FIELDS: Final = FieldRegistry(builtin_fields())
CONNECT: Final = SYSCALL_SPECS["connect"]
PORT: Final = 443
ANY6: Final = "::"


class Rule(NamedTuple):
    """Rules on connect, and the filter made from them."""

    function: FilterFunction
    program: Any

    def judged(self, call: Call) -> tuple[bool, bool]:
        """Return (a rule matches, the call passes), after checks that must always hold of the two."""
        found = decided(self.function.code, call, tables=tables_of(self.function.maps))
        matches = bool(list(self.program.evaluate(StateMachine().apply([event_of(call)]))))
        assert found.passes or not matches, call
        assert matches or not found.is_marked, call
        return matches, found.passes


def rule(*texts: str) -> Rule:
    checked = [check(parse(f"evt.type = connect and ({text})"), FIELDS, "syscall") for text in texts]
    assert not any(one.problems for one in checked), checked
    inputs = [RuleInput(str(at), "syscall", one.node) for at, one in enumerate(checked)]
    program = compile_rules(inputs, FIELDS, "all")
    predicate = program.predicates["syscall"]["connect"]
    function = filter_function_of(CONNECT, predicate, ProcessPredicates(()))
    assert function is not None, texts
    return Rule(function, program)


def sockaddr(address: bytes) -> bytes:
    family, port = AF_INET if len(address) == 4 else AF_INET6, PORT.to_bytes(2)
    head = family.to_bytes(2, "little") + port
    return head + address + bytes(8) if family == AF_INET else head + bytes(4) + address + bytes(4)


def connect(remote: str | bytes, local: str | bytes = "", *, result: int = 0, protocol: int = 6) -> Call:
    """Return a connect; the kernel has no peer of one that failed."""
    peer = remote if isinstance(remote, bytes) else ip_address(remote).packed
    own = (
        local
        if isinstance(local, bytes) and local
        else ip_address(local or ("192.0.2.7", "2001:db8::7")[len(peer) > 4]).packed
    )
    done = result in (0, -errno.EINPROGRESS)
    sock = Sock(
        AF_INET if len(peer) == 4 else AF_INET6,
        protocol,
        1 if result == 0 else 2 if done else 7,
        PORT if done else 0,
        40_000,
        own,
        peer if done else bytes(len(peer)),
    )
    return Call(CONNECT, (3, 0x7000, len(sockaddr(peer)), 0, 0, 0), result, sock=sock, asked=sockaddr(peer))


@pytest.mark.parametrize(
    ("text", "discarded", "passing"),
    [
        ("fd.sip in (1.2.3.4, 5.6.7.8)", "1.2.3.5 5.6.7.9 102:304::", "1.2.3.4 5.6.7.8 ::ffff:1.2.3.4"),
        ("fd.sip = 1.2.3.4", "1.2.3.5", "1.2.3.4"),
        ("fd.sip in (2001:db8::1, 1.2.3.4)", "2001:db8::2 1.2.3.5", "2001:db8::1 1.2.3.4"),
        ("not fd.sip in (1.2.3.4, 5.6.7.8)", "1.2.3.4 ::ffff:5.6.7.8", "1.2.3.5 ::1"),
        ("fd.sip != 1.2.3.4", "1.2.3.4", "1.2.3.5"),
        ("fd.snet in (10.0.0.0/8, 2001:db8::/32)", "11.0.0.1 2001:db9::1", "10.1.2.3 ::ffff:10.1.2.3 2001:db8::5"),
        ("fd.snet in (10.0.0.0/8, 10.1.0.0/16, 0.0.0.0/32)", "11.0.0.1", "10.1.0.1 10.2.0.1"),
        ("fd.snet = 0.0.0.0/0", "2001:db8::1", "1.2.3.4"),
        ("not fd.snet in (10.0.0.0/8)", "10.1.2.3", "11.1.2.3 2001:db8::5"),
        ("fd.rip in (1.2.3.4)", "1.2.3.5", "1.2.3.4"),
        ("fd.rnet in (10.0.0.0/8)", "11.0.0.1", "10.0.0.1"),
        ("fd.cip in (192.0.2.7)", "2001:db8::1", "1.2.3.4"),
        ("fd.cnet in (192.0.2.0/24)", "2001:db8::1", "1.2.3.4"),
        ("fd.lip in (192.0.2.7)", "2001:db8::1", "1.2.3.4"),
        ("fd.sip in (1.2.3.4) and evt.rawres >= 0", "1.2.3.5", "1.2.3.4"),
        ("fd.sip in (1.2.3.4) or fd.snet in (10.0.0.0/8)", "1.2.3.5 11.0.0.1", "1.2.3.4 10.0.0.9"),
        ("fd.sip in (1.2.3.4, 1.2.3.5) and not fd.sip in (1.2.3.5)", "1.2.3.5 1.2.3.6", "1.2.3.4"),
        ("fd.snet in (10.0.0.0/8) and not fd.snet in (10.1.0.0/16)", "10.1.9.9 11.0.0.1", "10.2.0.1"),
        ("fd.sip in (1.2.3.4) and fd.l4proto = tcp and fd.typechar = 4", "1.2.3.5", "1.2.3.4"),
        ("fd.sip in (::ffff:102:304)", "1.2.3.4 ::ffff:1.2.3.4", ""),
    ],
)  # fmt: skip
def test_the_filter_decides_by_the_list(text: str, discarded: str, passing: str) -> None:
    one = rule(text)
    for addresses, expected in ((discarded, False), (passing, True)):
        for address in addresses.split():
            local = "::ffff:192.0.2.7" if address.startswith("::ffff") else ""
            for result in (0, -errno.EINPROGRESS, -errno.ECONNREFUSED):
                expected_of = expected and (result >= 0 or "rawres" not in text)
                found = one.judged(connect(address, local, result=result))
                assert (expected_of, expected_of) == found, (address, result)


@pytest.mark.parametrize(
    "text", ["fd.sip in (1.2.3.4)", "not fd.snet in (1.0.0.0/8)", "fd.sip != 1.2.3.4", "fd.rip = ::1"]
)
def test_what_is_no_connection_has_no_address(text: str) -> None:
    one, is_negated = rule(text), text.startswith("not")
    for sock in (Sock(), Sock(AF_UNIX, 0, 1), Sock(16, 0, 7)):
        for result in (0, -errno.ECONNREFUSED):
            call = Call(
                CONNECT, (3, 0x7000, 16, 0, 0, 0), result, sock=sock, asked=AF_UNIX.to_bytes(2, "little") + b"/x"
            )
            assert (is_negated, is_negated) == one.judged(call)


@pytest.mark.parametrize(
    "call",
    [
        connect("1.2.3.4")._replace(sock=None),
        connect("1.2.3.4")._replace(sock=connect("1.2.3.4").sock._replace(remote_port=0)),  # type: ignore[union-attr]  # it has one
        connect("1.2.3.4", result=-22)._replace(asked=b"\2\0\1\xbb"),
        connect("1.2.3.4", result=-97)._replace(asked=sockaddr(bytes(16))),
        connect("1.2.3.4", result=-106)._replace(sock=Sock(AF_INET, 6, 10, 0, 80, bytes(4), bytes(4))),
    ],
    ids=["no descriptor", "disconnected", "short address", "other family", "listens"],
)
def test_a_connect_whose_ends_are_unknown_passes(call: Call) -> None:
    assert rule("fd.sip in (9.9.9.9)").judged(call)[1]
    assert not rule("fd.sip in (9.9.9.9)").judged(connect("1.2.3.4"))[1]


def test_the_remote_end_may_be_either_one() -> None:
    """Which end is local depends on the machine's addresses, which the kernel filter does not know."""
    one = rule("fd.rip in (192.0.2.7)")

    assert (False, True) == one.judged(connect("1.2.3.4"))
    assert (False, False) == one.judged(connect("1.2.3.4", "192.0.2.8"))
    other = rule("not fd.rip in (192.0.2.7)")
    assert (True, True) == other.judged(connect("1.2.3.4"))
    assert (False, False) == other.judged(connect("192.0.2.7"))


def test_an_address_of_ipv6_is_ipv4_if_both_ends_are() -> None:
    mapped = MAPPED_PREFIX + bytes((1, 2, 3, 4))
    one = rule("fd.sip in (1.2.3.4)")

    assert (True, True) == one.judged(connect(mapped, MAPPED_PREFIX + bytes((9, 9, 9, 9))))
    assert (True, True) == one.judged(connect(mapped, ANY6))
    assert (False, False) == one.judged(connect(mapped, "2001:db8::7"))
    assert (False, False) == rule("fd.sip in (::ffff:5)").judged(connect(mapped, "2001:db8::7"))


def test_lists_beyond_the_limits_are_left_to_user_space(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"fd.sip in (10.0.0.{number}) and fd.cip in (192.0.2.7)" for number in range(4)]
    monkeypatch.setattr(address_lists, "MOST_LISTS", 3)
    one = rule(*texts)

    assert [True, True, False, False] == [
        one.judged(connect(f"10.0.0.{number}", "192.0.2.7"))[0] for number in (0, 3, 4, 5)
    ]
    assert 3 >= len(one.function.maps.lists)
    monkeypatch.setattr(address_lists, "MOST_ENTRIES", 1)
    checked = check(parse("evt.type = connect and fd.sip in (1.2.3.4, 1.2.3.5)"), FIELDS, "syscall")
    predicate = compile_rules([RuleInput("r", "syscall", checked.node)], FIELDS, "all").predicates["syscall"]["connect"]
    assert filter_function_of(CONNECT, predicate, ProcessPredicates(())) is None


def test_filters_are_equal_if_their_lists_are() -> None:
    one, same, other = (
        rule(f"fd.sip in ({values})").function for values in ("1.1.1.1, 2.2.2.2", "2.2.2.2, 1.1.1.1", "1.1.1.1")
    )

    assert (one.name, one.maps) == (same.name, same.maps)
    assert one.name != other.name
    assert one.maps != other.maps


def test_random_addresses_are_judged_as_in_user_space_fuzz() -> None:
    """Lists of addresses and of networks inside each other, IPv4, IPv6 and mapped; half of the addresses are near one
    of them."""
    seen: Counter[tuple[bool, bool]] = Counter()
    rounds = 8
    for seed in range(rounds):
        chance = random.Random(seed)
        addresses = [random_address(chance) for _ in range(200)]
        networks = [random_network(chance, addresses) for _ in range(200)]
        first, second = _texts(addresses[:100]), _texts(addresses[80:])
        inner, outer = ", ".join(networks[:100]), ", ".join(networks[80:])
        one = rule(
            f"fd.sip in ({first}) and not fd.snet in ({inner})", f"fd.cip in ({second}) and fd.cnet in ({outer})",
            f"fd.snet in ({outer}) and not fd.sip in ({second})",
        )  # fmt: skip
        decide = partial(decided, one.function.code, tables=tables_of(one.function.maps))
        for _ in range(ADDRESSES_OF_A_RUN // rounds // 2):
            ends = [near(chance, addresses) for _ in range(2)]
            if len(ends[0]) != len(ends[1]):
                ends = [one if len(one) == 16 else MAPPED_PREFIX + one for one in ends]
            call = connect(*ends, result=chance.choice((0, 0, -errno.EINPROGRESS, -errno.ETIMEDOUT)))
            matches = bool(list(one.program.evaluate(StateMachine().apply([event_of(call)]))))
            assert decide(call).passes is matches, (seed, call)
            seen[matches, len(ends[1]) == 4] += 1
    assert len(seen) == 4
    assert min(seen.values()) > sum(seen.values()) // 40, "each answer in each family is well represented"


def random_address(chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return bytes((10, chance.randrange(4), chance.randrange(4), chance.randrange(256)))
    return b"\x20\1\r\xb8" + bytes(8) + chance.randbytes(4)


def random_network(chance: random.Random, addresses: Sequence[bytes]) -> str:
    address = chance.choice(addresses)
    length = chance.randrange(12, 33) if len(address) == 4 else chance.randrange(60, 129)
    return str(ip_network((address, length), strict=False))


def near(chance: random.Random, addresses: Sequence[bytes]) -> bytes:
    """Return an address in one of several forms: of the list, with a bit changed, or any."""
    if chance.random() < 0.2:
        return random_address(chance)
    address = bytearray(chance.choice(addresses))
    if chance.random() < 0.5:
        address[chance.randrange(len(address))] ^= 1 << chance.randrange(8)
    found = bytes(address)
    return MAPPED_PREFIX + found if len(found) == 4 and chance.random() < 0.2 else found


def _texts(addresses: Sequence[bytes]) -> str:
    return ", ".join(str(ip_address(one)) for one in addresses)
