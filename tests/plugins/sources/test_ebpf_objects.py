"""Relocations of struct offsets: found in compilations with drawn layouts, written for the layout of a kernel."""

import itertools
import struct
from collections.abc import Callable
from typing import Any

import pytest

from mozu.core.errors import SourceUnavailable
from mozu.plugins.sources.ebpf import btf
from mozu.plugins.sources.ebpf.objects import build, codegen, kernel_structs
from mozu.plugins.sources.ebpf.objects.build import LAYOUTS, Decoder, Layout, Undecodable
from mozu.plugins.sources.ebpf.objects.kernel_structs import MEMBERS, KernelLayout, members
from mozu.plugins.sources.ebpf.objects.object_file import CASTS, COPIES, VARIANTS, read
from mozu.plugins.sources.ebpf.objects.relocatable import (
    DEPTH,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    UnknownSymbol,
)
from tests.support import requirements

LOAD, ADD, JUMP, EXIT = 0x79, 0x07, 0x05, 0x95
Make = Callable[[Layout], list[tuple[int, int, int, int]]]


def codes(make: Make) -> list[bytes]:
    return [b"".join(INSTRUCTION.pack(*one) for one in make(layout)) for layout in LAYOUTS]


def at(layout: Layout, member: str) -> int:
    name, _, label = member.partition(".")
    return layout.offsets[name][label]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(LAYOUTS)


def test_layouts_hold_their_members_apart_and_within_16_bits() -> None:
    for layout in LAYOUTS:
        for name, offsets in layout.offsets.items():
            sizes = {one.name: one.bytes for one in MEMBERS[name] if not one.inner and not one.is_bit}
            places = sorted((offset, offset + sizes.get(member, 1)) for member, offset in offsets.items())
            assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(places)), name
            assert 2 * layout.sizes[name] < 1 << 15 or all(offset < 14_100 for offset in offsets.values())


def test_what_kernels_have_in_common_drawn_layouts_have() -> None:
    for layout in LAYOUTS:
        dentry = layout.offsets["dentry"]
        assert [dentry[name] - dentry["d_parent"] for name in ("d_name", "d_inode", "d_iname")] == [8, 24, 32]
        assert layout.offsets["path"] == {"mnt": 0, "dentry": 8}


def test_an_offset_and_a_distance_become_relocations(decoder: Decoder) -> None:
    text, found = decoder.relocated("p", codes(lambda one: [
        (LOAD, 0x12, at(one, "inode.i_ino") + 4, 0),
        (ADD, 1, 0, -at(one, "mount.mnt")),
        (EXIT, 0, 0, 0),
    ]))  # fmt: skip

    assert found == [
        Relocation(0, Symbol.OFFSET, "+inode.i_ino", 4),
        Relocation(1, Symbol.DISTANCE, "-mount.mnt", 0),
    ]
    assert text == b"".join(INSTRUCTION.pack(*one) for one in ((LOAD, 0x12, 0, 0), (ADD, 1, 0, 0), (EXIT, 0, 0, 0)))


