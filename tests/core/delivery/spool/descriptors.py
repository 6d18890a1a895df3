"""Descriptors that this process has open."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def descriptors_below(folder: Path) -> list[str]:
    """Names of the files of a folder that are open, each as often as it is, in order. Of a file that was deleted the
    name it had, with ` (deleted)` behind it."""
    return sorted(path.removeprefix(f"{folder}/") for path in _open() if path.startswith(f"{folder}/"))


def _open() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # that of the listing itself
            yield os.readlink(f"/proc/self/fd/{descriptor}")
