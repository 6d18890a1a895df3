"""Findings of the subprograms of kernel filters about a call (bpf/kernel_filter.h and its includes), in user space."""

import ctypes
import random
import re
from collections import Counter
from typing import Final

import pytest

from mozu.plugins.sources.ebpf.wire import constant
from tests.support.kernel_tree import (
    DIRECTORY,
    MARKS,
    NO_ENTRY,
    REGULAR,
    Made,
    Memory,
    Tree,
    memory,
    scratch,
    users_text,
)

pytestmark = pytest.mark.live

AS_GIVEN, OTHERWISE, UNKNOWN = range(3)
LONGEST: Final = 254
AT_FDCWD, O_DIRECTORY = -100, 0o200000
ROUGH: Final = re.compile(rb"//|/\Z|/\.(/|\Z)|/\.\.")
"""Pattern of absolute paths that are not plain. `..b` is taken for `..`."""
SCRATCH, OPENED_PATHS, OPENED_AT = 6, 11, 28
"""Numbers of maps in kernel_model.h."""


def text_of(g: Memory, which: str) -> bytes:
    return g.bytes_at(f"{which}.bytes", g[f"{which}.length"])


def assert_found(g: Memory, which: str, path: bytes) -> None:
    """Compare the tested facts of a path with those that plain Python finds."""
    slash = max(path.rfind(b"/"), 0)
    assert (slash, b"../" in path, b"/." in path) == (
        g[f"{which}.slash"], g[f"{which}.climbs"] != 0, g[f"{which}.hidden"] != 0
    ), path  # fmt: skip
    assert g.bytes_at(f"{which}.bytes", len(path) + 1) == path + b"\0"
    file = path[slash + 1 :][:32] + b"\0"
    assert g.bytes_at(f"{which}.file", min(len(file), 32)) == file[:32]


PIECES: Final = (
    *(b"a", b"ab", b"/", b"/", b"//", b".", b"..", b"/.", b"/..", b"...", b".x", b"x.", b"\xff", b"0123456789abcdef"),
)


