"""Paths as a call means them: made absolute and normalised by their text alone, whatever the file system holds."""

import re
from typing import Final

from mozu.core.caches import cached

UNKNOWN_BASE: Final = "<UNKNOWN>"
"""Placeholder for a directory whose descriptor is not known."""

_ODD: Final = re.compile(r"//|/\.\.?(?:/|$)|^\.\.?(?:/|$)|/$")


@cached(4096)
def join(base: str, path: str) -> str:
    """Return `path` seen from the directory `base` (which ends with a slash), without `.`, `..`, doubled or trailing
    slashes.

    An empty path stays empty. A path that climbs above the root stays at the root.
    """
    whole = path if path.startswith("/") or not path else base + path
    return normal(whole) if _ODD.search(path) else whole


def normal(path: str) -> str:
    """Return the path without `.`, `..`, doubled or trailing slashes."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if path.startswith("/") else "") + "/".join(parts)


def directory(path: str) -> str:
    """Return the path with a slash at its end."""
    return path if path.endswith("/") else path + "/"


def without_deleted(path: str) -> str:
    """Return the path without the kernel's mark of an unlinked file, which is no part of the name."""
    return path.removesuffix(" (deleted)")
