"""Addresses of a container, as the files of its runtime have them."""

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Interface, ip_interface


def first_ipv4(texts: Iterable[str]) -> str:
    """The first IPv4 address among addresses with or without the length of their prefix; empty where there is none."""
    for text in texts:
        with suppress(ValueError):
            found = ip_interface(text)
            if isinstance(found, IPv4Interface):
                return str(found.ip)
    return ""