def test_whether_a_path_is_plain_and_where_its_slashes_are_fuzz(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    g, seen = scratch(kernel), Counter[bool]()
    for seed in range(4000):
        chance = random.Random(seed)
        path = (b"/" + b"".join(chance.choices(PIECES, k=chance.randint(0, chance.choice((3, 8, 40))))))[:LONGEST]
        is_plain = not ROUGH.search(path)

        assert is_plain == kernel.plain(path), path
        assert_found(g, "given", path)
        seen[is_plain] += 1
    assert min(seen.values()) > 300


@pytest.mark.parametrize("length", [*range(2, 34), *range(246, 255)])
def test_every_place_of_a_slash_is_found(kernel: ctypes.CDLL, length: int) -> None:
    kernel.begin()
    for at in range(1, length - 1):
        path = bytearray(b"/" + b"n" * (length - 1))
        path[at] = ord("/")
        assert kernel.plain(bytes(path)) == (at > 1)
        assert_found(scratch(kernel), "given", bytes(path))


# --- names


@pytest.mark.parametrize(
    ("dirfd", "given", "expected"),
    [
        (AT_FDCWD, b"/etc/shadow", b"/etc/shadow"), (5, b"/x", b"/x"), (AT_FDCWD, b"x", b"/etc/d/x"),
        (5, b"shadow", b"/etc/shadow"), (6, b"x/y", b"/x/y"), (7, b"x", b"/x"), (AT_FDCWD, b"", None), (8, b"x", None),
        (4, b"x", None), (AT_FDCWD, b"../x", None), (AT_FDCWD, b"/x/./y", None),
        (AT_FDCWD, b"/" + b"n" * 253, b"/" + b"n" * 253), (AT_FDCWD, b"/" + b"n" * 254, None),
        (AT_FDCWD, b"/" + b"n" * 300, None), (AT_FDCWD, b"n" * 247, b"/etc/d/" + b"n" * 247),
        (AT_FDCWD, b"n" * 248, None), (9, b"n" * 7, b"/" + b"/".join([b"n" * 40] * 6) + b"/" + b"n" * 7),
        (9, b"n" * 8, None), (10, b"x", b"/ab/x"), (10, b"xyz", b"/ab/xyz"),
    ],
)  # fmt: skip
def test_the_name_of_an_open_is_joined_to_its_directory(
    kernel: ctypes.CDLL, dirfd: int, given: bytes, expected: bytes | None
) -> None:
    Made(kernel)
    g = scratch(kernel)

    found = kernel.name(dirfd, users_text(kernel, given))

    assert (expected is not None) == found
    if expected is not None:
        assert expected == text_of(g, "given")
        assert len(given) == g["given.raw"]
        assert_found(g, "given", expected)


def test_a_directory_whose_path_is_as_long_as_can_be_tested_is_none_to_join_to(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    for size, joins in ((251, True), (252, True), (253, True), (254, False), (255, False)):
        at = made.root
        for length in (200, size - 200):
            at = made.tree.entry(at, "n" * (length - 1), 1)
        made.tree.file(4, 1, at)
        found = kernel.name(4, users_text(kernel, b"x"))
        assert bool(found) is (joins and size + 2 < 255), size


def test_a_name_that_cannot_be_read_is_not_tested(kernel: ctypes.CDLL) -> None:
    Made(kernel)
    kept = ctypes.create_string_buffer(b"/etc/shadow")

    assert not kernel.name(AT_FDCWD, ctypes.c_uint64(ctypes.addressof(kept)))
    assert not kernel.name(AT_FDCWD, ctypes.c_uint64(0))
    kernel.without(SCRATCH)
    assert kernel.name(AT_FDCWD, users_text(kernel, b"/etc"))
    assert not kernel.name(AT_FDCWD, users_text(kernel, b"etc"))


def test_a_name_of_a_request_of_io_uring_is_read_from_its_copies(kernel: ctypes.CDLL) -> None:
    Made(kernel)
    kept = ctypes.create_string_buffer(b"/etc/shadow", 16384)
    memory(kernel, "syscall_ctx", "calls").put("copies", ctypes.addressof(kept))

    assert kernel.name(AT_FDCWD, ctypes.c_uint64(ctypes.addressof(kept)))
    assert b"/etc/shadow" == text_of(scratch(kernel), "given")
    assert kernel.name(5, ctypes.c_uint64(ctypes.addressof(kept) + 5))
    assert b"/etc/shadow" == text_of(scratch(kernel), "given")
    assert not kernel.name(AT_FDCWD, ctypes.c_uint64(ctypes.addressof(kept) + 9192))


# --- path that an open reached


def opened(kernel: ctypes.CDLL, path: bytes, result: int) -> None:
    assert kernel.name(AT_FDCWD, users_text(kernel, path))
    memory(kernel, "syscall_ctx", "calls").put("result", result)


def test_the_path_that_was_reached_is_the_given_one_or_another_fuzz(kernel: ctypes.CDLL) -> None:
    seen: Counter[int] = Counter()
    kernel.reached.restype = ctypes.c_uint64
    for seed in range(150):
        chance = random.Random(seed)
        tree = Tree(kernel)
        places = tree.random_places(chance, 30)
        if chance.random() < 0.3:
            tree.set_root(*chance.choice(places))
        for mount, entry in places:
            real = tree.real_path(mount, entry)
            path = real.text.encode()
            given = chance.choice((path, path, path + b"x", path[1:], b"/x" + path, b"/etc/x"))
            given = given if given[:1] == b"/" and not ROUGH.search(given) and len(given) <= LONGEST else b"/etc/x"
            tree.file(3, mount, entry)
            opened(kernel, given, 3)
            is_known = not real.marks & ~MARKS["OUTSIDE"] and 0 < len(path) <= LONGEST and not ROUGH.search(path)
            is_seen = all(len(part) < 32 for part in path.split(b"/")) and not tree.is_apart(entry)
            is_given = given == path and is_seen and real.marks in (0, MARKS["OUTSIDE"])
            found = kernel.reached(1)
            assert found == (AS_GIVEN if is_given else OTHERWISE if is_known else UNKNOWN), (seed, given, real)
            if found == OTHERWISE:
                assert path == text_of(scratch(kernel), "real")
                assert_found(scratch(kernel), "real", path)
            assert kernel.reached(0) == (OTHERWISE if is_known else UNKNOWN)
            seen[found] += 1
    assert min(seen.values()) > 100
    assert {AS_GIVEN, OTHERWISE, UNKNOWN} == set(seen)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 23, 24, 30, 31, 32, 33])
