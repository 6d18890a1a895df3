"""/proc of a stopped task: descriptors, directories, files. Paths are relative to the process's own root."""

import os
import re
import stat
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.abi.anon_inodes import ANON_INODES
from mozu.core.common.boot_clock import start_of_ticks
from mozu.core.common.mounts import MountPoint, mounts
from mozu.core.model.event import File, as_bytes, as_text

_DELETED: Final = " (deleted)"
_MOUNT_ID: Final = re.compile(rb"mnt_id:\s*(\d+)")
AT_FDCWD: Final = -100


class FdInfo(NamedTuple):
    """Facts about a descriptor."""

    link: str
    """The link of /proc/TID/fd, without ` (deleted)` of unlinked files."""
    mode: int
    dev: int
    """The kernel's dev_t: major << 20 | minor."""
    encoded_dev: int
    """The device number as stat(2) encodes it."""
    ino: int
    whole: str
    """The link as this process sees it: from the task's root, if that is another one."""


def link(tid: int, name: str) -> str:
    """Return a link of a task's directory; empty if it cannot be read."""
    try:
        return as_text(os.readlink(f"/proc/{tid}/{name}".encode()))
    except OSError:
        return ""


def link_at(place: str) -> str | None:
    """Return the target of a link; None if it is none, or cannot be read."""
    try:
        return as_text(os.readlink(as_bytes(place)))
    except (OSError, ValueError):
        return None


def inside_root(tid: int, path: str) -> str:
    """Return a path of this process as seen from the task's root."""
    root = link(tid, "root")
    if root in ("", "/") or not path.startswith("/"):
        return path
    if path == root:
        return "/"
    return path[len(root) :] if path.startswith(root + "/") else path


def cwd(tid: int) -> str:
    """Return the working directory; empty if unknown."""
    path = link(tid, "cwd")
    if path.endswith(_DELETED) and not os.path.exists(f"/proc/{tid}/cwd/."):
        path = path.removesuffix(_DELETED)
    return inside_root(tid, path)


def fd_info(tid: int, fd: int) -> FdInfo | None:
    """Return facts about a descriptor; None if it is not open."""
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
    return FdInfo(inside_root(tid, target), found.st_mode, dev, found.st_dev, found.st_ino, target)


def boot_start(tid: int) -> int:
    """Return the start of a task, ns since boot in steps of a hundredth of a second; 0 if it has ended."""
    try:
        with open(f"/proc/{tid}/stat", "rb") as file:
            return start_of_ticks(int(file.read().rpartition(b")")[2].split()[19]))
    except OSError:
        return 0


def base_directory(tid: int, dirfd: int) -> str | None:
    """Return the directory that relative paths start from; None if unknown."""
    if dirfd == AT_FDCWD:
        return cwd(tid) or None
    seen = fd_info(tid, dirfd)
    return seen.link if seen is not None and seen.link.startswith("/") else None


def exists(tid: int, start: str | None, path: str) -> bool:
    """Return True if a path exists, as seen from the task."""
    whole = path if path.startswith("/") else f"{start}/{path}"
    try:
        os.stat(f"/proc/{tid}/root{whole}")
    except OSError:
        return False
    return True


class Mounted(NamedTuple):
    """A mount of a mount namespace."""

    point: MountPoint
    top: MountPoint
    """The mount at `/` of the namespace."""


class RealPaths:
    """Real paths of files: below the mount at `/` of a task's mount namespace, by whatever mount or root they were
    reached.

    Mounts are cached, and read again for a file on an unknown mount.
    """

    def __init__(self) -> None:
        self._mounts: dict[int, Mounted] = {}

    def find(self, tid: int, fd: int, seen: FdInfo) -> str:
        """Return the real path of an open file."""
        if not seen.whole.startswith("/"):
            return seen.link
        try:
            found = _MOUNT_ID.search(Path(f"/proc/{tid}/fdinfo/{fd}").read_bytes())
        except OSError:
            return seen.link
        mount = self._mount(tid, int(found[1])) if found is not None else None
        if mount is None or mount.point.device != mount.top.device:
            return seen.link
        below = _below(mount.point.place, seen.whole)
        whole = below if mount.point.root == "/" else mount.point.root + below.rstrip("/")
        return (below and _below(mount.top.root, whole)) or seen.link

    def _mount(self, tid: int, number: int) -> Mounted | None:
        """Return a mount of this process, or of a task in another mount namespace whose root is the namespace's."""
        if number not in self._mounts:
            self._mounts = _mounted("self")
        if number not in self._mounts and link(tid, "root") == "/":
            self._mounts |= _mounted(tid)
        return self._mounts.get(number)


def _mounted(pid: int | str) -> dict[int, Mounted]:
    """Return the mounts, by number, of a process whose root is that of its mount namespace."""
    points = list(mounts(pid))
    tops = [one for one in points if one.place == "/"]
    return {one.id: Mounted(one, tops[-1]) for one in points} if tops else {}


def _below(place: str, path: str) -> str:
    """Return the part of a path behind a place, with its slash; empty if the path is not below it."""
    if place == "/" or path == place:
        return path if place == "/" else "/"
    return path[len(place) :] if path.startswith(place + "/") else ""


def file_of(seen: FdInfo, real: str | None = None) -> File:
    """Return the file of a descriptor that is no socket. `real`: from RealPaths."""
    kind, name = _kind(seen)
    real = (real or seen.link) if name and kind in ("file", "directory") else None
    return File(kind, name, "", real, 0, seen.dev, seen.ino)


def _kind(seen: FdInfo) -> tuple[str, str]:
    """Return `fd.type` and `fd.name`."""
    where = seen.link
    if where.startswith("/memfd:"):
        return "memfd", where.removeprefix("/memfd:")
    if where.startswith("/"):
        return ("directory" if stat.S_ISDIR(seen.mode) else "file"), where
    if stat.S_ISFIFO(seen.mode):
        return "pipe", ""
    return ANON_INODES.get(where.removeprefix("anon_inode:"), "unknown"), ""
