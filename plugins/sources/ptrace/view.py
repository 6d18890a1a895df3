"""What /proc tells of a stopped task: descriptors, directories, files. Paths as from the process's own root."""

import os
import stat
from typing import Final, NamedTuple

from mozu.core.abi.anon_inodes import ANON_INODES
from mozu.core.model.event import File, as_text

_DELETED: Final = " (deleted)"
AT_FDCWD: Final = -100


class Seen(NamedTuple):
    """A descriptor."""

    link: str
    """As the kernel prints it, without the mark of unlinked files."""
    mode: int
    dev: int
    """major << 20 | minor."""
    encoded_dev: int
    """As stat gives it."""
    ino: int


def link(tid: int, name: str) -> str:
    """A link of a task's directory; empty where it cannot be read."""
    try:
        return as_text(os.readlink(f"/proc/{tid}/{name}".encode()))
    except OSError:
        return ""


def inside(tid: int, path: str) -> str:
    """A path of this process's view as the task itself sees it."""
    root = link(tid, "root")
    if root in ("", "/") or not path.startswith("/"):
        return path
    if path == root:
        return "/"
    return path[len(root) :] if path.startswith(root + "/") else path


def cwd(tid: int) -> str:
    """The working directory; empty where it is not known."""
    path = link(tid, "cwd")
    if path.endswith(_DELETED) and not os.path.exists(f"/proc/{tid}/cwd/."):
        path = path.removesuffix(_DELETED)
    return inside(tid, path)


def descriptor(tid: int, fd: int) -> Seen | None:
    """What a descriptor stands for; None where nothing stands there."""
    if fd < 0:
        return None
    place = f"/proc/{tid}/fd/{fd}"
    try:
        target, found = as_text(os.readlink(place.encode())), os.stat(place)
    except OSError:
        return None
    if not found.st_nlink:
        target = target.removesuffix(_DELETED)
    dev = os.major(found.st_dev) << 20 | os.minor(found.st_dev)
    return Seen(inside(tid, target), found.st_mode, dev, found.st_dev, found.st_ino)


def base(tid: int, dirfd: int) -> str | None:
    """The directory that relative paths start from; None where it is not known."""
    if dirfd == AT_FDCWD:
        return cwd(tid) or None
    seen = descriptor(tid, dirfd)
    return seen.link if seen is not None and seen.link.startswith("/") else None


def exists(tid: int, start: str | None, path: str) -> bool:
    """Whether a path leads to something, seen from the task."""
    whole = path if path.startswith("/") else f"{start}/{path}"
    try:
        os.stat(f"/proc/{tid}/root{whole}")
    except OSError:
        return False
    return True


def file_of(seen: Seen) -> File:
    """A descriptor that is no socket."""
    kind, name = _kind(seen)
    real = seen.link if name and kind in ("file", "directory") else None
    return File(kind, name, "", real, 0, seen.dev, seen.ino)


def _kind(seen: Seen) -> tuple[str, str]:
    """(`fd.type`, `fd.name`)."""
    where = seen.link
    if where.startswith("/memfd:"):
        return "memfd", where.removeprefix("/memfd:")
    if where.startswith("/"):
        return ("directory" if stat.S_ISDIR(seen.mode) else "file"), where
    if stat.S_ISFIFO(seen.mode):
        return "pipe", ""
    return ANON_INODES.get(where.removeprefix("anon_inode:"), "unknown"), ""
