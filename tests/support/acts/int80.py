"""32-bit system calls of a 64-bit process: `int 0x80`, with all data that arguments point to below 4 GiB."""

import ctypes
import os
import struct

from mozu.core.model.syscalls import call_number

_CODE = bytes.fromhex("5355 8b07 8b5f04 8b4f08 8b570c 8b7710 8b6f18 8b7f14 cd80 5d5b c3")
"""Save rbx and rbp; eax, ebx, ecx, edx, esi, ebp, edi from the array in rdi; int 0x80; restore; return."""
_PROT_ALL, _PRIVATE, _ANONYMOUS, _MAP_32BIT = 7, 2, 0x20, 0x40
_SIZE = 1 << 20
_MULTIPLEXED = {"sendto": 11, "sendmsg": 16, "sendmmsg": 20}
"""Call → its number in socketcall(2), from linux/net.h."""

Argument = int | str | bytes | None | list["Argument"]
"""An argument of a call: texts get a final NUL; a list is an array of words."""


class Arena:
    """Memory below 4 GiB, filled from its beginning; the machine code stands first."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        flags = _PRIVATE | _ANONYMOUS | _MAP_32BIT
        self.base: int = libc.mmap(None, ctypes.c_size_t(_SIZE), _PROT_ALL, flags, -1, ctypes.c_long(0))
        assert self.base < 1 << 32
        self._used = 0
        self._enter = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(self.put(_CODE))

    def put(self, data: bytes) -> int:
        """Copy the bytes into the arena; return their address."""
        at = self.base + self._used
        ctypes.memmove(at, data, len(data))
        self._used += len(data) + 15 & ~15
        assert self._used < _SIZE
        return at

    def word(self, argument: Argument) -> int:
        """Return an argument as a register holds it."""
        if argument is None:
            return 0
        if isinstance(argument, int):
            return argument & 0xFFFFFFFF
        if isinstance(argument, list):
            return self.put(struct.pack(f"<{len(argument)}I", *(self.word(one) for one in argument)))
        return self.put((os.fsencode(argument) if isinstance(argument, str) else argument) + b"\0")

    def call(self, number: int, *arguments: Argument) -> int:
        """Make a call; return the result, or -errno."""
        words = (number, *(self.word(argument) for argument in arguments), 0, 0, 0, 0, 0, 0)[:7]
        return int(self._enter(self.put(struct.pack("<7I", *words))))


def call(name: str, arguments: list[Argument], directory: str = "/") -> int:
    """Make a call by its 32-bit name; return the result, or -errno."""
    os.chdir(directory)
    number = call_number(name, "i386")
    assert number is not None, name
    return Arena().call(number, *arguments)


def message(port: int, parts: list[bytes]) -> int:
    """Call sendmsg through socketcall for a datagram in parts to a port of this machine; return the bytes sent."""
    arena = Arena()
    fd = arena.call(359, 2, 2, 0)
    vectors: list[Argument] = []
    for part in parts:
        vectors += [part, len(part)]
    return arena.call(102, 16, [fd, [_loopback(port), 16, vectors, len(parts), None, 0, 0], 0])


def datagram(port: int, name: str, *, multiplexed: bool = False) -> int:
    """Send a datagram to a port of this machine by sendto, sendmsg or sendmmsg; with `multiplexed`, through socketcall.

    Returns the result, or -errno.
    """
    arena = Arena()
    fd = arena.call(359, 2, 2, 0)
    header: list[Argument] = [_loopback(port), 16, [b"x", 1], 1, None, 0, 0, 0]  # struct compat_mmsghdr
    arguments: dict[str, list[Argument]] = {
        "sendto": [fd, b"x", 1, 0, _loopback(port), 16], "sendmsg": [fd, header, 0], "sendmmsg": [fd, header, 1, 0],
    }  # fmt: skip
    if multiplexed:
        return arena.call(102, _MULTIPLEXED[name], arguments[name])
    number = call_number(name, "i386")
    assert number is not None, name
    return arena.call(number, *arguments[name])


def _loopback(port: int) -> bytes:
    return struct.pack("<H", 2) + struct.pack(">H", port) + bytes([127, 0, 0, 1]) + bytes(8)


def connect(port: int) -> dict[str, int]:
    """Call socket and connect to a port of this machine; return the descriptor and the result."""
    arena = Arena()
    fd = arena.call(359, 2, 1, 0)
    return {"fd": fd, "result": arena.call(362, fd, _loopback(port), 16)}


def connect_multiplexed(port: int) -> dict[str, int]:
    """Do the same as `connect` through socketcall."""
    arena = Arena()
    fd = arena.call(102, 1, [2, 1, 0])
    return {"fd": fd, "result": arena.call(102, 3, [fd, _loopback(port), 16])}
