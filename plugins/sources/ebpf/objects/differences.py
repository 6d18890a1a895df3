"""Relocations of struct offsets, found by comparing compilations of one text with several layouts (drawn.py).

The instructions are the same but for numbers in them. How a number differs between the layouts says which members of
kernel structs it is the sum of, by their signs; what is left is a constant, the same in all.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from mozu.plugins.sources.ebpf.kernel_structs import MEMBERS
from mozu.plugins.sources.ebpf.objects.drawn import Layout
from mozu.plugins.sources.ebpf.relocatable import DEPTH, INSTRUCTION, LOAD_64, Relocation, Symbol

_Numbers = tuple[int, ...]
"""A number in each of the layouts."""


class Undecodable(Exception):
    """Code depends on layouts in a way that no relocation expresses; the message says where."""


class _Sum(NamedTuple):
    """A sum of members."""

    name: str
    numbers: _Numbers


class Decoder:
    """Decoder of what differs between compilations with these layouts, in their order. Raises Undecodable if two
    members differ in the same way, which another seed remedies."""

    def __init__(self, layouts: Sequence[Layout]) -> None:
        members = [_Sum(name, numbers) for name, numbers in _members(layouts)]
        self._single = self._by_change(_signed(members))
        self._double = self._by_change(
            _Sum(one.name + other.name, tuple(map(sum, zip(one.numbers, other.numbers, strict=True))))
            for one, other in combinations(list(_signed(members)), 2)
        )
        if any(len(sums) > 1 for sums in self._single.values()):
            raise Undecodable("two members have the same distances in all layouts")

    @staticmethod
    def _by_change(sums: Iterable[_Sum]) -> dict[_Numbers, list[_Sum]]:
        found: dict[_Numbers, list[_Sum]] = {}
        for one in sums:
            found.setdefault(_change(one.numbers), []).append(one)
        return found

    def relocated(self, name: str, codes: Sequence[bytes]) -> tuple[bytes, list[Relocation]]:
        """Return the instructions with 0 for each number that differs, and the relocations. Raises Undecodable."""
        if len({len(code) for code in codes}) > 1:
            raise Undecodable(f"{name}: the number of instructions depends on the layout")
        text, found = bytearray(codes[0]), []
        is_second = False
        for at, steps in enumerate(zip(*(INSTRUCTION.iter_unpack(code) for code in codes), strict=True)):
            operations, registers, offsets, immediates = zip(*steps, strict=True)
            if len(set(operations)) > 1 or len(set(registers)) > 1:
                raise Undecodable(f"{name}: instruction {at} depends on the layout")
            for kind, numbers in ((Symbol.OFFSET, offsets), (Symbol.DISTANCE, immediates)):
                if len(set(numbers)) == 1:
                    continue
                if is_second or operations[0] == LOAD_64 or (kind is Symbol.OFFSET and operations[0] & 7 in (5, 6)):
                    raise Undecodable(f"{name}: {kind} {numbers} in instruction {at} depends on the layout")
                found.append(self._relocation(name, at, kind, numbers))
            has_offset, has_distance = len(set(offsets)) > 1, len(set(immediates)) > 1
            INSTRUCTION.pack_into(
                text, at * INSTRUCTION.size, operations[0], registers[0],
                0 if has_offset else offsets[0], 0 if has_distance else immediates[0],
            )  # fmt: skip
            is_second = not is_second and operations[0] == LOAD_64
        return bytes(text), found

    def _relocation(self, name: str, at: int, kind: Symbol, numbers: _Numbers) -> Relocation:
        change = _change(numbers)
        sums = self._single.get(change) or self._double.get(change) or []
        if len(sums) != 1:
            told = "several sums" if sums else "no sum"
            raise Undecodable(f"{name}: {kind} {numbers} in instruction {at} is {told} of one or two members")
        return Relocation(at, kind, sums[0].name, numbers[0] - sums[0].numbers[0])


def _members(layouts: Sequence[Layout]) -> Iterator[tuple[str, _Numbers]]:
    """Yield the members whose offsets are drawn, and DEPTH."""
    yield DEPTH, tuple(layout.depth for layout in layouts)
    for struct, members in MEMBERS.items():
        for member in members:
            if member.at is None and not member.is_bit and not member.is_behind:
                yield f"{struct}.{member.name}", tuple(layout.offsets[struct][member.name] for layout in layouts)


def _signed(members: Sequence[_Sum]) -> Iterator[_Sum]:
    for one in members:
        yield _Sum(f"+{one.name}", one.numbers)
        yield _Sum(f"-{one.name}", tuple(-number for number in one.numbers))


def _change(numbers: Sequence[int]) -> _Numbers:
    return tuple(number - numbers[0] for number in numbers[1:])
