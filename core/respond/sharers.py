"""Processes that share the table of descriptors of another: kcmp(2) with KCMP_FILES tells."""

import ctypes
from collections.abc import Iterable, Iterator
from typing import Final

_KCMP: Final = 312
"""Its number on x86-64."""
_KCMP_FILES: Final = 2
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def share_files(one: int, other: int) -> bool:
    """False also where that may not be asked (CAP_SYS_PTRACE), or the kernel has no kcmp."""
    return bool(_LIBC.syscall(_KCMP, one, other, _KCMP_FILES, 0, 0) == 0)


def sharers(pid: int, pids: Iterable[int]) -> Iterator[int]:
    """Those of `pids` that share it, without itself."""
    return (other for other in pids if other != pid and share_files(pid, other))
