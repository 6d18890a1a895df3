"""Addresses that lead to ssrf_refusal: the table, and the guard on real connections."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from mozu.plugins.sinks.webhook.private_addresses import literal_address, ssrf_refusal
from mozu.plugins.sinks.webhook.ssrf_guard import SsrfGuard

INWARD = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "192.0.2.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1",
    "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1", "64:ff9b:1:a9fe:a9:fe00:808:808", "::ffff:0:7f00:1", "::ffff:0:808:808", "4000::1",
    "2600::5efe:127.0.0.1", "2600::200:5efe:a9fe:a9fe", "fe00::1",
]  # fmt: skip
OUTWARD = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.167.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
           "2600:1f18::1", "2a00:1450:4001::200e", "2600::5efe:8.8.8.8"]  # fmt: skip
ONLY_BY_NAME = ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]


@pytest.mark.parametrize("text", INWARD)
def test_an_inward_address_is_refused_with_a_remedy(text: str) -> None:
    assert "`allow`" in (ssrf_refusal(ip_address(text), allow_private=False, allow=()) or "")


@pytest.mark.parametrize("text", OUTWARD)
def test_an_address_of_the_internet_is_permitted(text: str) -> None:
    assert ssrf_refusal(ip_address(text), allow_private=False, allow=()) is None


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.1", "::1", "fd12::1", "::ffff:192.168.0.1", "100.64.0.1"])
def test_allow_private_permits_loopback_and_private_addresses(text: str) -> None:
    assert ssrf_refusal(ip_address(text), allow_private=True, allow=()) is None


@pytest.mark.parametrize("text", ONLY_BY_NAME)
def test_metadata_is_refused_even_with_allow_private(text: str) -> None:
    assert ssrf_refusal(ip_address(text), allow_private=True, allow=()) is not None


def test_what_is_listed_is_permitted_in_every_spelling() -> None:
    listed = (ip_network("169.254.169.254/32"), ip_network("10.1.0.0/16"))
    spellings = ["169.254.169.254", "::ffff:169.254.169.254", "10.1.2.3", "64:ff9b::a01:203"]
    assert [None] * 4 == [ssrf_refusal(ip_address(text), allow_private=False, allow=listed) for text in spellings]


def test_what_is_next_to_a_listed_network_stays_refused() -> None:
    assert ssrf_refusal(ip_address("10.2.0.1"), allow_private=False, allow=(ip_network("10.1.0.0/16"),)) is not None


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("fe80::1%eth0", "fe80::1"), ("localhost", None), ("0x7f.1", None)],
)
def test_a_literal_is_reported_from_a_name(host: str, expected: str | None) -> None:
    assert (None if expected is None else ip_address(expected)) == literal_address(host)


class Rebinding(AbstractResolver):
    """Resolver of a name that has a permitted address on its first look-up, and another one from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        address = "127.0.0.1" if self.asked == 1 else "127.0.0.2"
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def _refusal(url: str, *allow: str, **connector: Any) -> str:
    """Return the reason why a request gets no connection; empty if it gets one."""
    guard = SsrfGuard(allow_private=False, allow=[ip_network(text) for text in allow])
    guarded = aiohttp.TCPConnector(socket_factory=guard, force_close=True, **connector)
    async with aiohttp.ClientSession(connector=guarded) as session:
        try:
            async with session.post(url):  # not tried again by the client itself
                return ""
        except aiohttp.ClientConnectorError as error:
            return str(error.os_error)
        except aiohttp.InvalidURL:
            return "is refused as a URL"
        except aiohttp.ServerDisconnectedError:
            return ""


def _run(scenario: Callable[[int], Awaitable[None]]) -> None:
    """Run the scenario with a listener on every IPv4 address of this machine."""

    async def main() -> None:
        listener = await asyncio.start_server(lambda reader, writer: writer.close(), "0.0.0.0", 0)
        async with listener:
            await scenario(listener.sockets[0].getsockname()[1])

    asyncio.run(main())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "127.1",
        "017700000001",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "127。0。0。1",
        "[0:0:0:0:0:0:0:1]",
    ],
)
def test_no_spelling_of_the_loopback_gets_a_connection(host: str) -> None:
    async def scenario(port: int) -> None:
        assert "refused" in await _refusal(f"http://{host}:{port}/")

    _run(scenario)


def test_a_name_that_changes_its_address_is_judged_at_every_connection() -> None:
    async def scenario(port: int) -> None:
        resolver = Rebinding()
        url = f"http://rebinding.example:{port}/"
        said = [
            await _refusal(url, "127.0.0.1", resolver=resolver, use_dns_cache=False),
            await _refusal(url, "127.0.0.1", resolver=resolver, use_dns_cache=False),
        ]
        assert ("", True) == (said[0], said[1].startswith("127.0.0.2 is a loopback address"))

    _run(scenario)
