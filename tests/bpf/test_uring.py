"""Requests of io_uring: their places in the rings, and the data behind their arguments (bpf/uring.h), in user space."""

import ctypes
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.support import bpf_compiled
from tests.support.kernel_tree import users_text
from tests.support.split import needs_live

pytestmark = pytest.mark.live

NO_SQARRAY, SQE128 = 1 << 16, 1 << 10
FIXED_FILE: Final = 1
DIRECT_FD: Final = 1 << 30
NESTED_HEADER, NESTED_DATA = 128, 256
DATA_MAX: Final = 80
MAX_STR: Final = 4096
ELSEWHERE: Final = 8
"""An address that cannot be read."""


class Sqe(ctypes.Structure):
    """struct sqe."""

    _fields_ = (
        ("opcode", ctypes.c_uint8), ("flags", ctypes.c_uint8), ("priority", ctypes.c_uint16), ("fd", ctypes.c_int32),
        ("off", ctypes.c_uint64), ("addr", ctypes.c_uint64), ("len", ctypes.c_uint32), ("op_flags", ctypes.c_uint32),
        ("user_data", ctypes.c_uint64), ("buffer", ctypes.c_uint16), ("personality", ctypes.c_uint16),
        ("extra", ctypes.c_uint32), ("addr3", ctypes.c_uint64), ("rest", ctypes.c_uint64),
    )  # fmt: skip


class Op(ctypes.Structure):
    """struct uring_op."""

    _fields_ = (
        ("number", ctypes.c_int16), ("placed", ctypes.c_int16), ("from_", ctypes.c_uint8 * 6),
        *((name, ctypes.c_int8) for name in ("text", "text2", "block", "address", "data", "message", "vectors")),
        *((name, ctypes.c_uint8) for name in ("makes", "gives", "spare")),
    )  # fmt: skip


class Call(ctypes.Structure):
    """struct syscall_ctx."""

    _fields_ = (
        ("args", ctypes.c_uint64 * 8), ("result", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("task", "file", "copies")), ("rest", ctypes.c_uint8 * 16),
    )  # fmt: skip


class Part(ctypes.Structure):
    """struct iovec_copy."""

    _fields_ = (("base", ctypes.c_uint64), ("length", ctypes.c_uint64))


class Request(ctypes.Structure):
    """struct uring_request."""

    _fields_ = (
        ("sys", Call), ("sqe", Sqe), ("self_", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("direct", "texts", "round")),
        ("process", ctypes.c_uint16), ("user", ctypes.c_uint16),
        ("ring", ctypes.c_uint64), ("pointed", ctypes.c_uint64),
        ("header", ctypes.c_uint64 * 8), ("parts", Part * 16), ("address", ctypes.c_char * 128),
        ("data", ctypes.c_char * 80 * 4), ("block", ctypes.c_char * 24), ("text", ctypes.c_char * MAX_STR * 2),
    )  # fmt: skip


