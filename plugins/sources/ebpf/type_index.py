"""The index of the kernel's BTF (btf.py), stored beside the programs of the code cache for later starts.

Programs are compiled with offsets from it, so the same rules apply as to their files: only an index that root alone can
have written is read, and a damaged one is made again. Its name has the digest of the BTF and of the wanted names.
"""

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final

import msgspec

from mozu.plugins.sources.ebpf import btf
from mozu.plugins.sources.ebpf.trusted_directory import TrustedDirectory, Untrusted

SUFFIX: Final = ".index"
_MAGIC: Final = b"mozu BTF index 1\n"
_DIGEST: Final = sha256().digest_size
_MOST: Final = 4
"""Most files that are kept, the newest: half a megabyte each, one per kernel."""
_NAMED: Final = 16
"""Hexadecimal digits of the digest in a file's name."""
_WORD: Final = 4
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(btf.Index)


class _Damaged(Exception):
    """The bytes are no index that this version writes."""


class TypeIndex:
    """The indexes of one directory. `say` is called with a line for every file that exists and is not read."""

    def __init__(self, place: Path, say: Callable[[str], None], owner: int = 0) -> None:
        self._place, self._say, self._owner = place, say, owner
        self._directory = TrustedDirectory(place, owner)

    def types(self, names: Sequence[str], functions: Sequence[str], path: Path = btf.BTF_FILE) -> btf.Btf:
        """Return the kernel's types, read with the stored index, which is made if there is none; see btf.read.

        Raises SourceUnavailable.
        """
        kept: list[btf.Index] = []

        def index_of(digest: str) -> btf.Index | None:
            found = self._read(_file_name(digest, names, functions))
            kept.extend([] if found is None else [found])
            return found

        types = btf.read(names, path, functions=functions, index_of=index_of)
        if not kept and os.geteuid() == self._owner:
            self._write(_file_name(types.digest, names, functions), types.index)
        return types

    def _read(self, name: str) -> btf.Index | None:
        try:
            with self._directory.opened() as directory:
                return _decoded(self._directory.read(directory, name))
        except FileNotFoundError:
            return None
        except (OSError, Untrusted, _Damaged) as error:
            self._say(f"source ebpf: {self._place / name} is not loaded: {error}; the kernel's types are read anew")
            return None

    def _write(self, name: str, index: btf.Index) -> None:
        payload = _encoder.encode(index)
        try:
            self._directory.make()
            with self._directory.opened() as directory, self._directory.locked(directory):
                self._directory.write(directory, name, _MAGIC + sha256(payload).digest() + payload)
                self._prune(directory)
        except (OSError, Untrusted):
            pass  # a start takes some hundredths of a second longer; where programs are not kept either, that is said

    def _prune(self, directory: int) -> None:
        names = [name for name in os.listdir(directory) if name.endswith(SUFFIX)]
        ages = [(os.stat(name, dir_fd=directory).st_mtime_ns, name) for name in names]
        for _, name in sorted(ages, reverse=True)[_MOST:]:
            os.unlink(name, dir_fd=directory)


def _file_name(digest: str, names: Sequence[str], functions: Sequence[str]) -> str:
    key = blake2b(repr((digest, sorted(names), sorted(functions))).encode(), digest_size=_NAMED // 2)
    return f"btf-{key.hexdigest()}{SUFFIX}"


def _decoded(data: bytes) -> btf.Index:
    """Return the index. Raises _Damaged."""
    if not data.startswith(_MAGIC):
        raise _Damaged("it does not begin as a file of this version does")
    digest, payload = data[len(_MAGIC) : len(_MAGIC) + _DIGEST], data[len(_MAGIC) + _DIGEST :]
    if sha256(payload).digest() != digest:
        raise _Damaged("its content does not have the digest that it should have")
    try:
        index = _decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise _Damaged(f"its content is no index ({error})") from error
    numbers = (*index.named.values(), *index.functions.values())
    if len(index.places) % _WORD or any(not 0 < one < len(index.places) // _WORD for one in numbers):
        raise _Damaged("its content is no index")
    return index
