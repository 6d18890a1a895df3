"""seccomp filter (classic BPF): a traced program stops at the demanded calls, and at no other.

Layout of what it looks at: struct seccomp_data of linux/seccomp.h (number at 0, architecture at 4, arguments from 16).
"""

import struct
from collections.abc import Iterable
from typing import Final

from mozu.core.model.arch import MACHINE, Machine

_ALLOW: Final = 0x7FFF0000
_TRACE: Final = 0x7FF00000
_NOTIFY: Final = 0x7FC00000
HANDED_OVER: Final = 0x6D6F_7A75_6F70_656E
"""The sixth argument of an open that mozu does (injected_opens.py); no open has so many arguments."""
_SIXTH: Final = 16 + 8 * 5
DEMANDED: Final = 1
OTHER_ABI: Final = 2
"""SECCOMP_RET_DATA for the tracer: a demanded call, or a call of another ABI (32-bit, x32)."""
_LOAD, _EQUAL, _AT_LEAST, _JUMP, _RETURN = 0x20, 0x15, 0x35, 0x05, 0x06
_NEAR: Final = 255
"""The farthest that a conditional jump reaches: jt and jf have 8 bits. The offset of BPF_JA is `k`, with 32."""
_LEAF: Final = 8
"""Up to this number, syscall numbers are compared one by one; longer lists are halved by binary search."""

Instruction = tuple[int, int, int, int]
"""struct sock_filter: code, jt, jf, k."""


def build_filter(numbers: Iterable[int], machine: Machine = MACHINE, opens: Iterable[int] = ()) -> bytes:
    """The filter program for these syscall numbers of a kind of machine. `opens`: those of them that a listener is
    notified of where they are marked; other calls are decided by their numbers, which the kernel remembers."""
    further = [(_AT_LEAST, 0, 1, machine.other_abi_bit), (_RETURN, 0, 0, _TRACE | OTHER_ABI)]
    steps: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, machine.audit_arch),
        (_RETURN, 0, 0, _TRACE | OTHER_ABI),
        (_LOAD, 0, 0, 0),
        *(further if machine.other_abi_bit else ()),
        *_marked(sorted(set(opens))),
        *_search(sorted(set(numbers))),
    ]
    return b"".join(struct.pack("<HBBI", code, true, false, value) for code, true, false, value in steps)


def _marked(numbers: list[int]) -> list[Instruction]:
    if not numbers:
        return []
    low, high = HANDED_OVER & 0xFFFFFFFF, HANDED_OVER >> 32
    tests = [(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    return [
        *tests,
        (_JUMP, 0, 0, 6),
        (_LOAD, 0, 0, _SIXTH),
        (_EQUAL, 0, 3, low),
        (_LOAD, 0, 0, _SIXTH + 4),
        (_EQUAL, 0, 1, high),
        (_RETURN, 0, 0, _NOTIFY),
        (_RETURN, 0, 0, _TRACE | DEMANDED),
    ]


def _search(numbers: list[int]) -> list[Instruction]:
    if len(numbers) <= _LEAF:
        return _compare(numbers)
    middle = len(numbers) // 2
    low, high = _search(numbers[:middle]), _search(numbers[middle:])
    if len(low) > _NEAR:
        return [(_AT_LEAST, 0, 1, numbers[middle]), (_JUMP, 0, 0, len(low)), *low, *high]
    return [(_AT_LEAST, len(low), 0, numbers[middle]), *low, *high]


def _compare(numbers: list[int]) -> list[Instruction]:
    tests = [(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    return [*tests, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _TRACE | DEMANDED)]
