"""The wire format, which must be the same on both sides."""

import struct

import pytest

from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.decode import DECODERS
from mozu.plugins.sources.ebpf.decode.reading import reader


def test_every_struct_has_its_members_at_natural_alignment_without_holes() -> None:
    for layout in wire.layouts().values():
        assert layout.packer.size == layout.size
        for member in layout.members:
            unit = 1 if member.format.endswith("s") else struct.calcsize(member.format[-1])
            assert member.offset % unit == 0, f"{layout.name}.{member.name}"


def test_every_record_begins_with_the_header() -> None:
    parts = ("header", "file_attrs", "endpoints", "standard", "cgroup_path")
    records = {name: layout for name, layout in wire.layouts().items() if name not in parts}
    header = wire.layouts()["header"]
    for layout in records.values():
        assert [m.c_path for m in layout.members[: len(header.members)]] == [f"head.{m.name}" for m in header.members]


def test_every_record_is_a_multiple_of_eight_bytes() -> None:
    """A record begins with such a struct, except for cgroup_path, which is one of the strings behind it."""
    sizes = {name: layout.size for name, layout in wire.layouts().items() if name != "cgroup_path"}
    assert {name: size % 8 for name, size in sizes.items()} == dict.fromkeys(sizes, 0)


def test_every_member_s_offset_is_asserted_in_c() -> None:
    text = wire.assertions()

    for layout in wire.layouts().values():
        assert f"sizeof(struct {layout.name}) == {layout.size}" in text
        for member in layout.members:
            assert f"__builtin_offsetof(struct {layout.name}, {member.c_path}) == {member.offset}" in text


def test_a_decoder_that_expects_another_order_is_refused() -> None:
    with pytest.raises(ValueError, match="its decoder expects"):
        reader("exit", "head_time status reaper")


def test_every_decoder_is_used() -> None:
    from mozu.core.abi.syscall_specs import SYSCALL_SPECS

    assert {spec.family for spec in SYSCALL_SPECS.values()} == set(DECODERS)


def test_marks_are_distinct_bits_of_sixteen() -> None:
    bits = list(wire.marks().values())

    assert sum(bits) == sum(1 << n for n in range(len(bits)))
    assert max(bits) < 1 << 16
