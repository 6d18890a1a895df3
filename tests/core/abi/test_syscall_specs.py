"""Specs of system calls: operands, argument layouts, families."""

import pytest

from mozu.core.abi.operands import parse_memory_operand
from mozu.core.abi.spec import (
    FIRST_EVENT,
    NO_ARGUMENT,
    NO_FD,
    NOT_A_PATH,
    POINTED,
    RESULT,
    ArgLayout,
    MemoryBlock,
)
from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS
from mozu.core.abi.syscall_tables import FAMILIES, KERNEL_EVENTS, NUMBERS_END, TRACEPOINT_EVENTS
from mozu.core.model.syscalls import call_number, event_type

OWN_CODE = {"clone", "exec", "exit", "fork", "open"}
"""Families whose parameters have no operands."""

LAYOUTS = {
    "close": ArgLayout(fd=0),
    "openat": ArgLayout(),
    "socket": ArgLayout(fd=RESULT),
    "getuid": ArgLayout(fd=NO_FD),
    "splice": ArgLayout(fd=2),
    "connect": ArgLayout(fd=0, address=1),
    "read": ArgLayout(fd=0, data=1, incoming=True),
    "write": ArgLayout(fd=0, data=1),
    "readv": ArgLayout(fd=0, vectors=1, incoming=True),
    "unlink": ArgLayout(fd=NO_FD, text=0, dir=NO_ARGUMENT),
    "unlinkat": ArgLayout(fd=0, text=1, dir=0),
    "renameat": ArgLayout(fd=0, text=1, dir=0, text2=3, dir2=2),
    "symlink": ArgLayout(fd=NO_FD, text=0, dir=NOT_A_PATH, text2=1, dir2=NO_ARGUMENT),
    "getsockopt": ArgLayout(fd=0, blocks=(MemoryBlock(3, POINTED, True), MemoryBlock(4, 4, True))),
    "poll": ArgLayout(fd=NO_FD, blocks=(MemoryBlock(0, -8, True),)),
    "pipe2": ArgLayout(blocks=(MemoryBlock(0, 8, True),)),
    "prlimit": ArgLayout(fd=NO_FD, blocks=(MemoryBlock(2, 16), MemoryBlock(3, 16, True))),
}


@pytest.mark.parametrize("name", sorted(SYSCALL_SPECS))
def test_every_parameter_has_an_operand(name: str) -> None:
    spec, declared = SYSCALL_SPECS[name], event_type(name)

    params = () if declared is None else declared.params
    assert len(spec.operands) == (0 if spec.family in OWN_CODE else len(params))


@pytest.mark.parametrize("name", sorted(SYSCALL_SPECS))
def test_every_memory_operand_lies_in_a_block_of_the_layout(name: str) -> None:
    spec, declared = SYSCALL_SPECS[name], event_type(name)
    params = () if declared is None or not spec.operands else declared.params

    for param, operand in zip(params, spec.operands, strict=True):
        memory = parse_memory_operand(param, operand)
        if memory is not None:
            sizes = [block.size for block in spec.layout.blocks if block.argument == memory.argument]
            reach = memory.offset + memory.size
            assert memory.size in sizes or any(size >= reach or size < -1 for size in sizes), (operand, sizes)


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_argument_layout_follows_from_parameters_and_operands(name: str) -> None:
    assert SYSCALL_SPECS[name].layout == LAYOUTS[name]


def test_numbers_of_calls_are_the_kernel_s() -> None:
    assert (SYSCALL_SPECS["read"].number, SYSCALL_SPECS["pread"].number) == (0, call_number("pread64"))
    numbers = [spec.number for spec in SYSCALL_SPECS.values()]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < NUMBERS_END


def test_what_is_no_call_is_numbered_behind_all_calls() -> None:
    assert {spec.name for spec in SYSCALL_SPECS.values() if not spec.is_syscall} == KERNEL_EVENTS.keys()
    assert all(spec.number < FIRST_EVENT for spec in SYSCALL_SPECS.values() if spec.name not in KERNEL_EVENTS)


def test_a_call_is_of_one_family() -> None:
    names = [name for table in FAMILIES.values() for name in table]

    assert sorted(names) == sorted(set(names))


def test_plain_reads_and_frequent_events_are_no_default() -> None:
    assert not DEFAULT_TYPES & (TRACEPOINT_EVENTS | {"read", "write", "pread", "writev"})
    assert {"openat", "execve", "connect", "procexit"} <= DEFAULT_TYPES
