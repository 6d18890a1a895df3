"""Relocatable program code: eBPF instructions without descriptors and BTF ids, which are written into it before
loading.

Instructions (from C) have 0 in place of such a number, and a `Relocation` has its name. The code thus depends neither
on a kernel nor on a start, and is stored in a file. Neither the number of CPUs nor the size of a map is in the code:
the kernel knows both from the map.

`link` puts copies of subprograms behind a program, `bind` writes the numbers, `reached_by_jumps` gives loops the form
that older kernels require. Instructions: struct bpf_insn of linux/bpf.h, 8 bytes each; a load of 64 bits takes two.
"""

import struct
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import accumulate
from types import MappingProxyType
from typing import Final, NamedTuple

INSTRUCTION: Final = struct.Struct("<BBhi")
"""struct bpf_insn: code, registers (source << 4 | destination), offset, immediate."""
LOAD_64: Final = 0x18
"""BPF_LD | BPF_IMM | BPF_DW: the immediate of the next instruction is the upper half."""
CALL: Final = 0x85
_JUMP, EXIT = 0x05, 0x95
_CLASS, _JUMPS = 0x07, (0x05, 0x06)
"""BPF_CLASS; BPF_JMP and BPF_JMP32."""
_FARTHEST: Final = 0x7FFF
"""Most instructions that a jump can cross."""
_SET: Final = 0xB7
"""BPF_ALU64 | BPF_MOV | BPF_K."""
_MAP_FD, _MAP_VALUE, _CALL_KFUNC = 1, 2, 2
"""BPF_PSEUDO_*, as the source register."""


DEPTH: Final = "walk.depth"
"""Number of iterations of walk_path (bpf/path.h), in the sums of members of OFFSET and DISTANCE."""


class Symbol(StrEnum):
    """Kind of number that a relocation names."""

    MAP = "map"
    """Address of a map (maps.py), by a load of 64 bits."""
    MAP_VALUE = "map value"
    """Address of the value of an array of one entry, plus `addend` bytes, by a load of 64 bits."""
    BTF_ID = "btf id"
    """Number of a struct in the kernel's BTF, by a load of 64 bits: second argument of bpf_rdonly_cast."""
    KFUNC = "kfunc"
    """Call of a function of the kernel."""
    CONSTANT = "constant"
    """Number of the kernel (KernelLayout.constant), by a load of 64 bits."""
    OFFSET = "offset"
    """Offset of a member of kernel structs, plus `addend`, in the offset of an instruction: `name` is the sum of the
    members, each `struct.member` with its sign."""
    DISTANCE = "distance"
    """Offset of a member, as of OFFSET, in the immediate of an instruction."""
    SUBPROGRAM = "subprogram"
    """Call of other code: one argument in r1, the result in r0; see `link`."""


class Relocation(NamedTuple):
    """A number to write into one instruction."""

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
    """Numbers by name, of this start and this kernel.

    0 stands for a struct or function that this kernel lacks: only code that never runs refers to it.
    """

    maps: Mapping[str, int]
    """Descriptor by map."""
    structs: Mapping[str, int]
    """Number in the kernel's BTF by struct."""
    functions: Mapping[str, int]
    """Number in the kernel's BTF by function."""


class UnknownSymbol(Exception):
    """Code refers to a symbol that does not exist here."""


Around = Mapping[int, tuple[bytes, bytes]]
"""Instructions to run before and behind the subprogram, by index of the call."""


