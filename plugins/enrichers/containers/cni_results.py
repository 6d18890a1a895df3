"""Results of network plugins (CNI) for containers: the cache of libcni, which nerdctl, ctr, CRI and podman share.

`DIRECTORY/NETWORK-CONTAINER-INTERFACE` is JSON with the container's id and the plugin's result (libcni/api.go).
"""

from collections.abc import Iterable
from contextlib import suppress
from glob import escape
from ipaddress import IPv4Interface, ip_interface
from pathlib import Path

import msgspec

from mozu.plugins.enrichers.containers.regular_file import read_regular


class _Ip(msgspec.Struct):
    address: str = ""


class _Result(msgspec.Struct):
    ips: list[_Ip] | None = None


class _Cached(msgspec.Struct, rename="camel"):
    container_id: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")


class CniResult(msgspec.Struct, frozen=True):
    """The result for one container, from the first of its networks."""

    ip: str = ""
    """First IPv4 address; empty if there is none."""
    json: str = ""


class CniResults:
    """The files of one directory. Missing, unreadable or half-written ones count as absent. Calls block."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, container_ids: Iterable[str]) -> CniResult | None:
        """Return the result of the first of these ids that has one, or None: containerd's tools put their namespace
        before the id."""
        for one in container_ids:
            for path in sorted(self._directory.glob(f"*-{escape(one)}-*")):
                with suppress(OSError, msgspec.DecodeError):
                    found = _decode(read_regular(path))
                    if found.container_id == one:
                        return CniResult(first_address(found.result), bytes(found.result).decode(errors="replace"))
        return None


def first_address(result: msgspec.Raw) -> str:
    """Return the first IPv4 address of a plugin's result; empty if there is none. Raises msgspec.DecodeError."""
    return first_ipv4(one.address for one in _decode_result(result).ips or ())


_decode = msgspec.json.Decoder(_Cached).decode
_decode_result = msgspec.json.Decoder(_Result).decode


def first_ipv4(texts: Iterable[str]) -> str:
    """Return the first IPv4 address among addresses with or without a prefix length; empty if there is none."""
    for text in texts:
        with suppress(ValueError):
            found = ip_interface(text)
            if isinstance(found, IPv4Interface):
                return str(found.ip)
    return ""
