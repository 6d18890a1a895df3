"""Run a program below a seccomp filter that refuses bpf(2), as that of a container engine does.

Run as a file: `python tests/support/no_bpf.py PROGRAM ARGUMENT…`; as root.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Final

_BPF: Final = {"x86_64": 321, "aarch64": 280}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
"""BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K (linux/bpf_common.h)."""
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_PR_SET_SECCOMP, _FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def refuse(number: int) -> None:
    """Have the kernel answer EPERM to this call, for this process and all that it executes and starts."""
    steps = [(_LOAD, 0, 0, 0), (_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("<HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse(_BPF[platform.machine()])
    os.execvp(sys.argv[1], sys.argv[1:])
