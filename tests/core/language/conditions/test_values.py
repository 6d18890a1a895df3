"""Constants: addresses and networks are those of `ipaddress`, which is the slower judge."""

import random
from ipaddress import ip_address, ip_network

import pytest

from mozu.core.language.conditions import check, parse
from mozu.core.language.conditions.generate.matchers import in_networks
from mozu.core.language.conditions.values import constant
from mozu.core.model.fields import FieldRegistry, FieldType
from mozu.core.model.fields.builtin import builtin_fields

CHARACTERS = "0123456789abcdef:./%x "


def _expected(text: str) -> bytes | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if "%" in text or ("." in text and address.version == 6) else address.packed


def _found(text: str) -> bytes | None:
    try:
        found = constant(FieldType.IPADDR, 64, "=", text)
    except ValueError:
        return None
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_addresses_are_those_of_ipaddress(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(2_000):
        packed = chance.randbytes(chance.choice((4, 16)))
        text = str(ip_address(packed))
        changed = list(text)
        changed[chance.randrange(len(text))] = chance.choice(CHARACTERS)
        for one in (text, ip_address(packed).exploded, "".join(changed), f"::ffff:{text}"):
            assert _expected(one) == _found(one), one


@pytest.mark.parametrize(
    "text", ["1.2.3.4/08", "1.2.3.4/033", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/255.255.0.0", "::1/64", "::1/129", "1/8",
             "::ffff:1.2.3.4/120", "01.2.3.4/8", "fe80::1%eth0/64", "0.0.0.0/0", "::/0", "1.2.3.4/+8", "1.2.3.4/８"]
)  # fmt: skip
def test_networks_are_those_of_ipaddress(text: str) -> None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        with pytest.raises(ValueError, match="must be a network"):
            constant(FieldType.IPNET, 64, "=", text)
    else:
        expected = network.max_prefixlen // 8, int(network.network_address), int(network.netmask)
        assert expected == constant(FieldType.IPNET, 64, "=", text)


@pytest.mark.parametrize("wide", [4, 16])
def test_an_address_is_in_one_of_many_networks_if_it_is_in_any(wide: int) -> None:
    chance = random.Random(wide)
    networks = [
        ip_network((chance.randbytes(wide), chance.randrange(2 * wide, 8 * wide + 1)), strict=False) for _ in range(300)
    ]
    constants = [constant(FieldType.IPNET, 64, "=", str(one)) for one in networks]
    matches = in_networks(constants)

    held = set()
    for _ in range(2_000):
        base = bytes(chance.choice(networks).network_address.packed)
        address = bytes(byte ^ (chance.randrange(256) if chance.random() < 0.1 else 0) for byte in base)
        expected = any(ip_address(address) in one for one in networks)
        held.add(expected)
        assert expected == matches(address)
    assert {False, True} == held


@pytest.mark.parametrize("count", [5, 5_000])
@pytest.mark.parametrize("wrong", ["300.1.1.1", "a"])
def test_a_wrong_constant_is_one_error_in_a_list_of_any_length(count: int, wrong: str) -> None:
    items = [f"10.0.{number >> 8}.{number & 255}" for number in range(count)]
    items[count // 2] = wrong
    text = f"fd.sip in ({', '.join(items)})"

    (problem,) = check(parse(text), FieldRegistry(builtin_fields()), "syscall").problems

    assert f"fd.sip is of type ipaddr: `{wrong}` must be an IPv4 or IPv6 address" == problem.message
    assert text.index(f" {wrong},") + 1 == problem.offset


def test_doubts_about_constants_are_the_same_in_a_long_list() -> None:
    text = f"proc.name in ({', '.join(f'p{number}' for number in range(5_000))}, proc.pname)"

    (problem,) = check(parse(text), FieldRegistry(builtin_fields()), "syscall").problems

    assert "constant_is_field" == problem.reason
