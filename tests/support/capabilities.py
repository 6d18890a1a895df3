"""Run a program as an ordinary user with chosen capabilities, kept over execve (ambient).

Run as a file: `python -m tests.support.capabilities USER CAP_BPF,CAP_PERFMON PROGRAM ARGUMENT…`; as root.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from typing import Final

from mozu.core.common.linux_capabilities import NUMBERS

_PR_SET_KEEPCAPS: Final = 8
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_VERSION_3: Final = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def become(user: int, names: Iterable[str]) -> None:
    """Make this process one of that user, with these capabilities and no others."""
    numbers = [NUMBERS[name] for name in names if name]
    os.setgroups([])
    os.setresgid(user, user, user)
    _call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(user, user, user)
    bits = sum(1 << number for number in numbers)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    header = ctypes.create_string_buffer(struct.pack("<Ii", _VERSION_3, 0))
    data = ctypes.create_string_buffer(struct.pack("<6I", low, low, low, high, high, high))
    if _libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")
    for number in numbers:
        _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0)


def _call(name: str, *arguments: int) -> None:
    if getattr(_libc, name)(*(ctypes.c_ulong(value) for value in arguments)):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2].split(","))
    os.execvp(sys.argv[3], sys.argv[3:])