def test_a_member_of_a_member_and_a_member_before_another_are_sums(decoder: Decoder) -> None:
    _, found = decoder.relocated("p", codes(lambda one: [
        (LOAD, 0x12, at(one, "mount.mnt") + at(one, "vfsmount.mnt_flags"), 0),
        (LOAD, 0x12, at(one, "mount.mnt_parent") - at(one, "mount.mnt"), 0),
        (ADD, 1, 0, one.depth - 1),
    ]))  # fmt: skip

    assert [(one.name, one.addend) for one in found] == [
        ("+vfsmount.mnt_flags+mount.mnt", 0),
        ("+mount.mnt_parent-mount.mnt", 0),
        (f"+{DEPTH}", -1),
    ]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda one: [(LOAD, 0, at(one, "inode.i_ino") * 2, 0)], "instruction 0 is no sum of one or two members"),
        (lambda one: [(JUMP, 0, at(one, "inode.i_ino"), 0)], "in instruction 0 depends on the layout"),
        (lambda one: [(LOAD_64, 0, 0, at(one, "inode.i_ino")), (0, 0, 0, 0)], "in instruction 0 depends on"),
        (lambda one: [(LOAD_64, 0, 0, 0), (0, 0, 0, at(one, "inode.i_ino"))], "in instruction 1 depends on"),
        (lambda one: [(LOAD, at(one, "inode.i_ino") // 8 & 7, 0, 0)], "instruction 0 depends on the layout"),
        (lambda one: [(EXIT, 0, 0, 0)] * (1 + (one is LAYOUTS[0])), "the number of instructions depends on the layout"),
    ],
    ids=["a product", "a jump", "a number of 64 bits", "its upper half", "a register", "length"],
)
def test_what_no_relocation_expresses_ends_the_build(decoder: Decoder, make: Make, says: str) -> None:
    with pytest.raises(Undecodable, match=says):
        decoder.relocated("p", codes(make))


def test_layouts_in_which_members_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(Undecodable, match="two members have the same distances"):
        Decoder(LAYOUTS[:1] * 2)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
def test_objects_have_no_number_of_a_layout_left(variant: Any) -> None:
    """A relocation exists for each member that is read: the code contains no offset of a drawn layout."""
    programs = read(variant).programs
    kinds = {one.kind for code in programs.values() for one in code.relocations}

    assert {Symbol.OFFSET, Symbol.DISTANCE, Symbol.CONSTANT, Symbol.MAP} <= kinds
    assert (Symbol.BTF_ID in kinds) is variant.casts
    assert not {Symbol.SUBPROGRAM} & {one.kind for code in programs.values() for one in code.relocations
                                      if code.name in {one.entry for one in codegen.every_program()}}  # fmt: skip


class Types:
    """BTF of a kernel that has all members at the offsets of a drawn layout, except for `changes`."""

    def __init__(self, layout: Layout, changes: dict[str, int | None], sizes: dict[str, int]) -> None:
        self._layout, self._changes, self._sizes = layout, changes, sizes
        self._ids: list[int] = []

    def function(self, name: str) -> int | None:
        return 7

    def parameters(self, name: str) -> tuple[str, ...]:
        return ()

    def enumerator(self, enumeration: str, name: str) -> int | None:
        return kernel_structs.PIDS.get(name)

    def __contains__(self, name: str) -> bool:
        return True

    def members(self, struct_name: str) -> dict[str, btf.Member]:
        found = {}
        for one in MEMBERS[struct_name]:
            offset = self._layout.offsets[struct_name].get(one.name, 3)
            chosen = self._changes.get(f"{struct_name}.{one.name}", offset)
            if chosen is None:
                continue
            size = 1 if one.inner or one.is_bit else one.bytes
            self._ids.append(self._sizes.get(f"{struct_name}.{one.name}", self._length(one, size)))
            label = one.paths[-1].split(".")[0].split("[")[0]
            found[f"{label}" if label == one.paths[-1] else one.paths[-1]] = btf.Member(
                len(self._ids) - 1, 8 * chosen, int(one.is_bit)
            )
        return found

    def _length(self, one: kernel_structs.KernelMember, size: int) -> int:
        return self._layout.sizes[one.inner] if one.inner else size

    def inside(self, member: btf.Member, path: str, enumerations: object) -> btf.Member | None:
        return member

    def extent(self, type_id: int) -> tuple[int, str]:
        return self._ids[type_id], ""


@pytest.fixture
def layout_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., KernelLayout]:
    """Return a function that makes the layout of such a kernel, whose members have paths of one step."""
    flat = {name: tuple(one._replace(paths=(one.name,)) for one in found) for name, found in MEMBERS.items()}
    monkeypatch.setattr(kernel_structs, "MEMBERS", flat)

    def make(changes: dict[str, int | None] | None = None, sizes: dict[str, int] | None = None) -> KernelLayout:
        types: Any = Types(LAYOUTS[0], changes or {}, sizes or {})
        monkeypatch.setattr("tests.plugins.sources.test_ebpf_objects.MEMBERS", flat)
        return KernelLayout(types)

    return make


def code(*relocations: Relocation, operation: int = LOAD) -> RelocatableCode:
    return RelocatableCode("p", INSTRUCTION.pack(operation, 0x12, 0, 0) + bytes(8), relocations)