def link(
    main: RelocatableCode, library: Mapping[str, RelocatableCode], around: Around = MappingProxyType({})
) -> RelocatableCode:
    """Return the program with a copy of each subprogram behind it, for each call.

    A call becomes a jump to the copy, and each exit of the copy a jump back: calls cost nothing, and all registers
    except R0 may be overwritten, unless the code `around` the copy preserves them. Raises UnknownSymbol.
    """
    code = bytearray(main.instructions)
    relocations: list[Relocation] = []
    for one in main.relocations:
        if one.kind is not Symbol.SUBPROGRAM:
            relocations.append(one)
            continue
        if one.name not in library:
            raise UnknownSymbol(f"{main.name} calls {one.name}")
        before, behind = around.get(one.at, (b"", b""))
        _write_jump(code, one.at, len(code) // INSTRUCTION.size)
        code += before
        begin = len(code) // INSTRUCTION.size
        code += library[one.name].instructions
        relocations += [inner._replace(at=begin + inner.at) for inner in library[one.name].relocations]
        back = one.at + 1
        if behind:
            back = len(code) // INSTRUCTION.size
            code += behind + INSTRUCTION.pack(_JUMP, 0, 0, 0)
            _write_jump(code, len(code) // INSTRUCTION.size - 1, one.at + 1)
        for at, operation, _, _, _ in operations(library[one.name].instructions):
            if operation == EXIT:
                _write_jump(code, begin + at, back)
    return RelocatableCode(main.name, bytes(code), tuple(relocations))


def _write_jump(code: bytearray, at: int, target: int) -> None:
    """Write a jump. Raises UnknownSymbol if it cannot reach so far."""
    distance = target - at - 1
    if not -_FARTHEST <= distance <= _FARTHEST:
        raise UnknownSymbol(f"the subprograms are {abs(distance)} instructions away")
    INSTRUCTION.pack_into(code, at * INSTRUCTION.size, _JUMP, 0, distance, 0)


def bind(code: RelocatableCode, numbers: Numbers) -> bytes:
    """Return instructions for BPF_PROG_LOAD. Raises UnknownSymbol."""
    text = bytearray(code.instructions)
    for at, kind, name, addend in code.relocations:
        try:
            source, low, high = _written(kind, name, addend, numbers)
        except KeyError as error:
            raise UnknownSymbol(f"{code.name} refers to the {kind} {name}") from error
        operation, registers, offset, _ = INSTRUCTION.unpack_from(text, at * INSTRUCTION.size)
        if operation != (CALL if kind is Symbol.KFUNC else LOAD_64):
            raise UnknownSymbol(f"{code.name} has no place for the {kind} {name} in instruction {at}")
        if kind is Symbol.KFUNC and not low:  # kernels refuse calls of what they lack even where they never run
            INSTRUCTION.pack_into(text, at * INSTRUCTION.size, _SET, 0, 0, 0)
            continue
        INSTRUCTION.pack_into(text, at * INSTRUCTION.size, operation, registers & 0xF | source << 4, offset, low)
        if operation == LOAD_64:
            INSTRUCTION.pack_into(text, (at + 1) * INSTRUCTION.size, 0, 0, 0, high)
    return bytes(text)


def _written(kind: Symbol, name: str, addend: int, numbers: Numbers) -> tuple[int, int, int]:
    """Return source register, immediate, and upper immediate."""
    if kind is Symbol.MAP:
        return _MAP_FD, numbers.maps[name], 0
    if kind is Symbol.MAP_VALUE:
        return _MAP_VALUE, numbers.maps[name], addend
    if kind is Symbol.BTF_ID:
        return 0, numbers.structs[name], 0
    if kind is Symbol.KFUNC:
        return _CALL_KFUNC, numbers.functions[name], 0
    raise KeyError(name)


def terms(name: str) -> Mapping[str, int]:
    """Return the members of a sum (OFFSET), with the factor of each."""
    found: dict[str, int] = {}
    for term in name.replace("-", " -").replace("+", " +").split():
        found[term[1:]] = found.get(term[1:], 0) + (1 if term[0] == "+" else -1)
    return found


def jumps(code: bytes) -> dict[int, int]:
    """Return the target of each jump, by its index."""
    found = {}
    for at, operation, _, offset, _ in operations(code):
        if is_jump(operation):
            found[at] = at + 1 + offset
    return found


def is_jump(operation: int) -> bool:
    """Return True if an instruction may continue elsewhere in its program."""
    return operation & _CLASS in _JUMPS and operation not in (CALL, EXIT)


def operations(code: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (index, operation, registers, offset, immediate) of each instruction; a load of 64 bits is one, by its
    first half."""
    is_second = False
    for at, (operation, registers, offset, immediate) in enumerate(INSTRUCTION.iter_unpack(code)):
        if is_second:
            is_second = False
            continue
        yield at, operation, registers, offset, immediate
        is_second = operation == LOAD_64


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
