"""A file of the code cache: one program with the facts that it was made for, and a digest over all of it.

The digest detects damage and not forgery: a user who may write the file could write another digest.
trusted_directory.py checks who may.
"""

from hashlib import sha256
from typing import Final

import msgspec

from mozu.plugins.sources.ebpf.relocatable import INSTRUCTION, RelocatableCode

_MAGIC: Final = b"mozu eBPF code 1\n"
_DIGEST: Final = sha256().digest_size


class Damaged(Exception):
    """The bytes are no entry that this version writes; the message says why."""


class CacheEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A program that the kernel has accepted, or a subprogram."""

    key: bytes
    """Digest of the compiler's whole input."""
    kernel: str
    """Release and version of the kernel (uname)."""
    btf: str
    """SHA-256 of the kernel's BTF."""
    compiler: str
    code: RelocatableCode


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(CacheEntry)


def encode(entry: CacheEntry) -> bytes:
    """Return the entry as the bytes of a file."""
    payload = _encoder.encode(entry)
    return _MAGIC + sha256(payload).digest() + payload


def decode(data: bytes) -> CacheEntry:
    """Return the entry in a file's bytes. Raises Damaged."""
    if not data.startswith(_MAGIC):
        raise Damaged("it does not begin as a file of this version does")
    digest, payload = data[len(_MAGIC) : len(_MAGIC) + _DIGEST], data[len(_MAGIC) + _DIGEST :]
    if sha256(payload).digest() != digest:
        raise Damaged("its content does not have the digest that it should have")
    try:
        entry = _decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise Damaged(f"its content is no program ({error})") from error
    length = len(entry.code.instructions)
    if not length or length % INSTRUCTION.size or any(not 0 <= one.at < length // 8 for one in entry.code.relocations):
        raise Damaged("its content is no program")
    return entry