def test_a_sum_is_written_where_this_kernel_has_its_members(layout_of: Callable[..., KernelLayout]) -> None:
    layout = layout_of({"mount.mnt": 32, "mount.mnt_parent": 16, "mount.mnt_mountpoint": 24})
    name = "+mount.mnt_parent-mount.mnt"
    far = layout.relocated(code(Relocation(0, Symbol.OFFSET, name, 4)), COPIES, 128)
    near = layout.relocated(code(Relocation(0, Symbol.DISTANCE, f"+{DEPTH}", -1)), COPIES, 128)

    assert INSTRUCTION.unpack_from(far.instructions) == (LOAD, 0x12, 16 - 32 + 4, 0)
    assert INSTRUCTION.unpack_from(near.instructions) == (LOAD, 0x12, 0, 127)
    assert (far.relocations, near.relocations) == ((), ())


def test_what_an_instruction_cannot_hold_is_refused(layout_of: Callable[..., KernelLayout]) -> None:
    layout = layout_of({"inode.i_ino": 40_000})

    with pytest.raises(UnknownSymbol, match=r"p cannot reach \+inode.i_ino, which is at 40000 in this kernel"):
        layout.relocated(code(Relocation(0, Symbol.OFFSET, "+inode.i_ino", 0)), CASTS, 128)


def test_constants_say_what_this_kernel_has(layout_of: Callable[..., KernelLayout]) -> None:
    layout = layout_of({"task_struct.loginuid": None})
    wanted = Relocation(0, Symbol.CONSTANT, "HAS_inode__i_ctime")
    written = layout.relocated(code(wanted, operation=LOAD_64), COPIES, 128)

    assert struct.unpack("<BBhiBBhi", written.instructions) == (LOAD_64, 2, 0, 1, 0, 0, 0, 0)
    assert (layout.constant("HAS_task_struct__loginuid"), layout.constant("HAS_nsproxy__net_ns")) == (0, 1)
    assert layout.constant("signal_struct__is_child_subreaper") == 24
    assert (1, 0) == tuple(layout.constant("HAS_signals_of_tasks", casts=one) for one in (True, False))
    assert all(layout.constant(name) in (0, 1, 24) for name in codegen.CONSTANTS)


@pytest.mark.parametrize(
    ("changes", "sizes", "says"),
    [
        ({"inode.i_ino": None}, {}, "struct inode of this kernel has no member i_ino"),
        ({"path.dentry": 16}, {}, "struct path.dentry of this kernel is at 16, expected 8"),
        ({"dentry.d_inode": 4096}, {}, r"struct dentry.d_inode of this kernel is at 4096, expected \d+"),
        ({}, {"inode.i_mode": 4}, "struct inode.i_mode of this kernel has 4 bytes, expected 2"),
        ({}, {"dentry.d_iname": 24}, "struct dentry.d_iname of this kernel has 24 bytes, expected 32"),
    ],
    ids=["a member that is gone", "one that moved", "one that left its neighbour", "a wider one", "a shorter one"],
)
def test_a_kernel_that_no_program_fits_is_named_with_the_member(
    layout_of: Callable[..., KernelLayout], changes: dict[str, int | None], sizes: dict[str, int], says: str
) -> None:
    with pytest.raises(SourceUnavailable, match=f"{says}; mozu needs Linux 5.15 or later, and a newer mozu"):
        layout_of(changes, sizes)


def test_a_longer_name_in_the_dentry_is_no_obstacle(layout_of: Callable[..., KernelLayout]) -> None:
    layout_of({}, {"dentry.d_iname": 40})


@pytest.mark.ebpf
def test_the_layout_of_this_kernel_has_every_member_of_every_object() -> None:
    requirements.ebpf()
    layout = KernelLayout(codegen.read_types())
    for variant in VARIANTS:
        for one in read(variant).programs.values():
            assert {relocation.kind for relocation in layout.relocated(one, variant, 128).relocations} <= {
                *(Symbol.MAP, Symbol.MAP_VALUE, Symbol.BTF_ID, Symbol.KFUNC, Symbol.SUBPROGRAM),
            }


def test_a_member_that_cannot_be_read_is_an_error_of_the_table() -> None:
    with pytest.raises(ValueError, match=r"kernel_structs\.py: cannot read 'pid'"):
        members("pid")


def test_drawn_text_declares_each_member_at_its_offset() -> None:
    text = build.struct_text(LAYOUTS[0])
    offset = LAYOUTS[0].offsets["inode"]["i_ino"]

    assert f'_Static_assert(__builtin_offsetof(struct inode, i_ino) == {offset}, "inode.i_ino");' in text
    assert text.index("struct vfsmount {") < text.index("struct mount {")
