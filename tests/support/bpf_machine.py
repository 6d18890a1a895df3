"""Runs eBPF instructions in Python, as far as kernel filters use them, to see their decisions without a kernel.

A program that the kernel would refuse is not run (`bpf_verifier`). A run fails if it reads or writes outside of the
frame and the maps, reads a map's value before it was compared with null, or does not end.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, LOAD_64, RelocatableCode, Symbol
from tests.support.bpf_verifier import (
    CALL,
    EXCHANGE,
    EXIT,
    FRAME_SIZE,
    JUMP,
    KEPT,
    LOOK_UP,
    SIZES,
    TAIL_CALL,
    Step,
    steps_of,
)

_MASK: Final = (1 << 64) - 1
_ALU: Final[dict[int, Callable[[int, int], int]]] = {
    0x00: operator.add, 0x10: operator.sub, 0x40: operator.or_, 0x50: operator.and_, 0xA0: operator.xor,
    0x60: lambda one, other: one << (other & 63), 0x70: lambda one, other: one >> (other & 63),
    0xB0: lambda _, other: other,
}  # fmt: skip
_JUMPS: Final[dict[int, tuple[Callable[[int, int], bool], bool]]] = {
    0x10: (operator.eq, False), 0x50: (operator.ne, False), 0x20: (operator.gt, False), 0x30: (operator.ge, False),
    0xA0: (operator.lt, False), 0xB0: (operator.le, False), 0x60: (operator.gt, True), 0x70: (operator.ge, True),
    0xC0: (operator.lt, True), 0xD0: (operator.le, True), 0xE0: (lambda one, other: False, False),
}  # fmt: skip
"""Condition → the comparison, and True if it compares signed numbers."""
_MOST_STEPS: Final = 100_000
"""Steps after which a program counts as endless; the longest of these tests take some thousand."""
_REGION: Final = 0x1000_0000
"""Distance between the addresses of two pieces of memory."""
CONTEXT: Final = 0x6000_0000
"""Value of R1 at the beginning; no memory is there."""
_LOST: Final = 0xDDDD_DDDD_DDDD_DDDD
"""What a helper leaves behind in registers of its arguments."""
_NO_PROGRAM: Final = -2 & _MASK
"""-ENOENT, the result of a tail call that leads to no program."""


class Table(NamedTuple):
    """A map whose keys are bytes."""

    key_size: int
    find: Callable[[bytes], bytes | None]
    """Function from a key to its value; None if there is none."""


Values = bytearray | Sequence[bytearray] | Table
"""Value of key 0, or values of all keys, or a table."""


class Outcome(NamedTuple):
    """The end of a run."""

    tail_call: int | None
    """The index in the program array; None if there was no tail call."""
    returned: int | None
    """The result as a signed number of 32 bits; None if the run ended with the tail call."""
    called: list[str]
    """Called subprograms, in order."""
    steps: int
    """Count of instructions that ran; those of subprograms are not counted."""


def run(
    code: RelocatableCode,
    maps: Mapping[str, Values],
    subprograms: Mapping[str, Callable[[], int]],
    *,
    argument: tuple[str, str] = ("SYSCALL_CTX", "FILTER_SCRATCH"),
    goes_on: bool = True,
) -> Outcome:
    """Run a program. `maps`: a missing map has no value, which the verifier takes for possible.

    `argument`: maps whose values are the argument of subprograms, or "" for the context. `goes_on`: True if a tail call
    leads to a program.
    """
    return _Machine(code, maps, subprograms, argument, goes_on).run()


class _Machine:
    def __init__(
        self,
        code: RelocatableCode,
        maps: Mapping[str, Values],
        subprograms: Mapping[str, Callable[[], int]],
        argument: tuple[str, str],
        goes_on: bool,
    ) -> None:
        self._code, self._steps, self._subprograms = code.instructions, steps_of(code), subprograms
        self._symbols = {one.at: one for one in code.relocations}
        self._argument, self._goes_on = argument, goes_on
        self._memory: dict[int, bytearray] = {}
        self._places: dict[str, list[int]] = {}
        """Map → addresses of the values of its keys."""
        self._tables = {name: values for name, values in maps.items() if isinstance(values, Table)}
        for name, values in maps.items():
            if isinstance(values, Table):
                continue
            for value in [values] if isinstance(values, bytearray) else values:
                self._places.setdefault(name, []).append(address := _REGION * (16 + len(self._memory)))
                self._memory[address] = value
        self._memory[_REGION] = bytearray(FRAME_SIZE)
        self._registers = [0, CONTEXT, *[0] * 8, _REGION + FRAME_SIZE]
        self._unchecked: set[int] = set()
        """Values of maps that were not yet compared with null."""
        self._called: list[str] = []
        self._tail_call: int | None = None
        self._map_of: dict[int, str] = {}

    def _place(self, address: int, size: int) -> tuple[bytearray, int]:
        base = address - address % _REGION
        if base not in self._memory or address - base + size > len(self._memory[base]):
            raise AssertionError(f"{size} bytes at {address:#x} are outside of all memory")
        assert base not in self._unchecked, "a value of a map is read that may be null"
        return self._memory[base], address - base

    def _read(self, address: int, size: int) -> int:
        memory, place = self._place(address & _MASK, size)
        return int.from_bytes(memory[place : place + size], "little")

    def _write(self, address: int, size: int, value: int) -> None:
        memory, place = self._place(address & _MASK, size)
        memory[place : place + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def run(self) -> Outcome:
        at, registers = 0, self._registers
        for steps in range(1, _MOST_STEPS):
            step = self._steps[at]
            _, code, to, source, offset, immediate, _ = step
            at = step.next
            size = SIZES[code & 0x18]
            if code == LOAD_64:
                registers[to] = self._loaded(step)
            elif step.kind == 1:
                registers[to] = self._read(registers[source] + offset, size)
            elif code == EXCHANGE:
                before = self._read(registers[to] + offset, size)
                self._write(registers[to] + offset, size, registers[source])
                registers[source] = before
            elif step.kind in (2, 3):
                self._write(registers[to] + offset, size, immediate if step.kind == 2 else registers[source])
            elif step.kind == 7:
                value = registers[source] if code & 8 else immediate & _MASK
                registers[to] = _ALU[code & 0xF0](registers[to], value) & _MASK
            elif code == CALL:
                if not self._call(step):
                    return Outcome(self._tail_call, None, self._called, steps)
            elif code == EXIT:
                returned = registers[0] & 0xFFFFFFFF
                signed = returned - (1 << 32) if returned >> 31 else returned
                return Outcome(self._tail_call, signed, self._called, steps)
            elif code == JUMP or self._is_taken(step):
                at += offset
        raise AssertionError("the program does not end")

    def _loaded(self, step: Step) -> int:
        symbol = self._symbols.get(step.at)
        if symbol is None:
            high = int(INSTRUCTION.unpack_from(self._code, step.at * 8 + 8)[3])
            return step.immediate & 0xFFFFFFFF | high << 32 & _MASK
        assert symbol.kind is Symbol.MAP
        number = 0x7000_0000 + step.at
        self._map_of[number] = symbol.name
        return number

    def _is_taken(self, step: Step) -> bool:
        compare, signed = _JUMPS[step.code & 0xF0]
        bits = 64 if step.kind == 5 else 32
        right = self._registers[step.source] if step.code & 8 else step.immediate
        if compare in (operator.eq, operator.ne) and right == 0 and bits == 64:
            self._unchecked.discard(self._registers[step.to])
        mask = (1 << bits) - 1
        pair = [value & mask for value in (self._registers[step.to], right)]
        if signed:
            pair = [value - (1 << bits) if value >> bits - 1 else value for value in pair]
        return compare(*pair)

    def _call(self, step: Step) -> bool:
        """Execute a call; return False if the run ends with a tail call."""
        registers = self._registers
        if step.symbol:
            expected = [CONTEXT if not name else self._places[name] for name in self._argument]
            given = [self._read(registers[1] + at, 8) for at in (0, 8)]
            assert all(
                one == place or (isinstance(place, list) and one in place)
                for one, place in zip(given, expected, strict=True)
            )
            self._called.append(step.symbol)
            registers[0] = self._subprograms[step.symbol]() & _MASK
            self._memory[_REGION][KEPT:] = b"\xdd" * (FRAME_SIZE - KEPT)
        elif step.immediate == TAIL_CALL:
            assert registers[1] == CONTEXT
            assert self._map_of[registers[2]] == "PROGS"
            self._tail_call = registers[3] & 0xFFFFFFFF
            registers[0] = _NO_PROGRAM
            return not self._goes_on
        else:
            assert step.immediate == LOOK_UP
            registers[0] = self._looked_up(self._map_of[registers[1]], registers[2])
            self._unchecked.add(registers[0])
            registers[1:6] = [_LOST] * 5
        return True

    def _looked_up(self, name: str, key_at: int) -> int:
        """Return the address of the value of a key; 0 if there is none."""
        table = self._tables.get(name)
        if table is None:
            values, key = self._places.get(name, []), self._read(key_at, 4)
            return values[key] if key < len(values) else 0
        memory, place = self._place(key_at, table.key_size)
        value = table.find(bytes(memory[place : place + table.key_size]))
        if value is None:
            return 0
        self._memory[address := _REGION * (16 + len(self._memory))] = bytearray(value)
        return address
