"""A bundle: the programs of one kernel from the code cache in one file, for machines without a compiler.

The machines must run the same kernel. Like a file of the cache, a bundle has a digest that detects damage and no
signature: a user who imports one trusts its origin, and can compare the digest that the export has printed.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from mozu.plugins.sources.ebpf.cache_entry import CacheEntry, Damaged, decode, encode

_MAGIC: Final = b"mozu eBPF bundle 1\n"
_DIGEST: Final = sha256().digest_size
_decoder: Final = msgspec.msgpack.Decoder(list[bytes])


def pack(entries: Sequence[CacheEntry]) -> bytes:
    """Return the bytes of a bundle."""
    payload = msgspec.msgpack.encode([encode(entry) for entry in entries])
    return _MAGIC + sha256(payload).digest() + payload


def unpack(data: bytes) -> list[CacheEntry]:
    """Return the entries of a bundle. Raises Damaged."""
    if not data.startswith(_MAGIC):
        raise Damaged("it is no bundle of this version")
    digest, payload = data[len(_MAGIC) : len(_MAGIC) + _DIGEST], data[len(_MAGIC) + _DIGEST :]
    if sha256(payload).digest() != digest:
        raise Damaged("its content does not have the digest that it should have")
    try:
        return [decode(one) for one in _decoder.decode(payload)]
    except msgspec.MsgspecError as error:
        raise Damaged(f"its content is no bundle ({error})") from error


def fingerprint(data: bytes) -> str:
    """Return the SHA-256 of the file, to be compared over another channel than the file's."""
    return sha256(data).hexdigest()
