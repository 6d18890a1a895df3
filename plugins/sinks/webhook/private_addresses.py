"""SSRF guard, the addresses: private, link-local, cloud metadata and other special ones, in any notation.

Sources: the IANA registries of special-purpose addresses (which `ipaddress` knows) and, for addresses missing there,
RFC 3879 (site-local), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 5214 (ISATAP), RFC 4291 (IPv4 in IPv6; of IPv6 only
2000::/3 is assigned), the clouds' own documents (metadata).
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local; 169.254.169.254 answers with credentials in most clouds
        "fe80::/10",
        "fd00:ec2::254/128",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
    )
)
_IPV4_IN_IPV6: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Networks whose last four bytes are an IPv4 address. A private translator (64:ff9b:1::/48, RFC 8215) may have it
elsewhere."""
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
"""First half of the interface identifier; the other half is an IPv4 address."""


def ssrf_refusal(address: Address, *, allow_private: bool, allow: Sequence[Network]) -> str | None:
    """Return the reason for which the SSRF guard refuses a connection to the address; None if it does not. Embedded
    IPv4 addresses are checked, too."""
    for inner in _embedded(address):
        kind = _private_kind(inner)
        listed = any(inner.version == network.version and inner in network for network in allow)
        if kind is None or listed or (allow_private and kind != "link-local or metadata"):
            continue
        remedy = "list it under `allow`" if allow_private else "set `allow_private: true`, or list it under `allow`"
        if kind == "link-local or metadata":
            remedy = "list it under `allow` if that is meant"
        return f"{address} is a {kind} address, which is refused; {remedy}"
    return None


def literal_address(host: str) -> Address | None:
    """Return the address that a host is written as; None if it is a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _embedded(address: Address) -> Iterator[Address]:
    """Yield the address, or the IPv4 address embedded in it; both for ISATAP."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and int(address) > 1 and any(address in network for network in _IPV4_IN_IPV6):
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            yield inner
            return
        if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
            yield IPv4Address(int(address) & 0xFFFF_FFFF)
    yield address


def _private_kind(address: Address) -> str | None:
    """Return the kind of an address that is not public; None if it is public."""
    if any(address.version == network.version and address in network for network in _METADATA):
        return "link-local or metadata"
    if address.is_loopback:
        return "loopback"
    if address.is_multicast:
        return "multicast"
    if not address.is_global or (isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST):
        return "private or reserved"
    return None
