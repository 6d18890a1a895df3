"""Keys by which judged opens are recognised (bpf/verdict_memory.h), compiled for user space."""

import ctypes
import random
import struct
from collections.abc import Iterable
from typing import Any, Final

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.bpf.test_kernel_filter import kept
from tests.bpf.test_record import HEADER, OPENAT, PID, TID, Counts, begun, counts, head
from tests.support.kernel_tree import REGULAR, Made, memory

pytestmark = pytest.mark.live

MASK: Final = (1 << 64) - 1
SECRET: Final = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
"""Key of path_model.c."""
IS_CALLER, HAS_HASH, URING = 1, 0x100, 2
OUTPUT: Final = 3 * 1006 + 2
GENERATION: Final = 5
SIZE: Final = wire.layouts()["open"].size
FLOW, FILTER_SCRATCH, OPENED_PATHS, OPENED_AT = 1, 10, 11, 28
"""Numbers of maps in kernel_model.h."""


def rotated(value: int, count: int) -> int:
    return (value << count | value >> (64 - count)) & MASK


def sip(words: Iterable[int]) -> int:
    """Return SipHash with one round a word and three at the end, of whole words and without their length."""
    a, b = SECRET[0] ^ 0x736F6D6570736575, SECRET[1] ^ 0x646F72616E646F6D
    c, d = SECRET[0] ^ 0x6C7967656E657261, SECRET[1] ^ 0x7465646279746573

    def turn(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = rotated(b, 13) ^ a, rotated(d, 16) ^ c
        a = rotated(a, 32)
        a, c = (a + d) & MASK, (c + b) & MASK
        b, d = rotated(b, 17) ^ c, rotated(d, 21) ^ a
        return a, b, rotated(c, 32), d

    for word in words:
        a, b, c, d = turn(a, b, c, d ^ word)
        a ^= word
    a, b, c, d = turn(*turn(*turn(a, b, c ^ 0xFF, d)))
    return a ^ b ^ c ^ d


def u64(function: Any, *arguments: int) -> int:
    function.restype = ctypes.c_uint64
    return int(function(*map(ctypes.c_uint64, arguments)))


def chain(kernel: ctypes.CDLL, *pids: int) -> None:
    """Set the calling process and its ancestors."""
    for at, pid in enumerate(pids):
        kernel.set_task(at, pid, min(at + 1, len(pids) - 1))


def caller(kernel: ctypes.CDLL, of: int, number: int = OPENAT) -> int:
    kernel.caller.restype = ctypes.c_uint64
    return int(kernel.caller(ctypes.c_uint64(of), number))


@pytest.mark.parametrize("last", [0, 1])
def test_a_caller_is_a_hash_of_the_versions_of_its_process_and_of_its_ancestors(kernel: ctypes.CDLL, last: int) -> None:
    kernel.begin()
    pids, versions = (70, 60, 50, last), (11, 22, 33, 44)
    chain(kernel, *pids)
    for pid, version in zip(pids, versions, strict=True):
        kernel.set_version(pid, ctypes.c_uint64(version))
    memory(kernel, "flow", "flows").put("changes", 9)
    known = [word for pair in zip(pids, versions, strict=True) for word in pair]

    assert sip([70 << 32 | 77, 9, OPENAT, *known]) | IS_CALLER == caller(kernel, 70 << 32 | 77)
    assert sip([70 << 32 | 77, 9, 2, *known]) | IS_CALLER == caller(kernel, 70 << 32 | 77, 2)


def test_a_process_without_a_version_begins_with_now_and_without_a_place_is_no_caller(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    kernel.version.restype = ctypes.c_uint64
    chain(kernel, 70, 1)
    expected = sip([70 << 32, 0, OPENAT, 70, 1001, 1, 1002]) | IS_CALLER
    assert expected == caller(kernel, 70 << 32) == caller(kernel, 70 << 32)
    assert (1001, 1002) == (kernel.version(70), kernel.version(1))
    for pid in range(100, 130):
        assert kernel.version(pid) == 0
        kernel.set_version(pid, ctypes.c_uint64(1))
    chain(kernel, 71, 1)
    assert 0 == caller(kernel, 71 << 32)


@pytest.mark.parametrize(("count", "is_caller"), [(2, True), (16, True), (17, True), (18, False)])
def test_a_task_with_too_many_ancestors_is_no_caller(kernel: ctypes.CDLL, count: int, is_caller: bool) -> None:
    kernel.begin()
    chain(kernel, *range(100, 99 + count), 1)
    assert is_caller is bool(caller(kernel, 100 << 32))


def filled(kernel: ctypes.CDLL, size: int, seed: int = 1) -> bytes:
    """Fill the record with `size` bytes behind the header; later bytes are those of an earlier record."""
    kernel.record.restype = ctypes.c_void_p
    content = random.Random(seed).randbytes(1000)
    ctypes.memmove(kernel.record() + HEADER.size, content, len(content))
    kernel.use_record(ctypes.c_uint64(HEADER.size + size))
    return content[:size]


def key(kernel: ctypes.CDLL, number: int, size: int, content: bytes, *, marks: int = 0, entry_path: int = 0) -> int:
    """Return the key by plain Python. `size`: that of the whole record."""
    result = head(kernel)["result"]
    words = content + bytes(-len(content) % 8)
    whole = [*struct.unpack(f"<{len(words) // 8}Q", words)]
    known = OPENAT | marks << 16 | entry_path << 32
    return sip([number, GENERATION, known, result & MASK, *whole, size]) & ~IS_CALLER


@pytest.mark.parametrize("size", [8, 9, 15, 16, 17, 100, 471, 472])
@pytest.mark.parametrize("entry_path", [0, 1])
def test_a_key_is_a_hash_of_the_class_and_of_what_rules_see_of_the_record(
    kernel: ctypes.CDLL, size: int, entry_path: int
) -> None:
    assert begun(kernel, entry_path=entry_path)
    content = filled(kernel, size)
    whole = HEADER.size + size
    kernel.key.restype = ctypes.c_uint64

    found = [kernel.key(ctypes.c_uint64(number), GENERATION, ctypes.c_uint64(whole)) for number in (1, 2)]

    assert [key(kernel, number, whole, content, entry_path=entry_path) for number in (1, 2)] == found


def ready(kernel: ctypes.CDLL, size: int = 100, *, generation: int = GENERATION, entry_path: int = 0) -> bytes:
    """Make an open of the process PID, a child of init, whose record is complete; return the content."""
    assert begun(kernel, entry_path=entry_path)
    chain(kernel, PID, 1)
    for pid in (PID, 1):
        kernel.set_version(pid, ctypes.c_uint64(3))
    memory(kernel, "flow", "flows").put("generation", generation)
    return filled(kernel, size)


CALLER: Final = sip([PID << 32 | TID, 0, OPENAT, PID, 3, 1, 3]) | IS_CALLER


def ended(kernel: ctypes.CDLL, fd: int = 0, *, opens: bool = False) -> tuple[int, int | None]:
    """Return (the index of the next program, the hash behind the record)."""
    kernel.used.restype = kernel.record.restype = ctypes.c_uint64
    before = kernel.used()
    found = kernel.end(fd, opens)
    behind = kernel.used() - before
    assert behind in (0, 8)
    assert bool(head(kernel)["entry_path"] & HAS_HASH) is (behind == 8)
    raw = ctypes.string_at(kernel.record() + before, 8)
    return found, int.from_bytes(raw, "little") if behind else None


def test_a_caller_without_a_class_stands_behind_the_record(kernel: ctypes.CDLL) -> None:
    ready(kernel)
    assert (OUTPUT, CALLER) == ended(kernel)
    ready(kernel)
    kernel.classify(ctypes.c_uint64(CALLER), ctypes.c_uint64(7), GENERATION - 1)
    assert (OUTPUT, CALLER) == ended(kernel)


@pytest.mark.parametrize("size", [97, 98, 99])
def test_a_hash_begins_where_the_record_ends_whatever_its_length(kernel: ctypes.CDLL, size: int) -> None:
    content = ready(kernel, size)
    assert (OUTPUT, CALLER) == ended(kernel)
    assert content == ctypes.string_at(kernel.record() + HEADER.size, size)


@pytest.mark.parametrize("judged", [None, GENERATION - 1, GENERATION])
def test_an_open_whose_key_was_judged_is_discarded_and_the_key_of_another_stands_behind_it(
    kernel: ctypes.CDLL, judged: int | None
) -> None:
    content = ready(kernel)
    expected = key(kernel, 7, HEADER.size + 100, content)
    kernel.classify(ctypes.c_uint64(CALLER), ctypes.c_uint64(7), GENERATION)
    if judged is not None:
        kernel.judge(ctypes.c_uint64(expected), judged)
    kernel.times_recognised.restype = ctypes.c_uint64

    is_known = judged == GENERATION
    assert ((0, None) if is_known else (OUTPUT, expected)) == ended(kernel)

    assert Counts(filtered=int(is_known), seen=1) == counts(kernel)
    assert int(is_known) == kernel.times_recognised()


@pytest.mark.parametrize(
    ("size", "generation", "entry_path", "has_hash"),
    [(472, GENERATION, 0, True), (473, GENERATION, 0, False), (100, 0, 0, False), (100, GENERATION, URING, False)],
)
def test_a_record_that_is_long_or_of_io_uring_has_no_hash_and_none_has_without_a_generation(
    kernel: ctypes.CDLL, size: int, generation: int, entry_path: int, has_hash: bool
) -> None:
    ready(kernel, size, generation=generation, entry_path=entry_path)
    found, behind = ended(kernel)
    assert (OUTPUT, has_hash) == (found, behind is not None)
    kernel.without(FLOW)
    ready(kernel)
    kernel.without(FLOW)
    assert (OUTPUT, None) == ended(kernel)


def of_path(kernel: ctypes.CDLL, path: bytes, keeps: int) -> tuple[int, int]:
    """Make a judged open of this path; return (descriptor, entry). Its record is struct open and the path."""
    made = Made(kernel)
    assert begun(kernel)
    made = Made(kernel)
    settings = memory(kernel, "syscall_ctx", "calls")
    for name, value in {"number": OPENAT, "task": PID << 32 | TID, "result": 3}.items():
        settings.put(name, value)
    assert kernel.begin_open(ctypes.c_uint64(SIZE))
    chain(kernel, PID, 1)
    for pid in (PID, 1):
        kernel.set_version(pid, ctypes.c_uint64(3))
    flow = memory(kernel, "flow", "flows")
    flow.put("generation", GENERATION)
    flow.put("keeps_paths", keeps)
    content = bytearray(SIZE - HEADER.size) + path
    place = next(member for member in wire.layouts()["open"].members if member.name == "user").offset - HEADER.size
    content[place : place + 2] = len(path).to_bytes(2, "little")
    kernel.record.restype = ctypes.c_void_p
    ctypes.memmove(kernel.record() + HEADER.size, bytes(content), len(content))
    kernel.use_record(ctypes.c_uint64(SIZE + len(path)))
    kernel.classify(ctypes.c_uint64(CALLER), ctypes.c_uint64(7), GENERATION)
    kernel.judge(ctypes.c_uint64(key(kernel, 7, SIZE + len(path), bytes(content))), GENERATION)
    entry = made.tree.entry(made.here, "f", 1, REGULAR)
    made.tree.file(3, 1, entry)
    return 3, entry


@pytest.mark.parametrize("keeps", [0, 1])
@pytest.mark.parametrize(
    ("length", "is_kept"), [(0, False), (1, True), (9, True), (254, True), (255, True), (256, False)]
)
def test_the_path_of_a_recognised_open_is_kept_where_events_on_descriptors_show_it(
    kernel: ctypes.CDLL, keeps: int, length: int, is_kept: bool
) -> None:
    path = b"/" * bool(length) + b"n" * (length - 1)
    fd, entry = of_path(kernel, path, keeps)

    found, behind = ended(kernel, fd, opens=True)

    assert (0 if not keeps or is_kept else OUTPUT, keeps and not is_kept) == (found, behind is not None)
    assert ((path, length) if keeps and is_kept else (b"", 0)) == kept(kernel, fd, entry)


def test_a_recognised_open_that_failed_keeps_nothing(kernel: ctypes.CDLL) -> None:
    fd, entry = of_path(kernel, b"/etc/d/f", 1)
    assert (0, None) == ended(kernel, fd)
    assert (b"", 0) == kept(kernel, fd, entry)


@pytest.mark.parametrize("missing", [(FILTER_SCRATCH,), (OPENED_AT, OPENED_PATHS)])
def test_an_open_whose_path_finds_no_place_is_emitted(kernel: ctypes.CDLL, missing: tuple[int, ...]) -> None:
    fd, _ = of_path(kernel, b"/etc/d/f", 1)
    for one in missing:
        kernel.without(one)
    assert ended(kernel, fd, opens=True)[0] == OUTPUT
