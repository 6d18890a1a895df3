"""openat2(2) below a directory that may be hostile: the root of a container, or of another process."""

import ctypes
import os
from typing import Final

_SYS_OPENAT2: Final = 437
"""Number of openat2, equal on every architecture (asm-generic/unistd.h)."""
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_IN_ROOT: Final = 0x10
_RESOLVE_CACHED: Final = 0x20
"""linux/openat2.h; since Linux 5.12."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_in_root(root: int, path: str, *, only_cached: bool = False) -> int:
    """Return a descriptor (O_PATH) of what a path leads to below the directory descriptor `root`.

    Absolute links and `..` end inside the root (RESOLVE_IN_ROOT). With `only_cached` no file system is asked: what the
    kernel does not know by itself is a BlockingIOError. Raises OSError.
    """
    resolve = _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS | (_RESOLVE_CACHED if only_cached else 0)
    how = _OpenHow(os.O_PATH | os.O_CLOEXEC, 0, resolve)
    descriptor: int = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(root),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return descriptor
