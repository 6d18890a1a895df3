"""The seccomp filter of traced programs, run by an interpreter of classic BPF."""

import random
import struct
from collections.abc import Iterable

import pytest

from mozu.core.model.arch import AARCH64, MACHINES, X86_64, Machine
from mozu.core.model.arch.numbers import aarch64, x86_64
from mozu.core.model.syscalls.runs import spread
from mozu.plugins.sources.ptrace.seccomp import DEMANDED, HANDED_OVER, OTHER_ABI, build_filter

ALLOW, TRACE, NOTIFY = 0x7FFF0000, 0x7FF00000, 0x7FC00000
MAX_INSTRUCTIONS = 4096
"""Value of BPF_MAXINSNS."""


def verdict(program: bytes, number: int, architecture: int, sixth: int = 0) -> int:
    """Return the value that the filter returns in the kernel."""
    steps = list(struct.iter_unpack("<HBBI", program))
    assert len(steps) <= MAX_INSTRUCTIONS
    at, accumulator = 0, 0
    while True:
        code, true, false, value = steps[at]
        at += 1
        match code:
            case 0x20:
                accumulator = {0: number, 4: architecture, 56: sixth & 0xFFFFFFFF, 60: sixth >> 32}[value]
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


def demanded(machine: Machine, numbers: Iterable[int], limit: int) -> list[int]:
    program = build_filter(numbers, machine)
    found = {number: verdict(program, number, machine.audit_arch) for number in range(limit)}
    assert set(found.values()) <= {ALLOW, TRACE | DEMANDED}
    return [number for number, value in found.items() if value != ALLOW]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("total", [0, 1, 8, 9, 100, 250, 460, 1000])
def test_programs_stop_at_the_demanded_calls_and_at_no_other(total: int, machine: Machine) -> None:
    numbers = sorted(random.Random(total).sample(range(1200), total))
    assert demanded(machine, numbers, 1300) == numbers


@pytest.mark.parametrize(("machine", "calls"), [(X86_64, x86_64.CALLS), (AARCH64, aarch64.CALLS)])
def test_all_calls_of_the_table_fit_into_one_filter(machine: Machine, calls: dict[int, str]) -> None:
    assert demanded(machine, spread(calls), 600) == sorted(spread(calls))


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_32_bit_calls_stop_always(machine: Machine) -> None:
    program = build_filter((), machine)
    assert verdict(program, 1, machine.compat_audit_arch) == TRACE | OTHER_ABI


def test_calls_of_x32_stop_always() -> None:
    program = build_filter(range(450), X86_64)
    assert verdict(program, X86_64.other_abi_bit | 1, X86_64.audit_arch) == TRACE | OTHER_ABI


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize(
    ("sixth", "expected"),
    [
        (HANDED_OVER, NOTIFY),
        (0, TRACE | DEMANDED),
        (HANDED_OVER & 0xFFFFFFFF, TRACE | DEMANDED),
        (HANDED_OVER & ~0xFFFFFFFF, TRACE | DEMANDED),
    ],
)
def test_a_listener_is_notified_of_marked_opens_alone(sixth: int, expected: int, machine: Machine) -> None:
    program = build_filter([2, 57, 85, 257], machine, [2, 85, 257])
    found = {number: verdict(program, number, machine.audit_arch, sixth) for number in range(300)}
    others = {57: TRACE | DEMANDED}
    assert dict.fromkeys(range(300), ALLOW) | others | dict.fromkeys((2, 85, 257), expected) == found
