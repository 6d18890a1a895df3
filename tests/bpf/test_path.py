"""Paths as programs write them into records (bpf/path.h, bpf/record.h), in trees of mounts, compiled for user space."""

import ctypes
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.kernel_tree import DEPTH, MARKS, NO_ENTRY, REGULAR, Found, Tree, users_text

pytestmark = pytest.mark.live

MAX_STR, MAX_PAYLOAD = 4096, 16384
KERNEL, USER = 0, 1
ROUNDS: Final = 60


def walked(kernel: ctypes.CDLL, marks: int) -> Found:
    kernel.walked.restype = ctypes.c_void_p
    at = kernel.path_at()
    return Found(marks, ctypes.string_at(kernel.walked() + at, MAX_STR - at).decode())


def places_from_any_root(kernel: ctypes.CDLL) -> Iterator[tuple[int, Tree, int, int]]:
    """Yield seed, tree, mount and entry for every place of random trees, each tree from four roots."""
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        tree = Tree(kernel)
        places = tree.random_places(chance, 30)
        for _ in range(4):
            tree.set_root(*chance.choice([(1, tree.mounts[1].root), *places]))
            for mount, entry in places:
                yield seed, tree, mount, entry


def test_paths_are_those_in_the_tree_of_mounts_from_any_root_fuzz(kernel: ctypes.CDLL) -> None:
    seen: Counter[int] = Counter()
    for seed, tree, mount, entry in places_from_any_root(kernel):
        expected = tree.path(mount, entry)
        assert expected == walked(kernel, kernel.walk(mount, entry)), (seed, mount, entry)
        seen[expected.marks] += 1
    assert {0, MARKS["OUTSIDE"]} <= set(seen)


def test_real_paths_begin_at_the_top_of_the_mount_namespace_fuzz(kernel: ctypes.CDLL) -> None:
    others = 0
    for seed, tree, mount, entry in places_from_any_root(kernel):
        expected = tree.real_path(mount, entry)
        assert expected == walked(kernel, kernel.walk_real(mount, entry)), (seed, mount, entry)
        others += expected != tree.path(mount, entry)
    assert others > 100


def test_a_named_file_has_its_path_by_whatever_mount_it_is_reached(kernel: ctypes.CDLL) -> None:
    tree = Tree(kernel)
    folder = tree.entry(tree.mounts[1].root, "srv", 1)
    trap, other = (tree.entry(folder, name, 1, REGULAR) for name in ("trap", "other"))
    elsewhere = tree.mount(1, tree.entry(tree.mounts[1].root, "mnt", 1), folder, 1)
    kernel.name_file(trap, b"/data/trap")

    for root in ((1, tree.mounts[1].root), (elsewhere, folder)):
        tree.set_root(*root)
        for mount in (1, elsewhere):
            assert walked(kernel, kernel.walk_real(mount, trap)) == Found(0, "/data/trap")
            assert walked(kernel, kernel.walk_real(mount, other)) == Found(0, "/srv/other")


def test_a_file_of_another_file_system_has_the_path_of_the_whole_tree_of_mounts_after_a_chroot(
    kernel: ctypes.CDLL,
) -> None:
    tree = Tree(kernel)
    volume = tree.entry(None, "/", 2)
    place = tree.mount(1, tree.entry(tree.mounts[1].root, "volume", 1), volume, 2)
    trap = tree.entry(volume, "trap", 2, REGULAR)
    tree.set_root(place, volume)

    assert walked(kernel, kernel.walk(place, trap)) == Found(0, "/trap")
    assert walked(kernel, kernel.walk_real(place, trap)) == Found(0, "/volume/trap")


@pytest.mark.parametrize("depth", [1, DEPTH - 2, DEPTH - 1, DEPTH, DEPTH + 3])
def test_a_path_that_is_too_deep_ends_with_its_end(kernel: ctypes.CDLL, depth: int) -> None:
    tree = Tree(kernel)
    at = tree.mounts[1].root
    for number in range(depth):
        at = tree.entry(at, f"d{number}", 1)

    for walk, expected in ((kernel.walk, tree.path(1, at)), (kernel.walk_real, tree.real_path(1, at))):
        assert expected == walked(kernel, walk(1, at))
        assert bool(expected.marks) is (depth >= DEPTH)
        assert expected.text.endswith(f"/d{depth - 1}")


@pytest.mark.parametrize("length", [15 * 256, 4095, 4096, 4097])
def test_a_path_that_is_too_long_ends_with_its_end(kernel: ctypes.CDLL, length: int) -> None:
    tree = Tree(kernel)
    at = tree.mounts[1].root
    left = length
    while left:
        size = min(left, 256) if left != 257 else 255
        at = tree.entry(at, "n" * (size - 1), 1)
        left -= size

    expected = tree.path(1, at)
    assert expected == walked(kernel, kernel.walk(1, at))
    assert expected == walked(kernel, kernel.walk_real(1, at))
    assert bool(expected.marks) is (length > MAX_STR)


def test_what_has_no_directory_is_a_pseudo_path(kernel: ctypes.CDLL) -> None:
    """A pipe's dentry is its own parent, and no root of a mount."""
    tree = Tree(kernel)
    pipe = tree.entry(None, "pipe:[7]", 3, REGULAR)
    number = tree.mount(2, pipe, tree.entry(None, "/", 3), 3)

    assert Found(MARKS["PSEUDO"], "/pipe:[7]") == walked(kernel, kernel.walk(number, pipe))
    assert Found(MARKS["PSEUDO"], "/pipe:[7]") == walked(kernel, kernel.walk_real(number, pipe))


