"""What subprograms of kernel filters find of a call (bpf/kernel_filter.h and what it includes), in user space."""

import ctypes
import random
import re
import struct
from collections import Counter
from typing import Final

import pytest

from tests.support.kernel_tree import (
    DIRECTORY,
    MARKS,
    NO_ENTRY,
    REGULAR,
    SOCKET,
    Memory,
    Tree,
    memory,
    users_text,
)

pytestmark = pytest.mark.live

AS_GIVEN, OTHERWISE, UNKNOWN = range(3)
LONGEST: Final = 254
OPENAT, OPEN, CREAT, OPENAT2 = 257, 2, 85, 437
AT_FDCWD, O_DIRECTORY = -100, 0o200000
ALL: Final = (1 << 64) - 1
NATIVE, URING = 0, 2
ROUGH: Final = re.compile(rb"//|/\Z|/\.(/|\Z)|/\.\.")
"""Of an absolute path: that it is not plain. `..b` is taken for `..`."""
GENERATION, PROC_VERDICTS, PROC_COMM_VERDICTS, COMM_VERDICTS, OPENED_PATHS, CGROUP_MOVES = 12, 17, 16, 14, 11, 13
COUNTS, SETTINGS, SCRATCH = 7, 8, 6
"""Numbers of maps in kernel_model.h."""


def scratch(kernel: ctypes.CDLL) -> Memory:
    return memory(kernel, "filter_scratch", "filters")


def text_of(g: Memory, which: str) -> bytes:
    return g.bytes_at(f"{which}.bytes", g[f"{which}.length"])


def assert_found(g: Memory, which: str, path: bytes) -> None:
    """What is tested of a path, as plain Python says it."""
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


class Made:
    """A tree of which one directory is /etc/d, with the working directory there."""

    def __init__(self, kernel: ctypes.CDLL) -> None:
        self.tree = Tree(kernel)
        self.root = self.tree.mounts[1].root
        self.etc = self.tree.entry(self.root, "etc", 1)
        self.here = self.tree.entry(self.etc, "d", 1)
        kernel.set_cwd(1, self.here)
        self.tree.file(5, 1, self.etc)
        self.tree.file(6, 1, self.root)
        self.tree.file(7, 0, 0)
        pipe = self.tree.entry(None, "pipe:[7]", 3, REGULAR)
        self.tree.file(8, self.tree.mount(2, pipe, self.tree.entry(None, "/", 3), 3), pipe)
        deep = self.root
        for _ in range(6):
            deep = self.tree.entry(deep, "n" * 40, 1)
        self.tree.file(9, 1, deep)