def test_names_of_every_length_are_compared_in_full(kernel: ctypes.CDLL, length: int) -> None:
    made = Made(kernel)
    name = bytes(ord("a") + number % 26 for number in range(length))
    made.tree.file(3, 1, made.tree.entry(made.here, name.decode(), 1, REGULAR))
    opened(kernel, b"/etc/d/" + name, 3)
    assert kernel.reached(1) == (AS_GIVEN if length < 32 else OTHERWISE)
    for at in range(length):
        other = bytearray(name)
        other[at] = ord("Z")
        opened(kernel, b"/etc/d/" + other, 3)
        assert kernel.reached(1) == OTHERWISE
    for given in (b"/etc/d/x" + name, b"/etc/dx" + name, b"/" + name):
        opened(kernel, given, 3)
        assert kernel.reached(1) == OTHERWISE, given


def test_a_failed_open_reaches_nothing_and_one_without_a_file_nothing_that_is_known(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    opened(kernel, b"/etc/d", -2)
    assert OTHERWISE == kernel.reached(1)
    assert b"" == text_of(scratch(kernel), "real")
    assert_found(scratch(kernel), "real", b"")
    opened(kernel, b"/etc/d", 15)
    assert UNKNOWN == kernel.reached(1)
    made.tree.file(3, 1, NO_ENTRY - 1)
    opened(kernel, b"/etc/d", 0)
    assert UNKNOWN == kernel.reached(1)
    made.tree.file(0, 1, made.here)
    assert AS_GIVEN == kernel.reached(1)
    kernel.without(SCRATCH)
    assert UNKNOWN == kernel.reached(1)


@pytest.mark.parametrize(("length", "expected"), [(253, OTHERWISE), (254, OTHERWISE), (255, UNKNOWN), (256, UNKNOWN)])
def test_a_reached_path_is_tested_up_to_the_length_of_a_given_one(
    kernel: ctypes.CDLL, length: int, expected: int
) -> None:
    made = Made(kernel)
    above = made.tree.entry(made.root, "n" * 127, 1)
    made.tree.file(3, 1, made.tree.entry(above, "z" * (length - 129), 1, REGULAR))
    opened(kernel, b"/etc", 3)
    assert expected == kernel.reached(0)


# --- paths that later events show


def test_an_open_differs_where_the_path_of_its_file_is_not_the_given_one_fuzz(kernel: ctypes.CDLL) -> None:
    seen: Counter[bool] = Counter()
    for seed in range(120):
        chance = random.Random(seed)
        tree = Tree(kernel)
        places = tree.random_places(chance, 20)
        if chance.random() < 0.3:
            tree.set_root(*chance.choice(places))
        for mount, entry in places:
            found = tree.path(mount, entry)
            path = found.text.encode()
            given = bytearray(path)
            if path and chance.random() < 0.5:
                given[chance.randrange(1, len(path)) if len(path) > 1 else 0] = ord("Q")
            if chance.random() < 0.2:
                given += b"x"
            if given[:1] != b"/" or ROUGH.search(given) or len(given) > LONGEST:
                continue
            tree.file(3, mount, entry)
            opened(kernel, bytes(given), 3)
            flags = chance.choice((0, O_DIRECTORY))
            is_directory = tree.entries[entry].mode == DIRECTORY
            expected = bytes(given) != path or bool(found.marks & ~MARKS["OUTSIDE"]) or (is_directory and not flags)
            assert expected == bool(kernel.differs(ctypes.c_uint64(flags))), (seed, given, path)
            seen[expected] += 1
    assert min(seen.values()) > 100


@pytest.mark.parametrize("length", [*range(8, 18), 31, 32, 33, 248, 249, 253, 254])
def test_every_byte_of_the_two_paths_is_compared(kernel: ctypes.CDLL, length: int) -> None:
    tree = Tree(kernel)
    name = "abcdefghijklmnopqrstuvwxyz" * 10
    at, made = tree.mounts[1].root, b""
    for size in (length,) if length < 200 else (120, length - 120):
        at = tree.entry(at, name[: size - 1], 1, REGULAR)
        made += b"/" + name[: size - 1].encode()
    tree.file(3, 1, at)
    kernel.walked.restype = ctypes.c_void_p
    ctypes.memset(kernel.walked() + 4096, 0xFF, 256)  # bytes of an earlier name behind the end of a path
    opened(kernel, made, 3)
    assert len(made) == length
    assert not kernel.differs(ctypes.c_uint64(0))
    for place in range(1, length):
        other = bytearray(made)
        other[place] = ord("Z")
        opened(kernel, bytes(other), 3)
        assert kernel.differs(ctypes.c_uint64(0)), place
    for longer in (made[:-1], made + b"x") if length < LONGEST else (made[:-1],):
        opened(kernel, longer, 3)
        assert kernel.differs(ctypes.c_uint64(0))


def test_an_open_that_is_given_descriptor_0_has_opened_a_file(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    made.tree.file(0, 1, made.tree.entry(made.here, "f", 1, REGULAR))
    opened(kernel, b"/etc/other", 0)
    assert kernel.differs(ctypes.c_uint64(0))
    kernel.without(OPENED_AT)
    kernel.without(OPENED_PATHS)
    assert kernel.must_emit(ctypes.c_uint64(0))
    opened(kernel, b"/etc/d/f", 0)
    assert not kernel.differs(ctypes.c_uint64(0))


def kept(kernel: ctypes.CDLL, fd: int, entry: int) -> tuple[bytes, int]:
    """Return (path, how much of its end was given) in the form in which they are stored for a file."""
    raw = ctypes.c_uint16(0)
    kernel.use_record(ctypes.c_uint64(0))
    kernel.record.restype = ctypes.c_void_p
    length = kernel.append_kept(fd, entry, ctypes.byref(raw))
    return ctypes.string_at(kernel.record(), length), raw.value


def place_of(kernel: ctypes.CDLL, fd: int) -> Memory:
    """Return the entry of a descriptor's file in the map OPENED_AT."""
    kernel.place.restype = ctypes.c_void_p
    return Memory("opened_at", kernel.place(fd))


def keep(kernel: ctypes.CDLL, path: bytes, fd: int) -> None:
    opened(kernel, path, fd)
    assert not kernel.must_emit(ctypes.c_uint64(0)), path


def test_a_place_is_of_the_first_file_that_comes_and_others_are_kept_beside_it(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    file = made.tree.entry(made.here, "f", 1, REGULAR)
    for fd in (3, 4):
        made.tree.file(fd, 1, file)
    place_of(kernel, 4).put("file", 0x1000)
    place_of(kernel, 4).put("claims", 1)
    for path in (b"/one", b"/another"):
        keep(kernel, path, 3)
        keep(kernel, path + b"/more", 4)
        assert [path, path + b"/more"] == [kept(kernel, fd, file)[0] for fd in (3, 4)]
    assert (1, 0x1000) == (place_of(kernel, 3)["claims"], place_of(kernel, 4)["file"])
    assert 0 == place_of(kernel, 4)["path.length"], "that of the other file"

    kernel.forget_path(3)
    assert [b"", b"/another/more"] == [kept(kernel, fd, file)[0] for fd in (3, 4)]
    kernel.forget_path(4)
    assert [b"", b""] == [kept(kernel, fd, file)[0] for fd in (3, 4)]
    keep(kernel, b"/again", 3)
    assert b"/again" == kept(kernel, 3, file)[0]
    assert 1 == place_of(kernel, 3)["claims"]


def test_of_two_files_that_come_to_a_place_at_once_neither_gets_it(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    file = made.tree.entry(made.here, "f", 1, REGULAR)
    made.tree.file(3, 1, file)
    place_of(kernel, 3).put("claims", 2)

    keep(kernel, b"/one", 3)
    assert b"/one" == kept(kernel, 3, file)[0]
    assert (0, 0) == (place_of(kernel, 3)["file"], place_of(kernel, 3)["path.length"])


def test_the_path_of_an_open_that_is_discarded_is_kept_for_its_file(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    file = made.tree.entry(made.here, "n" * 70, 1, REGULAR)
    made.tree.file(3, 1, file)
    given = b"n" * 70
    opened(kernel, given, 3)

    assert not kernel.must_emit(ctypes.c_uint64(0))
    assert (b"/etc/d/" + given, len(given)) == kept(kernel, 3, file)
    assert (b"", 0) == kept(kernel, 3, made.etc)
    assert (b"", 0) == kept(kernel, 5, file)
    other = made.tree.entry(made.here, "a", 1, REGULAR)
    made.tree.file(3, 1, other)
    opened(kernel, b"/etc/d/a", 3)
    assert not kernel.must_emit(ctypes.c_uint64(0))
    assert (b"/etc/d/a", 8) == kept(kernel, 3, other)
    assert (b"", 0) == kept(kernel, 3, file)
    kernel.forget_path(3)
    assert (b"", 0) == kept(kernel, 3, other)


@pytest.mark.parametrize("length", [7, 8, 9, 15, 16, 17, 253, 254])
def test_a_path_that_replaces_another_is_kept_in_full(kernel: ctypes.CDLL, length: int) -> None:
    made = Made(kernel)
    made.tree.file(3, 1, made.here)
    for path in (b"/" + b"o" * 200, b"/" + b"n" * (length - 1)):
        opened(kernel, path, 3)
        kernel.must_emit(ctypes.c_uint64(O_DIRECTORY))
    assert (path, length) == kept(kernel, 3, made.here)


def test_what_is_kept_of_a_directory_says_whether_its_open_asked_for_one(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    for flags, raw in ((O_DIRECTORY, 6), (0, 6 | constant("OPENED_AS_FILE")), (O_DIRECTORY, 6)):
        made.tree.file(3, 1, made.here)
        opened(kernel, b"/etc/d", 3)
        assert not kernel.must_emit(ctypes.c_uint64(flags))
        assert (b"/etc/d", raw) == kept(kernel, 3, made.here)


def test_a_directory_that_was_opened_as_a_file_has_an_event_where_there_is_no_room_to_say_so(
    kernel: ctypes.CDLL,
) -> None:
    made = Made(kernel)
    made.tree.file(3, 1, made.here)
    kernel.without(OPENED_AT)
    kernel.without(OPENED_PATHS)
    opened(kernel, b"/etc/d", 3)
    assert kernel.must_emit(ctypes.c_uint64(0))
    assert not kernel.must_emit(ctypes.c_uint64(O_DIRECTORY))


def test_an_open_is_emitted_where_its_path_cannot_be_kept_or_is_that_of_a_directory(kernel: ctypes.CDLL) -> None:
    """An open whose path differs from the kernel's is emitted too."""
    made = Made(kernel)
    made.tree.file(3, 1, made.here)
    opened(kernel, b"/etc/d", 3)
    assert not kernel.must_emit(ctypes.c_uint64(0))
    assert not kernel.must_emit(ctypes.c_uint64(O_DIRECTORY))
    opened(kernel, b"/etc/other", 3)
    assert kernel.must_emit(ctypes.c_uint64(O_DIRECTORY))
    opened(kernel, b"/etc/d", -2)
    assert not kernel.must_emit(ctypes.c_uint64(0))
    assert not kernel.differs(ctypes.c_uint64(0))
    opened(kernel, b"/etc/d", 14)
    assert kernel.must_emit(ctypes.c_uint64(0))
    assert kernel.differs(ctypes.c_uint64(0))
    file = made.tree.entry(made.here, "f", 1, REGULAR)
    made.tree.file(3, 1, file)
    opened(kernel, b"/other", 3)
    assert not kernel.must_emit(ctypes.c_uint64(0))
    kernel.without(OPENED_AT)
    kernel.without(OPENED_PATHS)
    assert kernel.must_emit(ctypes.c_uint64(0))
    opened(kernel, b"/etc/d/f", 3)
    assert not kernel.must_emit(ctypes.c_uint64(0))
    kernel.without(SCRATCH)
    assert kernel.differs(ctypes.c_uint64(0))
