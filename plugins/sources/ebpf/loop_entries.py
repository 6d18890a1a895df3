"""Loops in the form that kernels before Linux 6.8 require: a round ends with a jump.

Their verifier accepts a step back to an instruction that it has passed only from a jump (check_cfg and push_insn of
kernel/bpf/verifier.c, loop_ok). Compilers also lay loops out so that the first round jumps into the middle, and later
ones get there from the instruction before it, which is refused ("back-edge from insn"). A jump to the next instruction,
inserted between the two, makes it one; kernels leave out such jumps when they translate a program.
"""

from itertools import accumulate
from typing import Final

from mozu.plugins.sources.ebpf.relocatable import EXIT, INSTRUCTION, RelocatableCode, is_jump, jumps, operations

_NEXT: Final = INSTRUCTION.pack(0x05, 0, 0, 0)
"""BPF_JMP | BPF_JA: a jump to the next instruction."""


def reached_by_jumps(code: RelocatableCode) -> RelocatableCode:
    """Return the program with such jumps inserted. Raises struct.error if a jump would reach too far."""
    length = len(code.instructions) // INSTRUCTION.size
    targets = jumps(code.instructions)
    entries = _entries(code, targets, length)
    if not entries:
        return code
    moved = list(accumulate((at in entries for at in range(length + 1)), initial=0))[1:]
    text = bytearray()
    for at in range(length):
        if at in entries:
            text += _NEXT
        operation, registers, offset, immediate = INSTRUCTION.unpack_from(code.instructions, at * INSTRUCTION.size)
        if at in targets:
            offset += moved[targets[at]] - moved[at]
        text += INSTRUCTION.pack(operation, registers, offset, immediate)
    relocations = tuple(one._replace(at=one.at + moved[one.at]) for one in code.relocations)
    return code._replace(instructions=bytes(text), relocations=relocations)


def _entries(code: RelocatableCode, reached: dict[int, int], length: int) -> set[int]:
    """Return the instructions inside a loop that are reached by a jump and from the one before."""
    changes = [0] * (length + 1)
    for at, target in reached.items():
        if target <= at:
            changes[target + 1] += 1
            changes[at + 1] -= 1
    inside = list(accumulate(changes))
    """Number of loops that contain each instruction, other than as their first."""
    targets = set(reached.values())
    found, ends = set(), True
    for at, operation, *_ in operations(code.instructions):
        if at in targets and inside[at] and not ends:
            found.add(at)
        ends = is_jump(operation) or operation == EXIT
    return found
