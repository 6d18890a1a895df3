"""Executables that mozu holds open, so that their numbers are not reused.

A file is identified by device and inode, and both are reused: the inode of a deleted file, the device of an unmounted
file system in memory. A descriptor of O_PATH reserves both, without reading or locking anything.

Programs in the kernel see `s_dev` of the superblock and `i_ino`. stat(2) returns the same except on btrfs (a device for
each subvolume) and overlayfs (perhaps the numbers of a layer); /proc/PID/mountinfo (`show_mountinfo` of
fs/proc_namespace.c) and, since Linux 5.14, /proc/PID/fdinfo (`ino`, `seq_show` of fs/proc/fd.c) have the kernel's own.
"""

import os
import stat
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mozu.core.common.mounts import mounts

Identity = tuple[int, int]
"""Device and inode, of stat(2) or of the kernel."""
_MINOR_BITS: Final = 20
"""MINORBITS of linux/kdev_t.h."""


class HeldExecutable:
    """An open file that only root can have put in its place."""

    def __init__(self, path: str, devices: Mapping[int, int], fdinfo: Path = Path("/proc/self/fdinfo")) -> None:
        """Open the file; `devices` are the kernel's, by mount ids. Raises OSError, and ValueError if another user could
        have put the file there."""
        self.path = path
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        weakref.finalize(self, os.close, descriptor)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise ValueError(f"{path} is no regular file that only root may write")
        self.identity: Identity = found.st_dev, found.st_ino
        """The device number as stat(2) returns it."""
        self.in_kernel = identity_in_kernel(fdinfo / str(descriptor), devices, found.st_ino)
        """Device and inode as programs in the kernel see them; None if unknown: the kernel then spares no process by
        this file."""


def held_executables(paths: Iterable[str]) -> list[HeldExecutable]:
    """Return those of these files that exist and that only root can have put there."""
    devices = devices_of_mounts()
    found = []
    for path in paths:
        try:
            found.append(HeldExecutable(path, devices))
        except (OSError, ValueError):
            continue
    return found


def devices_of_mounts() -> dict[int, int]:
    """Return the device of the file system of each mount that mozu sees, as the kernel stores it, by mount id."""
    return {one.id: _number(one.device) for one in mounts()}


def identity_in_kernel(fdinfo: Path, devices: Mapping[int, int], inode: int) -> Identity | None:
    """Return `s_dev` and `i_ino` of an open file, from its entry of /proc/self/fdinfo; None if the mount is unknown.

    `inode`: from stat(2), for kernels whose fdinfo has none.
    """
    try:
        lines = dict(line.split(":", 1) for line in fdinfo.read_text().splitlines() if ":" in line)
    except OSError:
        return None
    device = devices.get(int(lines.get("mnt_id", "-1")))
    return None if device is None else (device, int(lines.get("ino", inode)))


def _number(device: str) -> int:
    """Return the number of a device written as `254:0`, as the kernel stores it (dev_t)."""
    major, _, minor = device.partition(":")
    return int(major) << _MINOR_BITS | int(minor)
