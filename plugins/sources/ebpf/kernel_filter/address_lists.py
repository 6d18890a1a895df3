"""Lists of addresses and of networks that a kernel filter tests, and the maps in which it looks an address up.

A filter has at most one hash, of addresses, and one trie, of networks. The value of each entry has a bit for each list:
however many lists a filter tests, it looks an end of a connection up once in each map. Bits of an entry of the trie
include those of wider networks, since the longest prefix is found. Keys: struct end of bpf/ends.h.

The maps belong to one filter. They are filled before the program is loaded that refers to them, never changed, and
freed with it: the exchange of programs exchanges the lists.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Final

from mozu.core.caches import cached
from mozu.core.filter.ip_text import Network, address_of, network_of

MOST_LISTS: Final = 64
"""Most lists of a filter: bits of a value."""
MOST_ENTRIES: Final = 1_000_000
"""Most addresses and networks of all lists of a filter together, which take 100 to 200 MB of the kernel's memory."""
ADDRESSES, NETWORKS = "ADDRESSES", "NETWORKS"
"""Names of the maps: hash and trie."""
_BITS: Final = struct.Struct("<Q")
_ADDRESS: Final = struct.Struct("<I16s")
"""Key of the hash: bytes of the address (4 or 16), and the address."""
_NETWORK: Final = struct.Struct("<II16s")
"""Key of the trie: struct bpf_lpm_trie_key; its data is the key of the hash."""
_VERSION_BITS: Final = 32
KEY_SIZES: Final = {ADDRESSES: _ADDRESS.size, NETWORKS: _NETWORK.size}
VALUE_SIZE: Final = _BITS.size


class AddressList:
    """The constants of a comparison; equal to any other with the same ones."""

    def __init__(self, addresses: Iterable[bytes], networks: Iterable[Network]) -> None:
        self.addresses, self.networks = frozenset(addresses), frozenset(networks)
        keys = [_address_key(one) for one in self.addresses] + [_network_key(one) for one in self.networks]
        self.digest: Final = blake2b(b"".join(sorted(keys)), digest_size=16).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressList) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __len__(self) -> int:
        return len(self.addresses) + len(self.networks)


@cached(64)
def address_list(values: tuple[str, ...], *, of_networks: bool) -> AddressList | None:
    """Return the list of these constants; None if one is no address (or no network)."""
    try:
        if of_networks:
            return AddressList((), map(network_of, values))
        return AddressList(map(address_of, values), ())
    except ValueError:
        return None


class AddressMaps:
    """The content of the maps of one filter. The place of a list is its bit."""

    def __init__(self, lists: Iterable[AddressList]) -> None:
        self.lists: Final = tuple(dict.fromkeys(lists))
        self._name = blake2b(b"".join(one.digest for one in self.lists), digest_size=8).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressMaps) and self.lists == other.lists

    def __hash__(self) -> int:
        return hash(self.lists)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The maps that are needed: ADDRESSES, NETWORKS or both."""
        of_addresses, of_networks = any(one.addresses for one in self.lists), any(one.networks for one in self.lists)
        return (ADDRESSES,) * of_addresses + (NETWORKS,) * of_networks

    def symbol(self, kind: str) -> str:
        """Return the name of a map in the program, different for other contents."""
        return f"{kind} {self._name}"

    def number(self, listed: AddressList) -> int:
        """Return the bit of a list."""
        return self.lists.index(listed)

    def entries(self, kind: str) -> Mapping[bytes, bytes]:
        """Return the entries of a map."""
        return self._addresses if kind == ADDRESSES else self._networks

    @cached_property
    def _addresses(self) -> Mapping[bytes, bytes]:
        found: dict[bytes, int] = {}
        for bit, one in enumerate(self.lists):
            for address in one.addresses:
                found[address] = found.get(address, 0) | 1 << bit
        return {_address_key(address): _BITS.pack(bits) for address, bits in found.items()}

    @cached_property
    def _networks(self) -> Mapping[bytes, bytes]:
        found: dict[Network, int] = {}
        for bit, one in enumerate(self.lists):
            for network in one.networks:
                found[network] = found.get(network, 0) | 1 << bit
        return {_network_key(network): _BITS.pack(bits) for network, bits in _with_wider(found).items()}


def _with_wider(networks: Mapping[Network, int]) -> Mapping[Network, int]:
    """Return the networks with the bits of all wider ones that contain them."""
    found: dict[Network, int] = {}
    around: list[Network] = []
    """Networks that contain the present one, the widest first."""
    for network in sorted(networks):  # a wider one with the same start comes first
        size, start, _ = network
        while around and (around[-1].size != size or start & around[-1].mask != around[-1].start):
            around.pop()
        found[network] = networks[network] | (found[around[-1]] if around else 0)
        around.append(network)
    return found


def _address_key(address: bytes) -> bytes:
    return _ADDRESS.pack(len(address), address)


def _network_key(network: Network) -> bytes:
    return _NETWORK.pack(_VERSION_BITS + network.mask.bit_count(), network.size, network.start.to_bytes(network.size))


def address_keys(address: bytes) -> Mapping[str, bytes]:
    """Return the keys by which a filter looks an address up, by map."""
    key = _address_key(address)
    return {ADDRESSES: key, NETWORKS: struct.pack("<I", _VERSION_BITS + 8 * len(address)) + key}


def fitting(lists: Sequence[AddressList]) -> frozenset[AddressList]:
    """Return the lists that a filter may have, the first ones, within both limits."""
    found: list[AddressList] = []
    entries = 0
    for one in dict.fromkeys(lists):
        if len(found) < MOST_LISTS and entries + len(one) <= MOST_ENTRIES:
            found.append(one)
            entries += len(one)
    return frozenset(found)