class Ring:
    """The model: its queue, the order of submissions, the request, and the call that is made of the request."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        for name in ("queues", "orders", "requests", "calls"):
            getattr(library, name).restype = ctypes.c_void_p
        library.clear()
        get: dict[str, Any] = {name: getattr(library, name)() for name in ("queues", "orders", "requests", "calls")}
        self.queue = (Sqe * 64).from_address(get["queues"])
        self.order = (ctypes.c_uint32 * 32).from_address(get["orders"])
        self.request, self.call = Request.from_address(get["requests"]), Call.from_address(get["calls"])

    def copied(self, args: Mapping[int, int], **op: int) -> None:
        """Copy the data behind these arguments into the request; `op`: which arguments point to data."""
        for at, value in args.items():
            self.request.sys.args[at] = value
        none = dict.fromkeys(("text", "text2", "block", "address", "data", "message", "vectors"), -1)
        self.library.copy(ctypes.byref(Op(**(none | op))))

    def place(self, content: bytes, at: int = 0) -> int:
        """Store content in the memory of the caller; return its address."""
        return int(users_text(self.library, content, at).value)


@pytest.fixture(scope="module")
@needs_live
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return bpf_compiled.compiled(tmp_path_factory.mktemp("uring"), "uring_model.c")


@pytest.fixture
@needs_live
def ring(library: ctypes.CDLL) -> Ring:
    return Ring(library)


@pytest.mark.parametrize(("flags", "step"), [(0, 1), (NO_SQARRAY, 1), (SQE128, 2), (SQE128 | NO_SQARRAY, 2)])
@pytest.mark.parametrize("head", [1, 2, 31, 32, 33, 0])
def test_the_entry_that_was_submitted_last_is_read_where_it_lies(ring: Ring, flags: int, step: int, head: int) -> None:
    place = (head - 1) % 32
    for at in range(32):
        ring.order[at] = (at + 5) % 32
    at = place if flags & NO_SQARRAY else (place + 5) % 32
    for number, entry in enumerate(ring.queue):
        entry.opcode, entry.user_data, entry.addr = 18, 1000 + number, number

    expected = at * step
    assert ring.library.read_submitted(flags, head, 18, ctypes.c_uint64(1000 + expected), 1)
    assert expected == ring.request.sqe.addr
    assert not ring.library.read_submitted(flags, head, 19, ctypes.c_uint64(1000 + expected), 1)
    assert not ring.library.read_submitted(flags, head, 18, ctypes.c_uint64(1001 + expected), 1)
    ring.request.sqe = Sqe()
    assert not ring.library.read_submitted(flags, head, 0, ctypes.c_uint64(0), 0)


@pytest.mark.parametrize(("width", "expected"), [(0, 0), (1, 0xCDEF), (2, 0x89ABCDEF), (3, 0x0123456789ABCDEF)])
def test_an_argument_is_as_wide_as_its_member(ring: Ring, width: int, expected: int) -> None:
    ring.request.sqe.off, ring.request.sqe.addr = 0x0123456789ABCDEF, 7
    ring.library.fill(ctypes.byref(Op(from_=(8 | width << 6, 16 | 3 << 6, 0, 0, 0, 8 | 3 << 6))))
    assert [expected, 7, 0, 0, 0, 0x0123456789ABCDEF] == list(ring.request.sys.args[:6])


@pytest.mark.parametrize(("flags", "expected"), [(0, 5), (FIXED_FILE, 5 | DIRECT_FD), (2, 5)])
def test_a_registered_file_is_no_descriptor(ring: Ring, flags: int, expected: int) -> None:
    ring.request.sqe.fd, ring.request.sqe.flags, ring.request.sqe.off = 5, flags, 5
    ring.library.fill(ctypes.byref(Op(from_=(4 | 2 << 6, 8 | 2 << 6, 0, 0, 0, 0))))
    assert [expected, 5] == list(ring.request.sys.args[:2])


@pytest.mark.parametrize(("makes", "extra", "direct"), [(0, 0, 0), (0, 3, 0), (1, 0, 0), (1, 3, 1)])
def test_a_new_descriptor_is_a_registered_file_where_the_entry_says_so(
    ring: Ring, makes: int, extra: int, direct: int
) -> None:
    ring.request.pointed, ring.request.sqe.extra = 0xFF, extra
    ring.library.fill(ctypes.byref(Op(makes=makes)))
    assert (direct, 0) == (ring.request.direct, ring.request.pointed)


def pointed_at(ring: Ring, argument: int) -> str:
    """Return the name of the request's member that an argument is the offset of; empty if it is none."""
    if not ring.request.pointed >> argument & 1:
        return ""
    offset = ring.request.sys.args[argument]
    return next(name for name, *_ in Request._fields_ if getattr(Request, name).offset == offset)


def test_texts_are_copied_and_their_arguments_lead_to_the_copies(ring: Ring) -> None:
    one, other = ring.place(b"/etc/shadow"), ring.place(b"/tmp/x", 512)
    ring.copied({0: one}, text=0)
    assert pointed_at(ring, 0) == "text"
    ring.library.clear()
    ring.copied({1: one, 3: other, 2: 77}, text=1, text2=3)

    assert [b"/etc/shadow", b"/tmp/x"] == [text.value for text in ring.request.text]
    assert (1, 1 << 1 | 1 << 3) == (ring.request.texts, ring.request.pointed)
    assert [Request.text.offset, 77, Request.text.offset + MAX_STR] == list(ring.request.sys.args[1:4])


