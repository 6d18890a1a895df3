"""The refusals of the kernel's verifier for a kernel filter, on every path through it, without a kernel.

The model follows which registers and which bytes of the frame have been written on every path to an instruction. It
does not follow bounds of pointers: `bpf_machine` finds an access outside of memory in the runs that it makes.
"""

import functools
from collections.abc import Iterator
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, LOAD_64, RelocatableCode, Symbol

SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
"""Bytes of a load or store, by the width in its code."""
CALL, EXIT, JUMP, EXCHANGE = 0x85, 0x95, 0x05, 0xDB
RARELY: Final = 0xE5
"""Code of the jump may_goto."""
MOVE: Final = 0xB0
SHIFTS: Final = frozenset((0x60, 0x70))
LOOK_UP, TAIL_CALL = 1, 12
"""Numbers of helpers."""
READ_BY_HELPERS: Final = {LOOK_UP: (1, 2), TAIL_CALL: (1, 2, 3)}
FRAME_SIZE: Final = 512
KEPT: Final = 40
"""Bytes of the frame that subprograms do not change."""
FRAME: Final = 10


class Refused(AssertionError):
    """A program that the kernel would not load."""


class Step(NamedTuple):
    """An instruction."""

    at: int
    code: int
    to: int
    source: int
    offset: int
    immediate: int
    symbol: str
    """The subprogram that is called; empty if none is."""

    @property
    def next(self) -> int:
        """Return the position of the instruction behind this one."""
        return self.at + (2 if self.code == LOAD_64 else 1)

    @property
    def kind(self) -> int:
        """Return the class of the instruction: 1 load, 2 and 3 store, 5 and 6 jump, 7 arithmetic."""
        return self.code & 7

    @property
    def is_branch(self) -> bool:
        """Return True if the program may go on elsewhere."""
        return self.kind in (5, 6) and self.code not in (CALL, EXIT)

    def ways(self) -> Iterator[int]:
        """Yield the positions at which the program may go on."""
        if self.code != EXIT and self.code != JUMP:
            yield self.next
        if self.is_branch:
            yield self.next + self.offset

    def read(self) -> set[int]:
        """Return the registers that the instruction reads."""
        if self.code == LOAD_64 or self.code in (JUMP, RARELY):
            return set()
        if self.code == EXIT:
            return {0}
        if self.code == CALL:
            return {1} if self.symbol else set(READ_BY_HELPERS[self.immediate])
        if self.kind == 1:
            return {self.source}
        if self.kind == 2:
            return {self.to}
        if self.kind == 3:
            return {self.to, self.source}
        operands = {self.source} if self.code & 8 else set()
        return operands if self.kind == 7 and self.code & 0xF0 == MOVE else operands | {self.to}

    def written(self) -> set[int]:
        """Return the registers that the instruction writes."""
        if self.code == CALL:
            return {0}
        if self.code == EXCHANGE:
            return {self.source}
        return {self.to} if self.code == LOAD_64 or self.kind in (1, 7) else set()

    def lost(self) -> set[int]:
        """Return the registers that a call makes unreadable."""
        return set() if self.code != CALL else set(range(1, 10 if self.symbol else 6))


class _Known(NamedTuple):
    """The registers and bytes of the frame that are surely written before an instruction, a bit each."""

    registers: int
    frame: int

    def with_other(self, other: "_Known") -> "_Known":
        """Return what is written on both paths."""
        return _Known(self.registers & other.registers, self.frame & other.frame)


@functools.lru_cache(maxsize=64)
def steps_of(code: RelocatableCode) -> dict[int, Step]:
    """Return the instructions of a program by position. Raises Refused."""
    found = dict(_steps(code))
    before = {0: _Known(1 << 1 | 1 << FRAME, 0)}
    waiting = [0]
    while waiting:
        at = waiting.pop()
        step = found[at]
        after = _after(step, before[at])
        for following in step.ways():
            if following not in found:
                raise Refused(f"{at}: goes on at {following}, where no instruction begins")
            known = after if following not in before else after.with_other(before[following])
            if before.get(following) != known:
                before[following] = known
                waiting.append(following)
    if unreached := found.keys() - before.keys():
        raise Refused(f"{min(unreached)}: unreachable")
    return found


def _steps(code: RelocatableCode) -> Iterator[tuple[int, Step]]:
    symbols = {one.at: one for one in code.relocations}
    at = 0
    while at < len(code.instructions) // INSTRUCTION.size:
        operation, pair, offset, immediate = INSTRUCTION.unpack_from(code.instructions, at * INSTRUCTION.size)
        symbol = symbols.pop(at, None)
        if symbol is not None and operation != (CALL if symbol.kind is Symbol.SUBPROGRAM else LOAD_64):
            raise Refused(f"{at}: is no place for {symbol.name}")
        subprogram = symbol.name if symbol is not None and symbol.kind is Symbol.SUBPROGRAM else ""
        step = Step(at, operation, pair & 15, pair >> 4, offset, immediate, subprogram)
        yield at, step
        at = step.next
    if symbols:
        raise Refused(f"{min(symbols)}: no instruction begins there, and {symbols[min(symbols)].name} belongs there")


def _after(step: Step, known: _Known) -> _Known:
    registers, frame = known
    for register in step.read():
        if not registers >> register & 1:
            raise Refused(f"{step.at}: reads R{register}, which is not written on every way there")
    if FRAME in step.written():
        raise Refused(f"{step.at}: writes the frame pointer")
    if step.kind == 7 and step.code & 0xF0 in SHIFTS and not step.code & 8 and not 0 <= step.immediate < 64:
        raise Refused(f"{step.at}: shifts by {step.immediate}")
    base = step.source if step.kind == 1 else step.to if step.kind in (2, 3) else None
    if base == FRAME:
        touched = _in_frame(step)
        if step.kind == 1 and touched & ~frame:
            raise Refused(f"{step.at}: reads bytes of the frame that are not written on every way there")
        if step.kind in (2, 3):
            frame |= touched
    for register in step.lost():
        registers &= ~(1 << register)
    if step.symbol:
        frame &= (1 << KEPT) - 1
    for register in step.written():
        registers |= 1 << register
    return _Known(registers, frame)


def _in_frame(step: Step) -> int:
    """Return the bytes of the frame that a load or store touches, a bit each. Raises Refused."""
    size = SIZES[step.code & 0x18]
    place = FRAME_SIZE + step.offset
    if not 0 <= place <= FRAME_SIZE - size or place % size:
        raise Refused(f"{step.at}: {size} bytes at {step.offset} of the frame")
    return ((1 << size) - 1) << place
