"""passwd and group files, honest and not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.plugins.enrichers.users import passwd
from mozu.plugins.enrichers.users.passwd import PasswdEntry
from mozu.plugins.enrichers.users.rooted import ABSENT, read
from tests.support.requirements import require


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"root:x:0:0:root:/root:/bin/sh", {0: PasswdEntry("root", "/root", "/bin/sh")}),
        (b"a:x:4294967295:0::/:", {4294967295: PasswdEntry("a", "/", "")}),
        (b"a:x:7:0::/h:/s:more:fields", {7: PasswdEntry("a", "/h", "/s")}),
        (b"a:x:7:0:::\nb:x:7:0:::", {7: PasswdEntry("a", "", "")}),
        (b"\xff:x:7:0::/:/", {7: PasswdEntry("\udcff", "/", "/")}),
        (b"a:x:4294967296:0:::", {}),
        (b"a:x:-1:0:::", {}),
        (b"a:x: 7:0:::", {}),
        (b"a:x:0x7:0:::", {}),
        (b"a:x::0:::", {}),
        (b"a:x:" + b"9" * 5000 + b":0:::", {}),
        (b":x:7:0:::", {}),
        (b"#a:x:7:0:::", {}),
        (b"a:x:7:0::/", {}),
        (b"+::::::", {}),
        (b"a:x:\xd9\xa7:0:::", {}),
        (b"", {}),
        (b"\n\n", {}),
    ],
)
def test_a_line_of_passwd_is_a_user_or_passed_over(line: bytes, expected: dict[int, PasswdEntry]) -> None:
    assert passwd.parse_users(line, 10) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"root:x:0:\nstaff:x:50:a,b", {0: "root", 50: "staff"}),
        (b"a:x:7:\nb:x:7:", {7: "a"}),
        (b"a:x:7", {}),
    ],
)
def test_a_line_of_group_is_a_group_or_passed_over(content: bytes, expected: dict[int, str]) -> None:
    assert passwd.parse_groups(content, 10) == expected


def test_no_more_users_are_kept_than_allowed() -> None:
    content = b"\n".join(b"u%d:x:%d:0:::" % (number, number) for number in range(100))
    assert list(range(10)) == list(passwd.parse_users(content, 10))


def test_a_long_name_is_cut() -> None:
    line = b"%s:x:7:0::%s:" % (b"n" * 9999, b"h" * 9999)
    assert {7: PasswdEntry("n" * 256, "h" * 256, "")} == passwd.parse_users(line, 10)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Yield a container's root directory (path, descriptor), beside a secret that is outside of it."""
    (tmp_path / "outside").write_bytes(b"secret")
    inside = tmp_path / "root"
    (inside / "etc").mkdir(parents=True)
    descriptor = os.open(inside, os.O_PATH | os.O_DIRECTORY)
    yield inside, descriptor
    os.close(descriptor)


def test_a_regular_file_is_read(root: tuple[Path, int]) -> None:
    (root[0] / "etc" / "passwd").write_bytes(b"content")
    assert b"content" == read(root[1], "etc/passwd", limit=100)[1]


def test_a_link_within_the_root_is_followed(root: tuple[Path, int]) -> None:
    (root[0] / "real").write_bytes(b"content")
    (root[0] / "etc" / "passwd").symlink_to("/real")
    assert b"content" == read(root[1], "etc/passwd", limit=100)[1]


@pytest.mark.parametrize("target", ["{outside}", "../../outside", "/../outside", "/../../../../../../../{outside}"])
def test_a_link_that_leads_out_of_the_root_ends_inside(root: tuple[Path, int], target: str) -> None:
    (root[0] / "etc" / "passwd").symlink_to(target.format(outside=root[0].parent / "outside"))
    assert (ABSENT, None) == read(root[1], "etc/passwd", limit=100)


def test_a_directory_that_is_a_link_out_of_the_root_ends_inside(root: tuple[Path, int]) -> None:
    (root[0] / "etc").rmdir()
    (root[0] / "etc").symlink_to(root[0].parent)
    assert (ABSENT, None) == read(root[1], "etc/outside", limit=100)


def test_a_link_of_the_kernels_own_is_not_followed(root: tuple[Path, int]) -> None:
    with (root[0].parent / "outside").open() as file:
        proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
        found = read(proc, f"{os.getpid()}/fd/{file.fileno()}", limit=100)
        os.close(proc)
    assert (ABSENT, None) == found


def test_links_that_go_in_circles_are_absent(root: tuple[Path, int]) -> None:
    (root[0] / "etc" / "passwd").symlink_to("passwd")
    assert (ABSENT, None) == read(root[1], "etc/passwd", limit=100)


def test_what_is_no_regular_file_is_not_opened(root: tuple[Path, int]) -> None:
    """A pipe without a writer would block its reader."""
    os.mkfifo(root[0] / "etc" / "passwd")
    assert read(root[1], "etc/passwd", limit=100)[1] is None


@pytest.mark.live
def test_a_device_is_not_opened(root: tuple[Path, int]) -> None:
    require(os.geteuid() == 0, "making device files needs root")
    os.mknod(root[0] / "etc" / "passwd", 0o20666, os.makedev(1, 5))
    assert read(root[1], "etc/passwd", limit=100)[1] is None


def test_a_directory_in_the_place_of_the_file_is_not_read(root: tuple[Path, int]) -> None:
    (root[0] / "etc" / "passwd").mkdir()
    assert read(root[1], "etc/passwd", limit=100)[1] is None


def test_a_file_beyond_the_limit_is_not_read(root: tuple[Path, int]) -> None:
    (root[0] / "etc" / "passwd").write_bytes(b"x" * 101)
    assert read(root[1], "etc/passwd", limit=100)[1] is None


def test_a_file_that_is_as_it_was_is_not_read_again(root: tuple[Path, int]) -> None:
    (root[0] / "etc" / "passwd").write_bytes(b"content")
    stamp, _ = read(root[1], "etc/passwd", limit=100)
    assert (stamp, None) == read(root[1], "etc/passwd", limit=100, unless=stamp)


def test_a_file_that_was_replaced_by_one_of_the_same_size_is_read_again(root: tuple[Path, int]) -> None:
    place = root[0] / "etc" / "passwd"
    place.write_bytes(b"before")
    stamp, _ = read(root[1], "etc/passwd", limit=100)
    (root[0] / "fresh").write_bytes(b"after!")
    (root[0] / "fresh").rename(place)
    assert b"after!" == read(root[1], "etc/passwd", limit=100, unless=stamp)[1]