def test_a_text_that_is_nowhere_is_not_copied_and_one_that_cannot_be_read_is_empty(ring: Ring) -> None:
    ring.copied({1: 0}, text=1)
    assert (0, 0, 0) == (ring.request.texts, ring.request.pointed, ring.request.sys.args[1])
    ring.request.text[0].value = b"earlier"
    ring.copied({1: ELSEWHERE}, text=1)
    assert (1, b"") == (ring.request.texts, ring.request.text[0].value)


@pytest.mark.parametrize("argument", [0, 2, 5])
def test_a_block_is_copied_in_full_or_not_at_all(ring: Ring, argument: int) -> None:
    content = bytes(range(1, 31))
    ring.copied({argument: ring.place(content)}, block=argument)
    assert "block" == pointed_at(ring, argument)
    assert content[:24] == bytes(bytearray(ring.request)[Request.block.offset :][:24])
    ring.copied({2: ELSEWHERE}, block=2)
    assert bytes(24) == bytes(bytearray(ring.request)[Request.block.offset :][:24])
    ring.library.clear()
    ring.copied({2: 0}, block=2)
    assert ring.request.pointed == 0


@pytest.mark.parametrize(("length", "copied"), [(0, 0), (1, 1), (16, 16), (127, 127), (128, 127), (1 << 33 | 5, 5)])
@pytest.mark.parametrize("argument", [0, 1])
def test_an_address_is_copied_with_its_length(ring: Ring, argument: int, length: int, copied: int) -> None:
    content = bytes(1 + number % 250 for number in range(200))
    ring.copied({argument: ring.place(content), argument + 1: length}, address=argument)
    assert (content[:copied], copied) == (ring.request.address, ring.request.sys.args[argument + 1])
    assert pointed_at(ring, argument) == "address"


def test_an_address_that_cannot_be_read_has_no_bytes(ring: Ring) -> None:
    ring.copied({1: ELSEWHERE, 2: 16}, address=1)
    assert (0, "address") == (ring.request.sys.args[2], pointed_at(ring, 1))
    ring.library.clear()
    ring.copied({1: 0, 2: 16}, address=1)
    assert (16, "") == (ring.request.sys.args[2], pointed_at(ring, 1))


@pytest.mark.parametrize("argument", [0, 1, 5])
@pytest.mark.parametrize(("length", "copied"), [(0, 0), (5, 5), (79, 79), (80, 80), (81, 80), (1 << 40, 80)])
def test_the_first_bytes_of_data_are_copied(ring: Ring, argument: int, length: int, copied: int) -> None:
    content = bytes(1 + number % 250 for number in range(200))
    ring.copied({argument: ring.place(content), argument + 1: length}, data=argument)
    assert content[:copied] == ring.request.data[0].value
    assert (b"", "data") == (ring.request.data[1].value, pointed_at(ring, argument))
    assert length == ring.request.sys.args[argument + 1]


def test_data_that_is_nowhere_is_not_copied(ring: Ring) -> None:
    ring.copied({1: 0, 2: 16}, data=1)
    assert (0, 16, "") == (*ring.request.sys.args[1:3], pointed_at(ring, 1))


def iovecs(ring: Ring, count: int) -> tuple[int, list[bytes]]:
    """Store an array of struct iovec; return its address and the contents."""
    contents = [bytes([65 + number]) * (number * 7 + 1) for number in range(count)]
    pairs = b"".join(
        ring.place(content, 2048 + number * 256).to_bytes(8, "little") + len(content).to_bytes(8, "little")
        for number, content in enumerate(contents)
    )
    return ring.place(pairs, 1024), contents


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 15, 16, 17])
@pytest.mark.parametrize("gives", [0, 1])
@pytest.mark.parametrize("at", [0, 1])
def test_iovecs_are_copied_and_the_bytes_of_the_first_where_they_are_given(
    ring: Ring, count: int, gives: int, at: int
) -> None:
    place, contents = iovecs(ring, count)
    ring.copied({at: place, at + 1: count}, vectors=at, gives=gives)

    assert [len(content) for content in contents[:16]] == [part.length for part in ring.request.parts][: min(count, 16)]
    assert not any(part.length for part in ring.request.parts[count:])
    expected = [content[:DATA_MAX] if gives else b"" for content in contents[:4]]
    assert [*expected, b"", b"", b"", b""][:4] == [data.value for data in ring.request.data]
    assert (b"", b"") == (ring.request.address, ring.request.block)
    assert pointed_at(ring, at) == "parts"
    assert NESTED_DATA * gives == ring.request.pointed & (NESTED_DATA | NESTED_HEADER)


