"""SSRF guard: checks the address of each connection itself, after the name was resolved, by mozu or by aiohttp.

aiohttp asks `socket_factory` for a socket with the very address to which it then connects, so there is no second
resolution between the check and the connection (DNS rebinding); numeric addresses pass the guard, too.
"""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from mozu.plugins.sinks.webhook.private_addresses import Network, ssrf_refusal


class AddressRefused(OSError):
    """The address is private, link-local or otherwise special, and not allowed."""


class SsrfGuard:
    """Factory of sockets for allowed addresses only."""

    def __init__(self, *, allow_private: bool, allow: Sequence[Network]) -> None:
        self._allow_private, self._allow = allow_private, tuple(allow)

    def __call__(self, info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for an entry of getaddrinfo. Raises AddressRefused."""
        family, kind, protocol, _, address = info
        text = str(address[0]).partition("%")[0]
        try:
            reason = ssrf_refusal(ip_address(text), allow_private=self._allow_private, allow=self._allow)
        except ValueError:  # 127.1, which aiohttp before 3.14.2 hands on as it is, would be understood by `connect`
            reason = f"{text} is an address in an unusual spelling, which is refused"
        if reason is not None:
            raise AddressRefused(reason)
        return socket.socket(family, kind, protocol)
