"""The seccomp filter of traced programs, run by an interpreter of classic BPF."""

import random
import struct
from collections.abc import Iterable

import pytest

from mozu.core.model.syscalls.call_numbers import X86_64
from mozu.plugins.sources.ptrace.native import ARCH_X86_64, X32
from mozu.plugins.sources.ptrace.seccomp import DEMANDED, OTHER_ABI, build_filter

ALLOW, TRACE = 0x7FFF0000, 0x7FF00000
MAX_INSTRUCTIONS = 4096
"""BPF_MAXINSNS."""


def verdict(program: bytes, number: int, architecture: int = ARCH_X86_64) -> int:
    """What the kernel would make of it: the filter's return value."""
    steps = list(struct.iter_unpack("<HBBI", program))
    assert len(steps) <= MAX_INSTRUCTIONS
    at, accumulator = 0, 0
    while True:
        code, true, false, value = steps[at]
        at += 1
        match code:
            case 0x20:
                accumulator = {0: number, 4: architecture}[value]
            case 0x15:
                at += true if accumulator == value else false
            case 0x35:
                at += true if accumulator >= value else false
            case 0x05:
                at += value
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


def demanded(numbers: Iterable[int], limit: int) -> list[int]:
    program = build_filter(numbers)
    found = {number: verdict(program, number) for number in range(limit)}
    assert set(found.values()) <= {ALLOW, TRACE | DEMANDED}
    return [number for number, value in found.items() if value != ALLOW]


@pytest.mark.parametrize("total", [0, 1, 8, 9, 100, 250, 460, 1000])
def test_programs_stop_at_the_demanded_calls_and_at_no_other(total: int) -> None:
    numbers = sorted(random.Random(total).sample(range(1200), total))
    assert demanded(numbers, 1300) == numbers


def test_all_calls_of_the_table_fit_into_one_filter() -> None:
    assert demanded(X86_64, 600) == sorted(X86_64)


def test_calls_of_other_abis_stop_always() -> None:
    program = build_filter(range(450))
    assert verdict(program, X32 | 1) == TRACE | OTHER_ABI
    assert verdict(program, 1, architecture=0x40000003) == TRACE | OTHER_ABI