@pytest.mark.parametrize("gives", [0, 1])
@pytest.mark.parametrize("at", [0, 1])
def test_a_header_of_a_message_is_copied_with_its_address_and_iovecs(ring: Ring, gives: int, at: int) -> None:
    place, contents = iovecs(ring, 2)
    address = ring.place(b"\2\0\0\x35" + b"\1" * 12, 512)
    words = (address, 16 | 9 << 32, place, 2, 99)
    header = ring.place(b"".join(word.to_bytes(8, "little") for word in words), 256)
    ring.copied({at: header}, message=at, gives=gives)

    expected = [address, 16 if gives else 16 | 9 << 32, place, 2, 0]
    assert expected == list(ring.request.header[:5])
    copied = bytes(bytearray(ring.request)[Request.address.offset :][:16])
    assert copied == (b"\2\0\0\x35" + b"\1" * 12 if gives else bytes(16))
    assert [len(content) for content in contents] == [part.length for part in ring.request.parts[:2]]
    assert ("header", NESTED_HEADER) == (pointed_at(ring, at), ring.request.pointed & NESTED_HEADER)

    ring.library.point()

    base = ctypes.addressof(ring.request)
    assert base == ring.call.copies
    assert base + Request.header.offset == ring.call.args[at]
    parts, kept = base + Request.parts.offset, base + Request.address.offset
    assert [kept if gives else address, parts] == [ring.request.header[0], ring.request.header[2]]
    bases = [base + Request.data.offset + at * DATA_MAX for at in range(4)]
    found = [part.base for part in ring.request.parts[:5]]
    assert (bases if gives else found[:4]) == found[:4]
    assert found[4] == 0


@pytest.mark.parametrize(("length", "copied"), [(126, 126), (127, 127), (128, 127), (1000, 127)])
def test_of_an_address_of_a_message_as_much_is_copied_as_there_is_space(ring: Ring, length: int, copied: int) -> None:
    place, _ = iovecs(ring, 1)
    content = bytes(1 + number % 250 for number in range(200))
    words = (ring.place(content, 512), length, place, 1)
    header = ring.place(b"".join(word.to_bytes(8, "little") for word in words), 256)
    ring.copied({1: header}, message=1, gives=1)
    assert (content[:copied], copied) == (ring.request.address, ring.request.header[1])


def test_a_message_without_an_address_has_none_in_its_copy(ring: Ring) -> None:
    place, _ = iovecs(ring, 1)
    header = ring.place(b"".join(word.to_bytes(8, "little") for word in (0, 0, place, 1)), 256)
    ring.copied({1: header}, message=1, gives=1)
    ring.library.point()
    assert [0, 0] == list(ring.request.header[:2])


def test_arguments_that_point_to_copies_are_addresses_and_others_stay(ring: Ring) -> None:
    ring.request.sys.args[:6] = (1, 2, 3, 4, 5, 6)
    ring.request.sys.result, ring.request.sys.task, ring.request.pointed = -7, 9, 0b101001

    ring.library.point()

    base = ctypes.addressof(ring.request)
    assert [base + 1, 2, 3, base + 4, 5, base + 6] == list(ring.call.args[:6])
    assert (-7, 9, base) == (ring.call.result, ring.call.task, ring.call.copies)
    assert [0] * 16 == [part.base for part in ring.request.parts]
    assert [0] * 8 == list(ring.request.header)
