import pytest

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.fields.addresses import LocalAddresses
from mozu.core.model.fields.pathname import absolute, directory_of, filename_of, normalise, single_slashes
from tests.core.model.fields.making import event, file, value

FILES = {5: File(kind="directory", name="/var/d")}
DIRECTORY = {"fd": 5, "file": FILES[5]}

NAMES = [
    (event("mkdir", 0, "m", 0), "/home/mira/m", "m"),
    (event("mkdirat", 0, 5, "m", 0, files=FILES), "/var/d/m", "m"),
    (event("rmdir", 0, "/d/"), "/d", "/d/"),
    (event("unlink", 0, "u"), "/home/mira/u", "u"),
    (event("unlinkat", 0, 5, "u", 0, files=FILES), "/var/d/u", "u"),
    (event("unlinkat", 0, 8, "u", 0), "<UNKNOWN>/u", "u"),
    (event("open", 3, "f", 1, 0, 0, 0, fd=3, file=file("/home/mira/f")), "/home/mira/f", "f"),
    (event("openat", 3, 8, "f", 1, 0, 0, 0, fd=3, file=file("/srv/f")), "/srv/f", "f"),
    (event("openat", -2, -100, "f", 1, 0, 0, 0, fd=-1), "/home/mira/f", "f"),
    (event("openat", -1, -100, "f", 1, 0, 0, 0, fd=-1), None, None),
    (event("chmod", 0, "c", 0), "/home/mira/c", "c"),
    (event("fchmod", 0, 5, 0, **DIRECTORY), "/var/d", "/var/d"),
    (event("fchmod", 0, 9, 0, fd=9), None, None),
    (event("fchmodat", 0, 5, "c", 0, files=FILES), "/var/d/c", "c"),
    (event("chown", 0, "c", 0, 0), "/home/mira/c", "c"),
    (event("lchown", 0, "c", 0, 0), "/home/mira/c", "c"),
    (event("fchown", 0, 5, 1, 1, **DIRECTORY), "/var/d", "/var/d"),
    (event("fchownat", 0, 5, "c", 0, 0, 0, files=FILES), "/var/d/c", "c"),
    (event("truncate", 0, "t", 0), "/home/mira/t", "t"),
    (event("truncate", -13, "t", 0), None, None),
    (event("umount2", 0, "/mnt", 0), "/mnt", "/mnt"),
    (event("umount", 0, "mnt"), "/home/mira/mnt", "mnt"),
    (event("quotactl", 0, "/dev/sda"), "/dev/sda", "/dev/sda"),
    (event("unlink", -2, "u"), None, None),
    (event("unlink", 0, None), None, None),
    (event("rename", 0, "a", "b"), None, None),
    (event("read", 0, b"", 3, 0), None, None),
]


@pytest.mark.parametrize(("made", "name", "raw"), NAMES)
def test_a_successful_call_shows_the_path_it_worked_on(made: SyscallEvent, name: str | None, raw: str | None) -> None:
    assert (name, raw) == (value("fs.path.name", made), value("fs.path.nameraw", made))


PAIRS = [
    (event("rename", 0, "a", "/b"), ("/home/mira/a", "a", "/b", "/b")),
    (event("renameat", 0, 5, "a", -100, "b", files=FILES), ("/var/d/a", "a", "/home/mira/b", "b")),
    (event("renameat2", 0, -100, "a", 5, "b", 0, files=FILES), ("/home/mira/a", "a", "/var/d/b", "b")),
    (event("link", 0, "old", "new"), ("/home/mira/new", "new", "/home/mira/old", "old")),
    (event("linkat", 0, 5, "old", -100, "new", 0, files=FILES), ("/home/mira/new", "new", "/var/d/old", "old")),
    (event("symlink", 0, "../t", "l"), ("/home/mira/l", "l", "/home/t", "../t")),
    (event("symlinkat", 0, "/t", 5, "l", files=FILES), ("/var/d/l", "l", "/t", "/t")),
    (event("mount", 0, "/dev/sdb", "mnt", "ext4", 0), ("/dev/sdb", "/dev/sdb", "/home/mira/mnt", "mnt")),
    (event("rename", -2, "a", "b"), (None,) * 4),
    (event("unlink", 0, "u"), (None,) * 4),
]


@pytest.mark.parametrize(("made", "expected"), PAIRS)
def test_calls_with_two_paths_show_both(made: SyscallEvent, expected: tuple[str | None, ...]) -> None:
    parts = ("source", "sourceraw", "target", "targetraw")
    assert expected == tuple(value(f"fs.path.{part}", made) for part in parts)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rel", "/home/mira/rel"),
        ("./rel", "/home/mira/rel"),
        ("../rel", "/home/rel"),
        ("../../../../rel", "/rel"),
        ("a/b/./c", "/home/mira/a/b/c"),
        ("a/../b", "/home/mira/b"),
        ("/x/../y", "/y"),
        ("/z/", "/z"),
        ("/", "/"),
        (".", "/home/mira"),
        ("..", "/home"),
        ("", ""),
        ("dir/", "/home/mira/dir"),
        ("/tmp/a b", "/tmp/a b"),
        ("...", "/home/mira/..."),
        ("/a/b/../../../c", "/c"),
        ("/a//b", "/a/b"),
        ("/.hidden", "/.hidden"),
    ],
)
def test_paths_are_made_absolute_without_looking_at_files(path: str, expected: str) -> None:
    assert expected == absolute("/home/mira/", path)


def test_a_base_needs_no_slash_at_its_end() -> None:
    assert "/var/d/a" == absolute("/var/d", "a")


def test_a_path_below_nothing_stays_relative() -> None:
    assert "a/c" == normalise("./a/b/../c")


def test_only_doubled_slashes_are_collapsed() -> None:
    assert "/a/./b/" == single_slashes("//a///./b//")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a/b", ("/a", "b")), ("/a", ("/", "a")), ("/", ("/", "/")), ("", ("/", "/")), ("name", ("/", "name"))],
)
def test_a_path_has_a_directory_and_a_name(path: str, expected: tuple[str, str]) -> None:
    assert expected == (directory_of(path), filename_of(path))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (bytes([10, 0, 0, 1]), True),
        (bytes([10, 0, 0, 2]), False),
        (bytes([127, 9, 9, 9]), True),
        (bytes(15) + b"\1", True),
        (bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 1]), True),
        (bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]), True),
        (bytes(16), False),
        (b"", False),
    ],
)
def test_addresses_of_interfaces_and_loopback_are_local(address: bytes, expected: bool) -> None:
    assert expected is (address in LocalAddresses([bytes([10, 0, 0, 1])]))


def test_the_set_of_local_addresses_is_replaced_as_a_whole() -> None:
    local = LocalAddresses([bytes(4)])
    local.replace([bytes([1, 1, 1, 1]), bytes([2, 2, 2, 2])])
    assert (2, False) == (len(local), bytes(4) in local)
