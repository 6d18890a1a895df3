"""Members of the structs of bpf/ as the instructions of a kernel filter read them."""

import pytest

from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.maps import SIZES
from mozu.plugins.sources.ebpf.wire import Place


def test_a_struct_has_the_size_that_its_map_has() -> None:
    assert SIZES["SYSCALL_CTX_SIZE"] == wire.size("syscall_ctx")
    assert SIZES["FILTER_SCRATCH_SIZE"] == wire.size("filter_scratch")
    assert SIZES["OPENED_PATH_SIZE"] == wire.size("opened_path")


def test_a_member_is_found_by_its_name_with_its_width_and_sign() -> None:
    assert Place(0, 8) == wire.place("syscall_ctx", "args")
    assert Place(64, 8, signed=True) == wire.place("syscall_ctx", "result")
    assert Place(96, 4, signed=True) == wire.place("syscall_ctx", "number")


def test_a_member_of_a_struct_by_value_is_found_through_it() -> None:
    first, flags = (wire.place("filter_scratch", f"open.{name}").offset for name in ("user", "flags"))

    assert flags - first == wire.place("open_args", "flags").offset


def test_members_of_an_unnamed_union_lie_at_one_place() -> None:
    words, letters = (wire.place("filter_scratch", f"given.{name}") for name in ("word", "bytes"))

    assert (words.offset, 8, 1) == (letters.offset, words.size, letters.size)


def test_a_member_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        wire.place("syscall_ctx", "nothing")


def test_the_compiler_is_held_to_every_offset() -> None:
    assert "__builtin_offsetof(struct filter_scratch, open.flags) ==" in wire.map_assertions()
