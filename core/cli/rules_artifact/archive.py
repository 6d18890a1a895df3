"""The layer of an artifact: files ↔ tar.gz, within bounds, without links and paths that lead elsewhere."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from mozu.core.errors import MozuError

_LARGEST: Final = 128 << 20
"""Maximum bytes of an unpacked layer."""
_MOST: Final = 10_000
"""Maximum number of files."""


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the archive; the same files make the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def unpacked(content: bytes) -> dict[str, bytes]:
    """Return relative path → content. Raises MozuError with what is wrong with the archive."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_decompressed(content)), mode="r:") as archive:
            for entry in archive:
                if entry.isdir():
                    continue
                file = archive.extractfile(entry) if entry.isreg() else None
                path = PurePosixPath(entry.name)
                if file is None or path.is_absolute() or ".." in path.parts or not path.parts or "\0" in entry.name:
                    raise MozuError(f"its layer has {entry.name!r}, which is no file below the layer's directory")
                if len(found) >= _MOST:
                    raise MozuError(f"its layer has more than {_MOST:,} files")
                found[str(path)] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise MozuError(f"its layer is no tar.gz: {error}") from error
    clash = next((name for name in found for one in PurePosixPath(name).parents if str(one) in found), None)
    if clash is not None:
        raise MozuError(f"its layer has {clash!r} below a file")
    return found


def collected(paths: Sequence[Path]) -> dict[str, bytes]:
    """Return name → content of files, and of all files below directories by their paths from there. Raises
    MozuError."""
    found: dict[str, bytes] = {}
    for path in paths:
        below = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in below:
            name = file.name if file is path else str(file.relative_to(path))
            if name in found:
                raise MozuError(f"{file}: two files would have the name {name!r} in the artifact")
            try:
                found[name] = file.read_bytes()
            except OSError as error:
                raise MozuError(f"{file} cannot be read: {error.strerror}") from error
    return found


def _decompressed(content: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        plain = file.read(_LARGEST + 1)
    if len(plain) > _LARGEST:
        raise MozuError(f"its layer has more than {_LARGEST >> 20} MiB unpacked")
    return plain
