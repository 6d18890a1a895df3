"""Disk space of a spool, allocated in advance: on a full disk acknowledged alerts can still be deleted.

A DELETE writes pages to the WAL, and the checkpoint writes them to the database. Neither may need new blocks then:

* The WAL file is preallocated, and `journal_size_limit` does not truncate it below that. SQLite treats a WAL of zeros
  as an empty one (walIndexRecover reads no magic number).
* Before pages are added to the database, blocks behind its end are preallocated with FALLOC_FL_KEEP_SIZE: the
  checkpoint that writes the pages finds them. A completed checkpoint releases the surplus.
* On file systems where overwriting needs new blocks (btrfs), the files are marked FS_NOCOW_FL, and the spool keeps the
  lock on its file (`locking_mode = EXCLUSIVE`): the memory-mapped -shm file would end the process with SIGBUS on a
  full btrfs.
"""

import ctypes
import errno
import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 4_096
WAL_BYTES: Final = 4 << 20
"""A transaction of 2,000 alerts of 600 bytes takes 1.5 MB of the WAL; the checkpoint comes after each 1 MB."""
_STEP: Final = 1 << 20
_OVERFLOW: Final = 900
"""Bytes of a row beyond which it may take overflow pages of its own (a quarter of a page stays on the leaf)."""
_KEEP_SIZE: Final = 1
"""FALLOC_FL_KEEP_SIZE of linux/falloc.h."""
_SET_FLAGS: Final = 0x40086602
"""FS_IOC_SETFLAGS of linux/fs.h."""
_NOCOW: Final = 0x00800000
"""FS_NOCOW_FL of linux/fs.h; only an empty file takes it."""
_BTRFS_MAGIC: Final = 0x9123683E
"""BTRFS_SUPER_MAGIC of linux/magic.h."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


def pages_of(size: int) -> float:
    """Return the most pages that a row of this size takes."""
    return size / PAGE_BYTES * 1.5 if size < _OVERFLOW else size // PAGE_BYTES + 2


def is_copy_on_write(folder: Path) -> bool:
    """Return True if overwriting a file of this folder may need new blocks."""
    buffer = ctypes.create_string_buffer(256)
    if _libc.statfs(os.fsencode(folder), buffer) != 0:
        return False
    return bool(struct.unpack_from("@l", buffer)[0] == _BTRFS_MAGIC)


def forbid_copy_on_write(path: Path) -> None:
    """Mark an empty file as not copied on write, creating it for its owner only if it is missing; file systems without
    the flag ignore it."""
    fd = os.open(path, os.O_CREAT | os.O_RDONLY, 0o600)
    try:
        with suppress(OSError):
            fcntl.ioctl(fd, _SET_FLAGS, struct.pack("@l", _NOCOW))
    finally:
        os.close(fd)


def preallocate_wal(path: Path) -> bool:
    """Allocate blocks for the WAL of this database; return False if the disk has no space now."""
    fd = os.open(path.with_name(path.name + "-wal"), os.O_RDWR)
    try:
        return _allocate(fd, 0, WAL_BYTES, keep_size=False) == 0
    finally:
        os.close(fd)


def preallocate(fd: int, end: int, size: int) -> int:
    """Allocate blocks for at least `size` bytes from byte `end` of the database on. Return 0, or the number of the
    error.

    The descriptor must stay open as long as SQLite has the file open: close(2) of any descriptor of a file drops all
    locks (fcntl) of the process on it, and another process that opens the spool would then delete the WAL.
    """
    if _allocate(fd, end, max(size, _STEP), keep_size=True) == 0:
        return 0
    return _allocate(fd, end, size, keep_size=True)


def _allocate(fd: int, offset: int, size: int, *, keep_size: bool) -> int:
    if keep_size:
        failed = _libc.fallocate(fd, _KEEP_SIZE, ctypes.c_long(offset), ctypes.c_long(size)) != 0
        number = ctypes.get_errno() if failed else 0
    else:
        try:
            os.posix_fallocate(fd, offset, size)
            number = 0
        except OSError as error:
            number = error.errno or errno.EIO
    return 0 if number in (errno.EOPNOTSUPP, errno.ENOSYS) else number  # without fallocate SQLite finds out by itself
