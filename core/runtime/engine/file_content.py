"""Digests of files: they show if a configuration, or a file that belongs to it, has changed."""

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

_MAX_BYTES: Final = 16 << 20
"""Bytes read of a file; no configuration and no rule file is longer."""


def members(directory: Path) -> list[Path]:
    """Return the files of a directory that are read as configuration or rules, by name; empty if it is unreadable."""
    try:
        return sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml") and path.name[0] != ".")
    except OSError:
        return []


def contents_of(places: Iterable[Path]) -> dict[Path, bytes]:
    """Return place → digest of a file, or of a directory's members; unreadable files are part of the digest."""
    return {place: _digest(place) for place in places}


def _digest(place: Path) -> bytes:
    digest = blake2b(digest_size=32)
    for file in members(place) if place.is_dir() else (place,):
        digest.update(os.fsencode(file) + b"\0")
        try:
            with file.open("rb") as opened:
                digest.update(blake2b(opened.read(_MAX_BYTES)).digest())
        except OSError as error:
            digest.update(f"{error.errno}".encode())
    return digest.digest()
