"""The directories in which something must change before a path leads to another file."""

import errno
import os
from collections.abc import Iterator
from glob import escape, glob, has_magic
from pathlib import Path
from typing import Final

_MAX_LINKS: Final = 40
"""The kernel's MAXSYMLINKS."""
ANY: Final = ""
"""Placeholder for every name in a directory."""


def steps(place: Path) -> Iterator[tuple[str, str]]:
    """Yield (directory, name) of every step of a path, through links, up to the first missing one."""
    rest = list(reversed(place.absolute().parts[1:]))
    directory, links = "/", 0
    while rest:
        name = rest.pop()
        if name in (".", ""):
            continue
        if name == "..":
            directory = os.path.dirname(directory)
            continue
        yield directory, name
        path = os.path.join(directory, name)
        try:
            target = os.readlink(path)
        except OSError as error:
            if error.errno != errno.EINVAL:  # the step does not exist, or may not be examined
                return
            directory = path
            continue
        links += 1
        if links > _MAX_LINKS:
            return
        if target.startswith("/"):
            directory = "/"
        rest.extend(reversed(target.split("/")))


def steps_of_pattern(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the steps of every path that a pattern of `glob` may find, with ANY in the directories where more may
    appear."""
    parts = Path(pattern).absolute().parts
    first = next((at for at, part in enumerate(parts) if has_magic(part)), len(parts))
    directory, rest = Path(*parts[:first]), parts[first + 1 :]
    yield from steps(directory)
    if first < len(parts) and directory.is_dir():
        yield os.path.realpath(directory), ANY
        for found in glob(os.path.join(escape(str(directory)), parts[first])):
            yield from steps_of_pattern(os.path.join(escape(found), *rest))