def test_a_file_of_the_top_file_system_beside_its_root_has_its_path_in_the_mounts(kernel: ctypes.CDLL) -> None:
    """The root of the mount namespace is a directory of a file system, as in a container; a bind mount shows others."""
    tree = Tree(kernel)
    whole = tree.entry(None, "/", 4)
    inside, outside = tree.entry(whole, "container", 4), tree.entry(whole, "volume", 4)
    top = tree.mount(0, 0, inside, 4)
    tree.set_root(top, inside)
    data = tree.entry(inside, "data", 4)
    bind = tree.mount(top, data, outside, 4)
    file = tree.entry(outside, "file", 4, REGULAR)

    assert Found(0, "/data/file") == walked(kernel, kernel.walk_real(bind, file)) == tree.real_path(bind, file)
    below = tree.entry(inside, "etc", 4)
    assert Found(0, "/etc") == walked(kernel, kernel.walk_real(top, below))


def record(kernel: ctypes.CDLL, start: int, end: int) -> bytes:
    kernel.record.restype = ctypes.c_void_p
    return ctypes.string_at(kernel.record() + start, end - start)


def test_a_path_is_appended_with_its_marks_and_a_root_as_a_slash(kernel: ctypes.CDLL) -> None:
    tree = Tree(kernel)
    kernel.use_record(ctypes.c_uint64(100))
    kernel.used.restype = ctypes.c_uint64
    marks = ctypes.c_uint16(7)
    etc = tree.entry(tree.mounts[1].root, "etc", 1)

    assert 4 == kernel.append_walk(1, etc, ctypes.byref(marks))
    assert (b"/etc", 0) == (record(kernel, 100, kernel.used()), marks.value)
    assert 1 == kernel.append_walk(1, tree.mounts[1].root, ctypes.byref(marks))
    assert b"/etc/" == record(kernel, 100, kernel.used())
    marks.value = 7
    assert 0 == kernel.append_walk(1, NO_ENTRY, ctypes.byref(marks))
    assert (105, 0) == (kernel.used(), marks.value)
    assert 1 == kernel.append_walk(0, 0, ctypes.byref(marks))
    assert marks.value == MARKS["OUTSIDE"]


@pytest.mark.parametrize("space", [KERNEL, USER])
@pytest.mark.parametrize(
    ("used", "length", "expected"),
    [
        (0, 10, 10), (500, 1, 1), (500, MAX_STR - 1, MAX_STR - 1), (500, MAX_STR, MAX_STR - 1),
        (500, 1 << 40, MAX_STR - 1), (MAX_PAYLOAD - 1, 9, 9), (MAX_PAYLOAD, 9, 0), (MAX_PAYLOAD + 5, 9, 0), (500, 0, 0),
    ],
)  # fmt: skip
def test_bytes_are_appended_as_far_as_there_is_space(
    kernel: ctypes.CDLL, space: int, used: int, length: int, expected: int
) -> None:
    kernel.begin()
    kernel.used.restype = ctypes.c_uint64
    content = bytes(1 + number % 250 for number in range(MAX_STR + 8))
    kept = ctypes.create_string_buffer(content)
    place = users_text(kernel, content) if space == USER else ctypes.c_uint64(ctypes.addressof(kept))
    kernel.use_record(ctypes.c_uint64(used))

    assert expected == kernel.append_bytes(space, place, ctypes.c_uint64(length))
    assert used + expected == kernel.used()
    assert content[:expected] == record(kernel, used, used + expected)
    assert bool(kernel.marks_of_record() & MARKS["TEXT_CUT"]) is (used >= MAX_PAYLOAD)


@pytest.mark.parametrize("space", [KERNEL, USER])
@pytest.mark.parametrize(
    ("used", "length", "expected"),
    [
        (0, 10, 10), (77, 1, 1), (77, 0, 0), (77, MAX_STR - 1, MAX_STR - 1), (77, MAX_STR + 3, MAX_STR - 1),
        (MAX_PAYLOAD - 1, 9, 9), (MAX_PAYLOAD, 9, 0),
    ],
)  # fmt: skip
def test_texts_are_appended_up_to_their_end(
    kernel: ctypes.CDLL, space: int, used: int, length: int, expected: int
) -> None:
    kernel.begin()
    kernel.used.restype = ctypes.c_uint64
    content = bytes(1 + number % 250 for number in range(length))
    kept = ctypes.create_string_buffer(content)
    place = users_text(kernel, content) if space == USER else ctypes.c_uint64(ctypes.addressof(kept))
    kernel.use_record(ctypes.c_uint64(used))

    assert expected == kernel.append_text(space, place)
    assert used + expected == kernel.used()
    assert content[:expected] == record(kernel, used, used + expected)
    assert bool(kernel.marks_of_record() & MARKS["TEXT_CUT"]) is (used >= MAX_PAYLOAD)


@pytest.mark.parametrize("space", [KERNEL, USER])
def test_what_cannot_be_read_is_left_out(kernel: ctypes.CDLL, space: int) -> None:
    """Addresses of the caller are read as such only, and the kernel's as the kernel's."""
    kernel.begin()
    kernel.used.restype = ctypes.c_uint64
    kept = ctypes.create_string_buffer(b"text")
    place = ctypes.c_uint64(ctypes.addressof(kept)) if space == USER else users_text(kernel, b"text")
    kernel.use_record(ctypes.c_uint64(64))

    assert 0 == kernel.append_bytes(space, place, ctypes.c_uint64(4)) == kernel.append_text(space, place)
    assert (64, 0) == (kernel.used(), kernel.marks_of_record())
