"""Building of object files, in a clone and where packages are made:

    python -m mozu.plugins.sources.ebpf.objects.build [--machine MACHINE] [PLACE]

Every variant is compiled with several layouts of kernel structs that no kernel has, drawn by lot. The instructions are
the same but for numbers in them. How a number differs between the layouts says which members of kernel structs it is
the sum of, by their signs, and becomes a relocation; what is left is a constant, the same in all.

Files that are current stay. MACHINE may be another one than this: what differs between them is C text, which depends
on mozu's version and the kind of machine only. It includes the files of bpf/, which are never rewritten.
"""

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.model.arch import MACHINE, MACHINES
from mozu.core.model.syscalls import call_number
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.maps import SELFTEST_ARGUMENTS, SIZES
from mozu.plugins.sources.ebpf.objects import codegen, compiler, object_file, subprograms
from mozu.plugins.sources.ebpf.objects.codegen import PARTS_FILE, Unit
from mozu.plugins.sources.ebpf.objects.compiler import Compilation
from mozu.plugins.sources.ebpf.objects.kernel_structs import MEMBERS, PIDS, KernelMember
from mozu.plugins.sources.ebpf.objects.object_file import VARIANTS, Variant
from mozu.plugins.sources.ebpf.objects.relocatable import (
    DEPTH,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    reached_by_jumps,
)

_STEP: Final = 8
_LIMIT, _INNER_LIMIT = 14000, 2000
"""An offset in an instruction has 16 bits."""


class Layout(NamedTuple):
    """Offsets of members."""

    offsets: Mapping[str, Mapping[str, int]]
    """Offsets in bytes, by struct and member."""
    sizes: Mapping[str, int]
    """Bytes by struct."""
    depth: int
    """DEPTH, the iterations of walk_path (bpf/path.h)."""


def draw_layout(seed: str, limit: int = _LIMIT, inner_limit: int = _INNER_LIMIT) -> Layout:
    """Return the layout of a seed. `limit`: bytes for the members of a struct; `inner_limit`: of one that is in others
    by value."""
    lot = random.Random(seed)
    held = {member.inner for members in MEMBERS.values() for member in members if member.inner}
    depth = lot.randrange(100, 30_000)
    offsets: dict[str, Mapping[str, int]] = {}
    sizes: dict[str, int] = {}
    for name in _by_value_first():
        offsets[name], sizes[name] = _struct(name, sizes, inner_limit if name in held else limit, lot)
    return Layout(offsets, sizes, depth)


def _by_value_first() -> Iterator[str]:
    """Yield the structs, each behind those that it has by value."""
    done: set[str] = set()
    left = list(MEMBERS)
    while left:
        ready = [name for name in left if all(member.inner in done | {""} for member in MEMBERS[name])]
        yield from ready
        done.update(ready)
        left = [name for name in left if name not in done]


