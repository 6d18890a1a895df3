"""A stat(2) that asks no server: the kernel's knowledge of a file, even if its file system does not answer.

A program, or an open file, of another process may be on a file system that an ordinary user serves (FUSE), or whose
server is gone (NFS). stat(2) through a link of /proc/PID then waits for the server, uninterruptibly. statx(2) with
AT_STATX_DONT_SYNC takes the attributes that the kernel has (fuse_update_attributes, nfs_getattr), and following such a
link needs no look-up of names.
"""

import ctypes
import os
import struct
from typing import Final, NamedTuple

_AT_FDCWD: Final = -100
_FLAGS: Final = 0x0800 | 0x4000
"""Flags AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC of linux/fcntl.h."""
_BASIC: Final = 0x7FF
"""Mask STATX_BASIC_STATS of linux/stat.h."""
_STATX: Final = struct.Struct("=IIQIIIH2xQQQQ32xqI4xqI4x8xII")
"""The struct statx of linux/stat.h, up to the device; without access and birth times and the device of a device
file."""

_libc: Final = ctypes.PyDLL(None, use_errno=True)
"""The libc, called with the interpreter's lock held: the call does not block."""


class FileStatus(NamedTuple):
    """The attributes of a file as in `os.stat`; times in ns since the epoch."""

    mode: int
    ino: int
    dev: int
    uid: int
    gid: int
    size: int
    ctime: int
    mtime: int


def unsynced_stat(path: str) -> FileStatus:
    """Return the kernel's knowledge of the file that a link of /proc (`/proc/PID/exe`, `/proc/PID/fd/3`) leads to.

    Raises OSError.
    """
    found = ctypes.create_string_buffer(256)
    if _libc.statx(_AT_FDCWD, os.fsencode(path), _FLAGS, _BASIC, found):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    _, _, _, _, uid, gid, mode, ino, size, _, _, ctime, ctime_ns, mtime, mtime_ns, major, minor = _STATX.unpack_from(
        found
    )
    times = ctime * 1_000_000_000 + ctime_ns, mtime * 1_000_000_000 + mtime_ns
    return FileStatus(mode, ino, os.makedev(major, minor), uid, gid, size, *times)
