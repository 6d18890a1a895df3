"""Data that a call points to (bpf/syscall_ctx.h), in the memory of the caller and in the copies of a request of
io_uring."""

import ctypes
import struct

import pytest

from mozu.plugins.sources.ebpf.maps import OUTPUT_INDEX, SIZES
from tests.support.kernel_machine import SETTINGS, Machine, pointer

pytestmark = pytest.mark.live

NATIVE, COMPAT = 0, 1
POINTED = 127
REQUEST = SIZES["URING_REQUEST_SIZE"]
TEXT = bytes(range(65, 91)) * 20


USERS = 1 << 16
"""Bytes of the caller's memory."""


def user(machine: Machine, raw: bytes, at: int = 0) -> int:
    """Store bytes in the caller's memory; return their address."""
    ctypes.memmove(machine.kernel.users + at, raw, len(raw))
    return machine.kernel.users + at


def copied(machine: Machine, raw: bytes, at: int) -> int:
    """Make the call one of a request with copies; store bytes in the copies and return their address."""
    place = machine.kernel.place(REQUEST + 4096)
    machine.call.put("copies", place)
    machine.kernel.write(place + at, raw)
    return place + at


def appended(machine: Machine, function: str, *arguments: int) -> tuple[int, bytes]:
    machine.begin("call")
    values = [pointer(one) for one in (machine.s, machine.call.address, *arguments)]
    length: int = getattr(machine.library, function)(*values)
    return length, machine.strings("call")


@pytest.mark.parametrize(
    ("at", "is_copy"),
    [(0, True), (REQUEST - 1, True), (REQUEST, False), (-1, False)],
    ids=["first", "last", "behind", "before"],
)
def test_an_argument_is_read_where_it_points_to(machine: Machine, at: int, is_copy: bool) -> None:
    """Addresses within a request are the kernel's, all others the caller's, by which no memory of the kernel can be
    read."""
    place = copied(machine, b"x\0", at if at >= 0 else REQUEST)
    found = appended(machine, "text", place if at >= 0 else place - REQUEST - 1)

    assert ((1, b"x") if is_copy else (0, b"")) == found
    assert (2, b"ab") == appended(machine, "text", user(machine, b"ab\0"))


@pytest.mark.parametrize(
    ("snaplen", "of_caller", "of_request"), [(0, 0, 0), (79, 79, 79), (80, 80, 80), (81, 81, 80), (300, 300, 80)]
)
def test_as_much_of_a_payload_is_kept_as_the_setting_says_and_was_copied(
    machine: Machine, snaplen: int, of_caller: int, of_request: int
) -> None:
    machine.settings.put("snaplen", snaplen)

    assert (of_caller, TEXT[:of_caller]) == appended(machine, "payload", user(machine, TEXT), 400)
    assert (min(snaplen, 20), TEXT[: min(snaplen, 20)]) == appended(machine, "payload", user(machine, TEXT), 20)
    assert (of_request, TEXT[:of_request]) == appended(machine, "payload", copied(machine, TEXT, 0), 400)


def test_without_settings_no_payload_is_kept(machine: Machine) -> None:
    machine.settings.put("snaplen", 80)
    machine.library.shorten_map(SETTINGS, 0)
    assert (0, b"") == appended(machine, "payload", user(machine, TEXT), 80)


@pytest.mark.parametrize(("entry_path", "width"), [(NATIVE, 8), (2, 8), (COMPAT, 4)])
def test_words_are_as_wide_as_those_of_the_caller(machine: Machine, entry_path: int, width: int) -> None:
    words = [0x1111_2222_3333_4444, 0x5555_6666_7777_8888, 0xFFFF_FFFF_FFFF_FFFF]
    raw = b"".join((word & (1 << 8 * width) - 1).to_bytes(width, "little") for word in words)
    at = user(machine, raw, USERS - len(raw))
    machine.call.put("entry_path", entry_path)

    found = [machine.library.word(pointer(machine.call.address), pointer(at), index) for index in range(3)]

    assert [word & (1 << 8 * width) - 1 for word in words] == found
    assert 0 == machine.library.word(pointer(machine.call.address), pointer(8), 0)


@pytest.mark.parametrize(
    ("size", "following", "expected"),
    [
        (0, 0, 520), (1, 0, 1), (126, 0, 126), (-1, 5, 5), (-4, 5, 20), (-4, 32, 128),
        (-4, 33, 128), (-128, 1, 128), (-1, 1 << 32 | 7, 7), (-1, 0, 0),
    ],
)  # fmt: skip
def test_a_block_is_a_string_or_as_long_as_its_size_and_the_next_argument_say(
    machine: Machine, size: int, following: int, expected: int
) -> None:
    args = machine.kernel.array(0, 0, 0, user(machine, TEXT + b"\0"), following, 0, 0, 0)

    assert (expected, TEXT[:expected]) == appended(machine, "block", args, 3, size)


@pytest.mark.parametrize(
    ("pointed", "expected"), [(0, 0), (16, 16), (127, 127), (128, 128), (129, 128), (1 << 31, 128)]
)
def test_a_block_may_be_as_long_as_the_number_says_that_the_next_argument_points_to(
    machine: Machine, pointed: int, expected: int
) -> None:
    length = user(machine, struct.pack("<II", pointed, 0xFFFFFFFF), 4096)
    args = machine.kernel.array(0, 0, 0, 0, 0, user(machine, TEXT), length, 0)

    assert (expected, TEXT[:expected]) == appended(machine, "block", args, 5, POINTED)


@pytest.mark.parametrize(("argument", "at"), [(-1, 1), (3, 0)], ids=["none", "a null pointer"])
def test_there_is_no_block_where_no_argument_points_to_one(machine: Machine, argument: int, at: int) -> None:
    place = user(machine, TEXT) * at
    args = machine.kernel.array(place, place, place, place, 5, 0, place, place)
    assert (0, b"") == appended(machine, "block", args, argument, 16)


def test_a_call_has_no_strings_until_they_are_appended(machine: Machine) -> None:
    record = machine.begin("call")
    machine.library.no_texts(pointer(record))
    found = machine.kernel.wire("call", record)
    names = [name for name in found if name.startswith(("text", "base", "data"))]
    assert {0} == {found[name] for name in names}
    assert 8 == len(names)


def test_a_completed_record_goes_on_to_the_program_that_puts_it_out(machine: Machine) -> None:
    for name in ("slot", "then", "done"):
        machine.call.put(name, 9)
    assert 0 == machine.library.records(2, 3)
    assert [2, 3, 0] == [machine.call[name] for name in ("slot", "then", "done")]
    assert OUTPUT_INDEX == machine.library.went_to()


@pytest.mark.parametrize(("following", "done"), [(0, 9), (7, 0)])
def test_a_call_goes_on_where_a_program_says_so(machine: Machine, following: int, done: int) -> None:
    """If there is no program at that index, the next call begins anew."""
    machine.call.put("done", 9)
    assert 0 == machine.library.goes_on(pointer(machine.call.address), following)
    assert (following, done) == (machine.library.went_to(), machine.call["done"])
