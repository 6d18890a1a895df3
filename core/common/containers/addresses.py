"""Addresses of a container, as in the files of its runtime."""

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Interface, ip_interface


def first_ipv4(texts: Iterable[str]) -> str:
    """Return the first IPv4 address among addresses with or without a prefix length; empty if there is none."""
    for text in texts:
        with suppress(ValueError):
            found = ip_interface(text)
            if isinstance(found, IPv4Interface):
                return str(found.ip)
    return ""
