"""Paths as the calls mean them, computed from their text: no file system is consulted."""

from mozu.core.caches import cached


def absolute(base: str, path: str) -> str:
    """Return `path` seen from the directory `base`, normalised. An empty path stays empty."""
    if not path:
        return ""
    if path.startswith("/"):
        return normalise(path)
    return normalise(base + path if base.endswith("/") else f"{base}/{path}")


@cached(4096)
def normalise(path: str) -> str:
    """Return the path with `.`, `..`, doubled and trailing slashes resolved. `..` above the top stays at the top."""
    if path.startswith("/") and "//" not in path and "/." not in path and not path.endswith("/"):
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    joined = "/".join(parts)
    return f"/{joined}" if path.startswith("/") else joined


@cached(4096)
def single_slashes(path: str) -> str:
    """Return the path with each run of slashes made one; nothing else changes."""
    while "//" in path:
        path = path.replace("//", "/")
    return path


def directory_of(path: str) -> str:
    """Return the text before the last slash; `/` if that is empty."""
    return path.rpartition("/")[0] or "/"


def filename_of(path: str) -> str:
    """Return the text after the last slash; `/` for the root itself and for the empty path."""
    return path.rpartition("/")[2] or "/"
