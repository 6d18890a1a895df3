"""Layouts of kernel structs that no kernel has, drawn by lot: the programs are compiled with some of them, and what
differs between the results depends on layouts (differences.py).

Offsets are multiples of 8, never 0, and small enough that an instruction holds the sum of two; what all kernels have in
common (kernel_structs.py) these layouts have, too.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.kernel_structs import MEMBERS, KernelMember

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


def draw(seed: str, limit: int = _LIMIT, inner_limit: int = _INNER_LIMIT) -> Layout:
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


def text(layout: Layout) -> str:
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
