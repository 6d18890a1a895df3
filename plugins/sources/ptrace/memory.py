"""Memory of a stopped task: process_vm_readv, or if a sandbox forbids that, /proc/TID/mem.

The seccomp profile of docker 20.10 is such a sandbox: it allows ptrace, and not process_vm_readv.
"""

import ctypes
import errno
import os
import struct
from typing import Final

from mozu.core.abi.limits import TEXT_MAX

_short = ctypes.PyDLL(None, use_errno=True)
_readv = _short.process_vm_readv
_readv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
_readv.restype = ctypes.c_ssize_t
_PAGE: Final = 4096
_SIZE: Final = 1 << 16

_buffer = ctypes.create_string_buffer(_SIZE)
_view = memoryview(_buffer)
_vectors = ctypes.create_string_buffer(32)
_local = ctypes.c_void_p(ctypes.addressof(_vectors))
_remote = ctypes.c_void_p(ctypes.addressof(_vectors) + 16)
_pack = struct.Struct("<QQQQ").pack_into
_ADDRESS: Final = ctypes.addressof(_buffer)
_TOP: Final = 1 << 64


def _read(tid: int, address: int, length: int) -> int:
    """Fill the buffer; return the number of bytes read, 0 if none can be."""
    if not address or address + length >= _TOP:
        return 0
    _pack(_vectors, 0, _ADDRESS, length, address, length)
    got = int(_readv(tid, _local, 1, _remote, 1, 0))
    if got < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
        return _read_file(tid, address, length)
    return max(0, got)


def _read_file(tid: int, address: int, length: int) -> int:
    try:
        descriptor = os.open(f"/proc/{tid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return os.preadv(descriptor, [_view[:length]], address)
    except (OSError, OverflowError):  # nothing there; beyond what an offset can say
        return 0
    finally:
        os.close(descriptor)


def data(tid: int, address: int, length: int) -> bytes:
    """Return exactly `length` bytes (at most 64 KiB), or none at all."""
    length = min(length, _SIZE)
    return bytes(_view[:length]) if length > 0 and _read(tid, address, length) == length else b""


def text(tid: int, address: int) -> bytes:
    """Return a string up to its NUL, at most TEXT_MAX bytes; empty if nothing can be read."""
    whole = b""
    while len(whole) < TEXT_MAX:
        step = min(_PAGE - (address & _PAGE - 1), TEXT_MAX - len(whole))
        got = _read(tid, address, step)
        part, end, _ = bytes(_view[:got]).partition(b"\0")
        whole += part
        if end or got < step:
            break
        address += step
    return whole


def string_array(tid: int, address: int, most: int) -> list[bytes]:
    """Return the strings of a NULL-terminated array of pointers (argv), at most `most`."""
    found: list[bytes] = []
    for place in range(most):
        raw = data(tid, address + 8 * place, 8)
        pointer = int.from_bytes(raw, "little")
        if not pointer:
            break
        found.append(text(tid, pointer))
    return found
