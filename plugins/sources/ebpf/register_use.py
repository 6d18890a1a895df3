"""Registers that eBPF code reads and writes. Sets of registers are numbers: bit n is register n."""

from typing import Final

from mozu.plugins.sources.ebpf.relocatable import CALL, EXIT, INSTRUCTION, LOAD_64, is_jump, operations

_CLASS, _LOAD, _STORE, _STORE_REGISTER, _ARITHMETIC = 0x07, 1, 2, 3, (4, 7)
"""BPF_CLASS: BPF_LDX, BPF_ST, BPF_STX, BPF_ALU and BPF_ALU64."""
_BY_REGISTER: Final = 0x08
"""BPF_X of arithmetic and jumps: the operand is a register."""
_OPERATION, _MOVE = 0xF0, 0xB0
_MODE, _ATOMIC, _FETCHES = 0xE0, 0xC0, 1
"""BPF_MODE, BPF_ATOMIC of a store, and in its immediate BPF_FETCH, with which it writes its source."""
_ALWAYS: Final = 0x05
"""BPF_JMP | BPF_JA."""


def written(code: bytes) -> int:
    """Return the registers that some instruction writes, except those that calls overwrite."""
    found = 0
    for _, operation, registers, _, immediate in operations(code):
        found |= _effects(operation, registers, immediate)[1]
    return found


def read_later(code: bytes) -> list[int]:
    """Return for each instruction the registers that may be read, by it or behind it, before they are written."""
    end = len(code) // INSTRUCTION.size
    """Index behind an exit, where no register is needed."""
    steps = []
    for at, operation, registers, offset, immediate in operations(code):
        following = end if operation in (EXIT, _ALWAYS) else at + 2 if operation == LOAD_64 else at + 1
        target = at + 1 + offset if is_jump(operation) else end
        steps.append((at, following, target, *_effects(operation, registers, immediate)))
    steps.reverse()
    found = [0] * (end + 1)
    changes = True
    while changes:
        changes = False
        for at, following, target, reads, writes in steps:
            needed = (found[following] | found[target]) & ~writes | reads
            if needed != found[at]:
                found[at] = needed
                changes = True
    return found


def _effects(operation: int, registers: int, immediate: int) -> tuple[int, int]:
    """Return the registers that an instruction reads, and those that it writes."""
    kind, destination, source = operation & _CLASS, 1 << (registers & 0xF), 1 << (registers >> 4)
    if operation in (CALL, EXIT, _ALWAYS):
        return 0, 0
    if operation == LOAD_64:
        return 0, destination
    if kind == _LOAD:
        return source, destination
    if kind == _STORE:
        return destination, 0
    if kind == _STORE_REGISTER:
        fetches = operation & _MODE == _ATOMIC and immediate & _FETCHES
        return destination | source, source if fetches else 0
    by = source if operation & _BY_REGISTER else 0
    if kind not in _ARITHMETIC:
        return destination | by, 0
    return (by if operation & _OPERATION == _MOVE else destination | by), destination
