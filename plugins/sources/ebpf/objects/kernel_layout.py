"""Offsets of struct members in the running kernel, from its BTF, and the relocation of programs by them."""

from collections.abc import Iterator
from typing import Final

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import btf, codegen, uring
from mozu.plugins.sources.ebpf.kernel_structs import ENUMERATIONS, MEMBERS, KernelMember
from mozu.plugins.sources.ebpf.kfunc_signals import FUNCTIONS
from mozu.plugins.sources.ebpf.objects.object_file import Variant
from mozu.plugins.sources.ebpf.relocatable import (
    DEPTH,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    UnknownSymbol,
    terms,
)

_NEWER: Final = "mozu needs Linux 5.15 or later, and a newer mozu may know this kernel"
_FARTHEST: Final = 0x7FFF
"""Greatest offset that an instruction holds."""


class KernelLayout:
    """Layout of the structs in kernel_structs.py. Raises SourceUnavailable for a kernel that is too old or unknown."""

    def __init__(self, types: btf.Btf) -> None:
        if types.function(codegen.HELPER) is None:
            raise SourceUnavailable(f"source ebpf: this kernel has no {codegen.HELPER}; mozu needs Linux 5.15 or later")
        for name, value in codegen.PIDS.items():
            if types.enumerator("pid_type", name) != value:
                raise SourceUnavailable(f"source ebpf: {name} of this kernel is not {value}; {_NEWER}")
        self._offsets: dict[str, int] = {}
        self._constants = {"HAS_completed_cqe": int(uring.completes_cqe(types))}
        self._has_signals = all(types.function(name) is not None for name in FUNCTIONS)
        for struct, members in MEMBERS.items():
            self._read(types, struct, members)

    def _read(self, types: btf.Btf, struct: str, members: tuple[KernelMember, ...]) -> None:
        is_optional = any(member.is_optional for member in members)
        if struct not in types and not is_optional:
            raise SourceUnavailable(f"source ebpf: this kernel has no struct {struct}; {_NEWER}")
        have = types.members(struct) if struct in types else {}
        end = 0
        for member in members:
            place = next(_places(types, have, member), None)
            if place is None and not member.is_optional and have:
                raise SourceUnavailable(
                    f"source ebpf: struct {struct} of this kernel has no member {'|'.join(member.paths)}; {_NEWER}"
                )
            if member.is_optional:
                self._constants[f"HAS_{struct}__{member.name}"] = int(place is not None)
            if member.is_bit:
                self._constants[f"{struct}__{member.name}"] = 0 if place is None else place.bit
                continue
            at = 0 if place is None else place.bit // 8
            self._offsets[f"{struct}.{member.name}"] = at
            if place is not None:
                _check(struct, member, types.extent(place.type_id)[0], at, end)
                end = at + types.extent(place.type_id)[0]

    def constant(self, name: str, *, casts: bool = True) -> int:
        """Return a number of placeholders.CONSTANTS. Tasks are signalled by typed pointers (`casts`) only."""
        return int(self._has_signals and casts) if name == "HAS_signals_of_tasks" else self._constants[name]

    def relocated(self, code: RelocatableCode, variant: Variant, depth: int) -> RelocatableCode:
        """Return the code with the offsets and constants of this kernel. `depth`: DEPTH. Raises UnknownSymbol."""
        text, others = bytearray(code.instructions), []
        for one in code.relocations:
            if one.kind is Symbol.CONSTANT:
                _write_constant(text, one.at, self.constant(one.name, casts=variant.casts))
            elif one.kind in (Symbol.OFFSET, Symbol.DISTANCE):
                self._write_sum(text, code.name, one, depth)
            else:
                others.append(one)
        return RelocatableCode(code.name, bytes(text), tuple(others))

    def _write_sum(self, text: bytearray, name: str, one: Relocation, depth: int) -> None:
        value = one.addend
        for member, factor in terms(one.name).items():
            value += factor * (depth if member == DEPTH else self._offsets[member])
        place = one.at * INSTRUCTION.size
        operation, registers, offset, immediate = INSTRUCTION.unpack_from(text, place)
        if one.kind is Symbol.DISTANCE:
            immediate = value
        elif -_FARTHEST <= value <= _FARTHEST:
            offset = value
        else:
            raise UnknownSymbol(f"{name} cannot reach {one.name}, which is at {value} in this kernel")
        INSTRUCTION.pack_into(text, place, operation, registers, offset, immediate)


def _write_constant(text: bytearray, at: int, value: int) -> None:
    place = at * INSTRUCTION.size
    operation, registers, _, _ = INSTRUCTION.unpack_from(text, place)
    assert operation == LOAD_64
    INSTRUCTION.pack_into(text, place, operation, registers & 0xF, 0, value)
    INSTRUCTION.pack_into(text, place + INSTRUCTION.size, 0, 0, 0, 0)


def _places(types: btf.Btf, have: dict[str, btf.Member], member: KernelMember) -> Iterator[btf.Member]:
    """Yield the place of the member by each path that this kernel has."""
    for path in member.paths:
        label, inside = path, ""
        for separator in ".[":
            if separator in label:
                label = label[: label.index(separator)]
        inside = path[len(label) :]
        if label in have and (found := types.inside(have[label], inside, ENUMERATIONS)) is not None:
            yield found


def _check(struct: str, member: KernelMember, size: int, at: int, end: int) -> None:
    """Check a member against what the programs take for granted. `end`: of the member before. Raises
    SourceUnavailable."""
    expected = at if member.at is None else member.at
    expected = end if member.is_behind else expected
    if at != expected:
        raise SourceUnavailable(
            f"source ebpf: struct {struct}.{member.name} of this kernel is at {at}, expected {expected}; {_NEWER}"
        )
    if not member.inner and (size != member.bytes if member.is_exact else size < member.bytes):
        raise SourceUnavailable(
            f"source ebpf: struct {struct}.{member.name} of this kernel has {size} bytes, expected {member.bytes}; "
            f"{_NEWER}"
        )