def _struct(name: str, sizes: Mapping[str, int], limit: int, lot: random.Random) -> tuple[dict[str, int], int]:
    """Return the offsets of the members, and the bytes of the struct."""
    offsets: dict[str, int] = {}
    taken: list[tuple[int, int]] = []
    for group in _groups(name):
        places, length = _within(group, sizes)
        at = group[0].at
        while at is None or any(at < end and begin < at + length for begin, end in taken):
            at = lot.randrange(_STEP, limit, _STEP)
        taken.append((at, at + length))
        offsets |= {member.name: at + place for member, place in zip(group, places, strict=True)}
    return offsets, -(-max((end for _, end in taken), default=0) // _STEP) * _STEP


def _groups(name: str) -> Iterator[list[KernelMember]]:
    """Yield the members that stand together, those at known places first."""
    groups: list[list[KernelMember]] = []
    for member in MEMBERS[name]:
        if member.is_bit:
            continue
        if member.is_behind:
            groups[-1].append(member)
        else:
            groups.append([member])
    yield from sorted(groups, key=lambda group: group[0].at is None)


def _within(group: list[KernelMember], sizes: Mapping[str, int]) -> tuple[list[int], int]:
    """Return the offset of each from the first, and the bytes of all."""
    places, at = [], 0
    for member in group:
        places.append(at)
        at += sizes[member.inner] if member.inner else member.bytes
    return places, at


def struct_text(layout: Layout) -> str:
    """Return the structs as C."""
    lines = [f"struct {name};" for name in MEMBERS]
    for name in _by_value_first():
        lines.append(f"struct {name} {{")
        at = 0
        offsets = layout.offsets[name]
        for member in sorted((one for one in MEMBERS[name] if not one.is_bit), key=lambda one: offsets[one.name]):
            where = offsets[member.name]
            if where > at:
                lines.append(f"  char _{at}[{where - at}];")
            lines.append(f"  {member.declaration};")
            at = where + _length(member, layout.sizes)
        if layout.sizes[name] > at:
            lines.append(f"  char _{at}[{layout.sizes[name] - at}];")
        lines.append("};")
        for label, where in offsets.items():
            lines.append(f'_Static_assert(__builtin_offsetof(struct {name}, {label}) == {where}, "{name}.{label}");')
    return "\n".join([*lines, ""])


def _length(member: KernelMember, sizes: Mapping[str, int]) -> int:
    if not member.inner:
        return member.bytes
    return 0 if member.array == "[0]" else sizes[member.inner]


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
            count = "several sums" if sums else "no sum"
            raise Undecodable(f"{name}: {kind} {numbers} in instruction {at} is {count} of one or two members")
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


_NAMED_CALLS: Final = (
    *("open", "openat2", "creat", "execve", "execveat", "clone", "clone3", "fchdir", "open_by_handle_at"),
    *("sendto", "recvfrom", "sendmsg", "recvmsg"),
)


def kernel_text(layout: Layout) -> str:
    """Return structs of a layout, and constants that all kernels have, as C."""
    return struct_text(layout) + "".join(f"#define {name} {value}\n" for name, value in PIDS.items())


def main_text(variant: Variant, layout: Layout, units: Iterable[Unit]) -> str:
    """Return the main text of one compilation."""
    chosen = list(units)
    numbers = {f"NR_{name}": call_number(name) for name in _NAMED_CALLS}
    numbers |= {"O_DIRECTORY": MACHINE.open_flags["O_DIRECTORY"], **SIZES, "SELFTEST_FIRST": SELFTEST_ARGUMENTS[0]}
    numbers |= {"DEPTH": layout.depth, "SUBPROGRAMS": 1} | ({"MAY_GOTO": 1} if variant.may_goto else {})
    lines = [f"#define {name} {number}" for name, number in numbers.items()]
    lines += [f'#define ARCH "arch/{MACHINE.name}.h"', kernel_text(layout), codegen.placeholder_text()]
    lines += [codegen.cast_text()] * variant.casts
    lines += ['#include "mozu.h"', wire.assertions()]
    lines += [f'#include "{file}"' for file in sorted({unit.file for unit in chosen})]
    lines += [wire.map_assertions()] * any(unit.file == PARTS_FILE for unit in chosen)
    return "\n".join([*lines, *(unit.text for unit in chosen), ""])


LAYOUTS: Final = tuple(map(draw_layout, ("one", "two", "three")))
_OTHER_MACHINE: Final = """\
import platform, runpy, sys
platform.machine = lambda: sys.argv[2]
runpy.run_module("mozu.plugins.sources.ebpf.objects.build", run_name="__main__")
"""


def units() -> list[codegen.Unit]:
    """Return the programs and the subprograms of kernel filters as they are compiled."""
    parts = (*codegen.PARTS, *codegen.KILL_PARTS, *codegen.DENY_PARTS)
    return [*map(codegen.program_unit, codegen.every_program()), *map(codegen.part_unit, parts)]


def built(variants: Iterable[Variant] = VARIANTS) -> dict[Variant, dict[str, RelocatableCode]]:
    """Return the programs and subprograms by variant and entry. Raises DoesNotCompile and Undecodable."""
    wanted, chosen = [*units(), *codegen.SUBPROGRAMS], list(variants)
    entries = tuple(unit.entry for unit in wanted)
    sources = [Compilation(main_text(one, layout, wanted), entries) for one in chosen for layout in LAYOUTS]
    raw = iter(compiler.compiled(sources, wire.SOURCES))
    decoder = Decoder(LAYOUTS)
    return {variant: _joined([next(raw) for _ in LAYOUTS], decoder) for variant in chosen}


def _joined(raw: list[dict[str, bytes]], decoder: Decoder) -> dict[str, RelocatableCode]:
    codes = {}
    for entry in raw[0]:
        text, found = decoder.relocated(entry, [one[entry] for one in raw])
        code = codegen.with_relocations(entry, text)
        codes[entry] = reached_by_jumps(code._replace(relocations=(*code.relocations, *found)))
    library = subprograms.library({name: codes.pop(f"mozu_{name}") for name in subprograms.NAMES})
    return {entry: subprograms.joined(code, library) for entry, code in codes.items()}


def main(arguments: list[str]) -> int:
    """Build what is not current; return the exit code."""
    parser = argparse.ArgumentParser(prog="mozu.plugins.sources.ebpf.objects.build")
    parser.add_argument("--machine", choices=sorted(MACHINES), default=MACHINE.name)
    parser.add_argument("place", nargs="?", type=Path, default=object_file.PLACE)
    chosen = parser.parse_args(arguments)
    if chosen.machine != MACHINE.name:  # MACHINE is settled when it is imported
        command = [sys.executable, "-c", _OTHER_MACHINE, "--machine", chosen.machine, str(chosen.place)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(command, env=environment).returncode
    if object_file.are_current(chosen.place, chosen.machine):
        return 0
    print(f"kernel programs for {chosen.machine}: {len(VARIANTS)} variants, {len(LAYOUTS)} compilations each")
    version = compiler.needed_compiler().resolve().name
    for variant, programs in built().items():
        file = object_file.write(variant, version, programs, chosen.place, chosen.machine)
        count = sum(len(code.instructions) // 8 for code in programs.values())
        print(f"  {file}: {len(programs)} programs, {count} instructions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