@pytest.mark.parametrize(
    ("dirfd", "given", "expected"),
    [
        (AT_FDCWD, b"/etc/shadow", b"/etc/shadow"), (5, b"/x", b"/x"), (AT_FDCWD, b"x", b"/etc/d/x"),
        (5, b"shadow", b"/etc/shadow"), (6, b"x/y", b"/x/y"), (7, b"x", b"/x"), (AT_FDCWD, b"", None), (8, b"x", None),
        (4, b"x", None), (AT_FDCWD, b"../x", None), (AT_FDCWD, b"/x/./y", None),
        (AT_FDCWD, b"/" + b"n" * 253, b"/" + b"n" * 253), (AT_FDCWD, b"/" + b"n" * 254, None),
        (AT_FDCWD, b"/" + b"n" * 300, None), (AT_FDCWD, b"n" * 247, b"/etc/d/" + b"n" * 247),
        (AT_FDCWD, b"n" * 248, None), (9, b"n" * 7, b"/" + b"/".join([b"n" * 40] * 6) + b"/" + b"n" * 7),
        (9, b"n" * 8, None),
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
    for size, joins in ((251, True), (252, True), (253, True), (254, False)):
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
    made = Made(kernel)
    kept = ctypes.create_string_buffer(b"/etc/shadow", 16384)
    memory(kernel, "syscall_ctx", "calls").put("copies", ctypes.addressof(kept))

    assert kernel.name(AT_FDCWD, ctypes.c_uint64(ctypes.addressof(kept)))
    assert b"/etc/shadow" == text_of(scratch(kernel), "given")
    assert not kernel.name(AT_FDCWD, ctypes.c_uint64(ctypes.addressof(kept) + 9192))
    assert made.tree.root


# --- where an open arrived


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


def kept(kernel: ctypes.CDLL, fd: int, entry: int) -> tuple[bytes, int]:
    """(path, how much of its end was given) that is stored of a file."""
    raw = ctypes.c_uint16(0)
    kernel.use_record(ctypes.c_uint64(0))
    kernel.record.restype = ctypes.c_void_p
    length = kernel.append_kept(fd, entry, ctypes.byref(raw))
    return ctypes.string_at(kernel.record(), length), raw.value


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
        kernel.must_emit(ctypes.c_uint64(0))
    assert (path, length) == kept(kernel, 3, made.here)


def test_an_open_is_emitted_where_its_path_cannot_be_kept_or_is_that_of_a_directory(kernel: ctypes.CDLL) -> None:
    """And differs from the kernel's."""
    made = Made(kernel)
    made.tree.file(3, 1, made.here)
    opened(kernel, b"/etc/d", 3)
    assert kernel.must_emit(ctypes.c_uint64(0))
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
    kernel.without(OPENED_PATHS)
    assert kernel.must_emit(ctypes.c_uint64(0))
    opened(kernel, b"/etc/d/f", 3)
    assert not kernel.must_emit(ctypes.c_uint64(0))
    kernel.without(SCRATCH)
    assert kernel.differs(ctypes.c_uint64(0))


# --- arguments


@pytest.mark.parametrize(
    ("number", "args", "expected"),
    [
        (OPEN, (11, 22, 33, 44), (AT_FDCWD, 11, 22, 33, 0)), (CREAT, (11, 22, 33, 44), (AT_FDCWD, 11, 0o1101, 22, 0)),
        (OPENAT, (7, 11, 22, 33), (7, 11, 22, 33, 0)), (OPENAT, (-100, 11, 22, 33), (-100, 11, 22, 33, 0)),
        (OPENAT2, (7, 11, 0, 24), (7, 11, 22, 33, 44)),
    ],
)  # fmt: skip
def test_what_an_open_was_asked_for_is_where_each_call_has_it(
    kernel: ctypes.CDLL, number: int, args: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    kernel.begin()
    call = memory(kernel, "syscall_ctx", "calls")
    call.put("number", number)
    for at, value in enumerate(args):
        call.put("args", value, at)
    if number == OPENAT2:
        call.put("args", users_text(kernel, struct.pack("<3Q", 22, 33, 44)).value, 2)

    kernel.parse()

    g = scratch(kernel)
    found = [g[f"open.{name}"] for name in ("dirfd", "user", "flags", "mode", "resolve")]
    assert list(expected) == found


# --- sockets


@pytest.mark.parametrize("is_socket", [0, 1])
@pytest.mark.parametrize("wants_protocol", [0, 1])
def test_a_socket_is_known_by_family_state_and_port(kernel: ctypes.CDLL, is_socket: int, wants_protocol: int) -> None:
    made = Made(kernel)
    sock = made.tree.entry(None, "socket:[1]", 3, SOCKET)
    made.tree.file(4, 1, sock, family=10, protocol=17, state=7, port=0x3500)
    g = scratch(kernel)

    kernel.look_up_socket(4, is_socket, wants_protocol)

    members = ("family", "state", "port", "protocol")
    assert [10, 7, 0x3500, 17 * wants_protocol] == [g[f"sock.{name}"] for name in members]
    assert g["sock.file"]
    kernel.look_up_socket(5, 0, 1)
    assert [0, 0, 0, 0] == [g[f"sock.{name}"] for name in members]
    assert g["sock.file"]
    kernel.look_up_socket(12, is_socket, 1)
    assert [0, 0, 0, 0, 0] == [g[f"sock.{name}"] for name in (*members, "file")]


@pytest.mark.parametrize(("fd", "expected"), [(-1, 0), (0, 0), (4, 10), (15, 1), (16, 0), (1 << 30, 0)])
def test_a_descriptor_is_one_of_the_table(kernel: ctypes.CDLL, fd: int, expected: int) -> None:
    made = Made(kernel)
    sock = made.tree.entry(None, "socket:[1]", 3, SOCKET)
    made.tree.file(4, 1, sock, family=10)
    made.tree.file(15, 1, sock, family=1)

    kernel.look_up_socket(fd, 0, 0)

    assert expected == scratch(kernel)["sock.family"]


def test_the_file_of_a_request_of_io_uring_is_known_before_its_descriptor(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    sock = made.tree.entry(None, "socket:[1]", 3, SOCKET)
    made.tree.file(4, 1, sock, family=10)
    made.tree.file(3, 1, sock, family=2)
    kernel.look_up_socket(4, 0, 0)
    call, g = memory(kernel, "syscall_ctx", "calls"), scratch(kernel)
    call.put("file", g["sock.file"])

    for result, fd, family in ((0, 3, 10), (0, 9, 10), (3, 3, 2)):
        call.put("result", result)
        kernel.look_up_socket(fd, 0, 0)
        assert family == g["sock.family"], (result, fd)


# --- verdicts


def bits(kernel: ctypes.CDLL) -> int:
    kernel.bits.restype = ctypes.c_uint64
    return int(kernel.bits())


def verdict(kernel: ctypes.CDLL, which: int, pid: int, of: int, value: int) -> None:
    kernel.set_verdict(which, pid, ctypes.c_uint64(of), ctypes.c_uint64(value))


OF_PROCESS, OF_NAME = 1, 2


def called_by(kernel: ctypes.CDLL, pid: int, entry_path: int = NATIVE) -> None:
    call = memory(kernel, "syscall_ctx", "calls")
    call.put("task", pid << 32 | 99)
    call.put("entry_path", entry_path)


def test_a_verdict_on_the_process_counts_before_one_on_its_name_and_none_is_all(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    called_by(kernel, 7)
    assert ALL == bits(kernel)
    verdict(kernel, OF_NAME, 7, 4, 1)
    assert ALL == bits(kernel)
    verdict(kernel, OF_NAME, 7, 5, 2)
    assert 2 == bits(kernel)
    verdict(kernel, OF_PROCESS, 7, 4, 3)
    assert 2 == bits(kernel)
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    assert 4 == bits(kernel)
    called_by(kernel, 8)
    assert ALL == bits(kernel)


@pytest.mark.parametrize("missing", [GENERATION, CGROUP_MOVES])
def test_without_a_generation_everything_may_hold(kernel: ctypes.CDLL, missing: int) -> None:
    kernel.begin()
    called_by(kernel, 7)
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    kernel.without(missing)
    assert ALL == bits(kernel)


@pytest.mark.parametrize(
    "changed", ["task", "born", "execs", "moves", "generation", "uring", "none"],
)  # fmt: skip
def test_what_is_remembered_of_the_last_caller_holds_for_the_same_one_only(kernel: ctypes.CDLL, changed: str) -> None:
    kernel.begin()
    called_by(kernel, 7)
    kernel.set_time(ctypes.c_uint64(9), ctypes.c_uint64(1))
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    assert 4 == bits(kernel)
    generation = 6 if changed == "generation" else 5
    verdict(kernel, OF_PROCESS, 7, generation, 8)
    verdict(kernel, OF_PROCESS, 8, generation, 8)
    kernel.set_time(ctypes.c_uint64(9 + (changed == "born")), ctypes.c_uint64(1 + (changed == "execs")))
    kernel.set_generation(ctypes.c_uint64(generation), ctypes.c_uint64(changed == "moves"))
    called_by(kernel, 8 if changed == "task" else 7, URING if changed == "uring" else NATIVE)

    assert (4 if changed == "none" else 8) == bits(kernel)


def test_a_request_of_io_uring_is_remembered_for_no_call(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    called_by(kernel, 7, URING)
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    assert 4 == bits(kernel)
    verdict(kernel, OF_PROCESS, 7, 5, 8)
    called_by(kernel, 7)
    assert 8 == bits(kernel)


def known(kernel: ctypes.CDLL, which: int, pid: int) -> tuple[int, int]:
    kernel.verdict.restype = ctypes.c_uint64
    of = ctypes.c_uint64(0)
    value = kernel.verdict(which, pid, ctypes.byref(of))
    return of.value, value


def test_a_child_has_the_verdicts_of_its_parent_that_hold(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    verdict(kernel, OF_NAME, 7, 5, 2)
    verdict(kernel, OF_PROCESS, 7, 4, 3)
    verdict(kernel, OF_PROCESS, 8, 5, 9)
    kernel.inherit(7, 8)
    assert ((5, 2), (0, 0)) == (known(kernel, OF_NAME, 8), known(kernel, OF_PROCESS, 8))
    verdict(kernel, OF_NAME, 7, 4, 2)
    verdict(kernel, OF_PROCESS, 7, 5, 3)
    kernel.inherit(7, 8)
    assert ((0, 0), (5, 3)) == (known(kernel, OF_NAME, 8), known(kernel, OF_PROCESS, 8))
    kernel.without(GENERATION)
    kernel.inherit(7, 8)
    assert ((0, 0), (0, 0)) == (known(kernel, OF_NAME, 8), known(kernel, OF_PROCESS, 8))


@pytest.mark.parametrize(
    ("comm", "expected"), [(b"cat", (5, 1)), (b"sh", (5, 2)), (b"", (0, 0)), (b"caterpillar", (5, 2))]
)
def test_an_exec_begins_with_the_verdict_on_its_name(
    kernel: ctypes.CDLL, comm: bytes, expected: tuple[int, int]
) -> None:
    kernel.begin()
    kernel.set_name_verdict(b"cat", ctypes.c_uint64(5), ctypes.c_uint64(1))
    verdict(kernel, 3, 0, 5, 2)
    verdict(kernel, OF_NAME, 7, 5, 7)
    verdict(kernel, OF_PROCESS, 7, 5, 7)

    kernel.renew(7, ctypes.create_string_buffer(comm, 16))

    assert (expected, (0, 0)) == (known(kernel, OF_NAME, 7), known(kernel, OF_PROCESS, 7))


def test_a_name_without_a_verdict_has_none(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    verdict(kernel, 3, 0, 0, 0)
    kernel.renew(7, ctypes.create_string_buffer(b"sh", 16))
    assert known(kernel, OF_NAME, 7) == (0, 0)
    kernel.set_name_verdict(b"cat", ctypes.c_uint64(0), ctypes.c_uint64(1))
    kernel.renew(7, ctypes.create_string_buffer(b"cat", 16))
    assert known(kernel, OF_NAME, 7) == (0, 0)


@pytest.mark.parametrize("off", [0, 1])
def test_a_discarded_call_is_counted_as_filtered_unless_the_source_is_off(kernel: ctypes.CDLL, off: int) -> None:
    kernel.begin()
    memory(kernel, "syscall_ctx", "calls").put("number", OPENAT)
    memory(kernel, "settings", "set").put("off", off)
    counts = memory(kernel, "counts", "counted", OPENAT)

    assert 0 == kernel.discard() == kernel.discard()

    assert [0, 2 - 2 * off, 0, 2 - 2 * off] == [counts[name] for name in ("over_share", "filtered", "lost", "seen")]
    for missing in (COUNTS, SETTINGS):
        kernel.without(missing)
        assert 0 == kernel.discard()
