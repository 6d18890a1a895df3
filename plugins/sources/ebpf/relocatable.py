"""Relocatable program code: eBPF instructions without descriptors and BTF ids, which are written in before loading.

Instructions (of compiler.py, from C) have 0 where such a number belongs, and a `Relocation` says by name what belongs
there. So the code depends on the kernel's layouts only and can be kept in a file; maps are made anew at
each start. Neither the number of CPUs nor the size of a map occurs in code: the kernel knows both by the map.

`link` puts subprograms behind a program, `bind` writes the numbers in. Instructions: struct bpf_insn of linux/bpf.h, 8
bytes each; a load of 64 bits takes two.
"""

import struct
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

INSTRUCTION: Final = struct.Struct("<BBhi")
"""struct bpf_insn: code, registers (source << 4 | destination), offset, immediate."""
LOAD_64: Final = 0x18
"""BPF_LD | BPF_IMM | BPF_DW: the immediate of the next instruction is the upper half."""
CALL: Final = 0x85
_MAP_FD, _MAP_VALUE, _CALL_SUBPROGRAM, _CALL_KFUNC = 1, 2, 1, 2
"""BPF_PSEUDO_*, as the source register."""


class Symbol(StrEnum):
    """What stands behind the name of a relocation."""

    MAP = "map"
    """A load of 64 bits gives the address of a map (maps.py)."""
    MAP_VALUE = "map value"
    """A load of 64 bits gives the address of the value of an array of one entry, plus `addend` bytes."""
    BTF_ID = "btf id"
    """A load of 64 bits gives the number of a struct in the kernel's BTF: second argument of bpf_rdonly_cast."""
    KFUNC = "kfunc"
    """A call of a function of the kernel."""
    SUBPROGRAM = "subprogram"
    """A call of other code: one argument in r1, the result in r0."""


class Relocation(NamedTuple):
    """What to write into one instruction."""

    at: int
    """Index of the instruction."""
    kind: Symbol
    name: str
    addend: int = 0


class RelocatableCode(NamedTuple):
    """A program or subprogram."""

    name: str
    instructions: bytes
    relocations: tuple[Relocation, ...] = ()


class Numbers(NamedTuple):
    """The numbers behind names, as of this start and this kernel."""

    maps: Mapping[str, int]
    """Map → descriptor."""
    structs: Mapping[str, int]
    """Struct → its number in the kernel's BTF."""
    functions: Mapping[str, int]
    """Function of the kernel → the same."""


class UnknownSymbol(Exception):
    """Code refers to what does not exist here."""


def link(main: RelocatableCode, library: Mapping[str, RelocatableCode]) -> RelocatableCode:
    """The program followed by the subprograms that it calls, each once, and those that these call.

    Raises UnknownSymbol.
    """
    places: dict[str, int] = {}
    code = bytearray(main.instructions)
    relocations: list[Relocation] = []
    waiting = [main]
    begins = 0
    while waiting:
        part = waiting.pop(0)
        for one in part.relocations:
            at = begins + one.at
            if one.kind is not Symbol.SUBPROGRAM:
                relocations.append(one._replace(at=at))
                continue
            if one.name not in places:
                if one.name not in library:
                    raise UnknownSymbol(f"{part.name} calls {one.name}")
                found = library[one.name]
                places[one.name] = len(code) // INSTRUCTION.size
                code += found.instructions
                waiting.append(found)
            distance = places[one.name] - at - 1
            INSTRUCTION.pack_into(code, at * INSTRUCTION.size, CALL, _CALL_SUBPROGRAM << 4, 0, distance)
        begins += len(part.instructions) // INSTRUCTION.size
    return RelocatableCode(main.name, bytes(code), tuple(relocations))


def bind(code: RelocatableCode, numbers: Numbers) -> bytes:
    """Instructions as BPF_PROG_LOAD takes them. Raises UnknownSymbol."""
    text = bytearray(code.instructions)
    for at, kind, name, addend in code.relocations:
        try:
            source, low, high = _written(kind, name, addend, numbers)
        except KeyError as error:
            raise UnknownSymbol(f"{code.name} refers to the {kind} {name}") from error
        operation, registers, offset, _ = INSTRUCTION.unpack_from(text, at * INSTRUCTION.size)
        if operation != (CALL if kind is Symbol.KFUNC else LOAD_64):
            raise UnknownSymbol(f"{code.name} has no place for the {kind} {name} in instruction {at}")
        INSTRUCTION.pack_into(text, at * INSTRUCTION.size, operation, registers & 0xF | source << 4, offset, low)
        if operation == LOAD_64:
            INSTRUCTION.pack_into(text, (at + 1) * INSTRUCTION.size, 0, 0, 0, high)
    return bytes(text)


def _written(kind: Symbol, name: str, addend: int, numbers: Numbers) -> tuple[int, int, int]:
    """(source register, immediate, upper immediate)."""
    if kind is Symbol.MAP:
        return _MAP_FD, numbers.maps[name], 0
    if kind is Symbol.MAP_VALUE:
        return _MAP_VALUE, numbers.maps[name], addend
    if kind is Symbol.BTF_ID:
        return 0, numbers.structs[name], 0
    if kind is Symbol.KFUNC:
        return _CALL_KFUNC, numbers.functions[name], 0
    raise KeyError(name)


def operations(code: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """(index, operation, registers, offset, immediate) of each instruction; a load of 64 bits is one, by its first."""
    at, end = 0, len(code) // INSTRUCTION.size
    while at < end:
        operation, registers, offset, immediate = INSTRUCTION.unpack_from(code, at * INSTRUCTION.size)
        yield at, operation, registers, offset, immediate
        at += 2 if operation == LOAD_64 else 1
