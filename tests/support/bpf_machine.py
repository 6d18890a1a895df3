"""Runs eBPF instructions in Python, as far as kernel filters use them: what they decide, without a kernel."""

import itertools
import operator
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.relocatable import INSTRUCTION, LOAD_64, RelocatableCode, Symbol

_MASK: Final = (1 << 64) - 1
_SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
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
"""Condition → the comparison, and whether it is of signed numbers."""
_LOOK_UP, _TAIL_CALL = 1, 12
_FRAME_SIZE: Final = 512
_KEPT: Final = 40
"""Bytes of the frame that subprograms leave alone."""
_LOST: Final = 0xDEAD_DEAD_DEAD_DEAD
"""In registers after a call: code that uses it is found out."""


class Outcome(NamedTuple):
    """How a run ended."""

    tail_call: int | None
    """The index in the program array; None: it returned."""
    called: list[str]
    """The subprograms, in order."""
    steps: int
    """Instructions that ran; those of subprograms are none."""


def run(code: RelocatableCode, maps: Mapping[str, bytearray], subprograms: Mapping[str, Callable[[], int]]) -> Outcome:
    """`maps`: name → the value of key 0."""
    return _Machine(code, maps, subprograms).run()


class _Machine:
    def __init__(
        self, code: RelocatableCode, maps: Mapping[str, bytearray], subprograms: Mapping[str, Callable[[], int]]
    ) -> None:
        self._code, self._subprograms = code.instructions, subprograms
        self._symbols = {one.at: one for one in code.relocations}
        self._memory = {0x1000_0000 * (2 + number): value for number, value in enumerate(maps.values())}
        self._values = dict(zip(maps, self._memory, strict=True))
        self._frame = 0x1000_0000
        self._memory[self._frame] = bytearray(_FRAME_SIZE)
        self._registers = [_LOST] * 11
        self._registers[10] = self._frame + _FRAME_SIZE
        self._called: list[str] = []
        self._map_of: dict[int, str] = {}

    def _place(self, address: int, size: int) -> tuple[bytearray, int]:
        base = address & ~0x0FFF_FFFF
        offset = address - base
        if base not in self._memory or offset + size > len(self._memory[base]):
            raise AssertionError(f"{size} bytes at {address:#x} are outside of all memory")
        return self._memory[base], offset

    def run(self) -> Outcome:
        at, registers = 0, self._registers
        for steps in itertools.count(1):
            operation, pair, offset, immediate = INSTRUCTION.unpack_from(self._code, at * 8)
            to, source = pair & 15, pair >> 4
            kind, at = operation & 7, at + 1
            if operation == LOAD_64:
                registers[to] = self._loaded(at - 1, immediate)
                at += 1
            elif kind == 1:
                memory, place = self._place(registers[source] + offset & _MASK, _SIZES[operation & 0x18])
                registers[to] = int.from_bytes(memory[place : place + _SIZES[operation & 0x18]], "little")
            elif kind in (2, 3):
                size = _SIZES[operation & 0x18]
                memory, place = self._place(registers[to] + offset & _MASK, size)
                value = immediate if kind == 2 else registers[source]
                memory[place : place + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            elif kind == 7:
                value = registers[source] if operation & 8 else immediate & _MASK
                registers[to] = _ALU[operation & 0xF0](registers[to], value) & _MASK
            elif operation == 0x85:
                if (index := self._call(at - 1, immediate)) is not None:
                    return Outcome(index, self._called, steps)
            elif operation == 0x95:
                assert registers[0] != _LOST
                return Outcome(None, self._called, steps)
            elif operation == 0x05 or self._is_taken(operation, registers[to], source, immediate):
                at += offset
        raise AssertionError("no program runs forever")

    def _loaded(self, at: int, low: int) -> int:
        symbol = self._symbols.get(at)
        if symbol is None:
            return low & 0xFFFFFFFF | int(INSTRUCTION.unpack_from(self._code, at * 8 + 8)[3]) << 32 & _MASK
        assert symbol.kind is Symbol.MAP
        number = 0x7000_0000 + at
        self._map_of[number] = symbol.name
        return number

    def _is_taken(self, operation: int, left: int, source: int, immediate: int) -> bool:
        compare, signed = _JUMPS[operation & 0xF0]
        bits = 64 if operation & 7 == 5 else 32
        right = self._registers[source] if operation & 8 else immediate
        mask = (1 << bits) - 1
        pair = [value & mask for value in (left, right)]
        if signed:
            pair = [value - (1 << bits) if value >> bits - 1 else value for value in pair]
        return compare(*pair)

    def _call(self, at: int, helper: int) -> int | None:
        """The index of a tail call."""
        registers = self._registers
        symbol = self._symbols.get(at)
        if symbol is not None:
            assert symbol.kind is Symbol.SUBPROGRAM
            memory, place = self._place(registers[1], 16)
            call = [int.from_bytes(memory[at : at + 8], "little") for at in (place, place + 8)]
            assert call == [self._values["SYSCALL_CTX"], self._values["FILTER_SCRATCH"]]
            self._called.append(symbol.name)
            result = self._subprograms[symbol.name]()
            registers[6:10] = [_LOST] * 4
            self._memory[self._frame][_KEPT:] = b"\xdd" * (_FRAME_SIZE - _KEPT)
        elif helper == _TAIL_CALL:
            assert self._map_of[registers[2]] == "PROGS"
            return registers[3] & 0xFFFFFFFF
        else:
            assert helper == _LOOK_UP
            memory, place = self._place(registers[2], 4)
            assert not any(memory[place : place + 4])
            result = self._values[self._map_of[registers[1]]]
        registers[0:6] = [result, *[_LOST] * 5]
        return None
