"""Descriptors that this process has open."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def descriptors_below(folder: Path) -> list[str]:
    """Return the sorted names of the open files of a folder, one for each descriptor. A deleted file has its former
    name and ` (deleted)`.
    """
    return sorted(path.removeprefix(f"{folder}/") for path in _open() if path.startswith(f"{folder}/"))


def _open() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the descriptor of the listing itself
            yield os.readlink(f"/proc/self/fd/{descriptor}")
