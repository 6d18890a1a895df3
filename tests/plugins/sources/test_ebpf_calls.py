"""Calls of numbers and names, table-driven: success and failure, every parameter."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mozu.core.syscalls import event_type, flag_names
from mozu.plugins.sources.ebpf.calls import WATCHES
from tests.support.acts import changes
from tests.support.live import Live

pytestmark = pytest.mark.ebpf

PATHS: dict[str, tuple[list[object], list[object], int]] = {
    "link": (["file", "second"], ["nothing", "second"], errno.ENOENT),
    "symlink": (["/etc/shadow", "second"], ["x", "file"], errno.EEXIST),
    "unlink": (["file"], ["nothing"], errno.ENOENT),
    "rename": (["file", "second"], ["nothing", "second"], errno.ENOENT),
    "mkdir": (["made", 0o711], ["file", 0o711], errno.EEXIST),
    "rmdir": (["empty"], ["file"], errno.ENOTDIR),
    "chmod": (["file", 0o4755], ["nothing", 0o777], errno.ENOENT),
}
"""Call → arguments that succeed, arguments that fail, the error. Names are relative to the test's directory."""

NUMBERS: dict[str, tuple[list[object], list[object] | None, int]] = {
    "setuid": ([1234], [-1], errno.EINVAL),
    "setgid": ([1234], [-1], errno.EINVAL),
    "setreuid": ([0, 1234], [-2, -2], 0),
    "setregid": ([-1, 1234], None, 0),
    "setresuid": ([-1, 1234, -1], None, 0),
    "setresgid": ([1, 2, 3], None, 0),
    "unshare": ([0x20000], [0x1], errno.EINVAL),
    "setpgid": ([0, 0], [0, 999_999], errno.EPERM),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a file and an empty directory."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def values(name: str, args: tuple[Any, ...]) -> dict[str, Any]:
    """Parameters by name."""
    declared = event_type(name)
    assert declared is not None
    return dict(zip((p.name for p in declared.params), args, strict=True))


@pytest.mark.parametrize("name", PATHS)
def test_a_call_of_names_that_succeeds_tells_them_as_given(live: Live, place: Path, name: str) -> None:
    given = PATHS[name][0]
    event = live.act(changes.by_name, name, given, str(place)).last(name)

    assert event.args[0] == 0
    assert event.args[1:3] == tuple(given)[:2]


@pytest.mark.parametrize("name", PATHS)
def test_a_call_of_names_that_fails_tells_the_error(live: Live, place: Path, name: str) -> None:
    _, given, error = PATHS[name]
    event = live.act(changes.by_name, name, given, str(place)).last(name)

    assert (event.args[0], event.args[1]) == (-error, given[0])


@pytest.mark.parametrize("name", NUMBERS)
def test_a_call_of_numbers_tells_them(live: Live, name: str) -> None:
    given = NUMBERS[name][0]
    act = live.act(changes.by_name, name, given)

    assert act.last(name).args[0] == act.value
    if name != "unshare":
        assert list(act.last(name).args[1:]) == given


@pytest.mark.parametrize("name", [name for name, (_, bad, _) in NUMBERS.items() if bad is not None])
def test_a_call_of_numbers_that_fails_tells_the_error(live: Live, name: str) -> None:
    _, given, error = NUMBERS[name]
    act = live.act(changes.by_name, name, given)

    assert act.last(name).args[0] == act.value
    assert act.value in (-error, 0)


def test_flags_are_those_that_rules_name(live: Live) -> None:
    event = live.act(changes.by_name, "unshare", [0x20000 | 0x40000000]).last("unshare")

    assert set(flag_names("clone_flags", event.args[1]).split("|")) == {"CLONE_NEWNS", "CLONE_NEWNET"}


def test_the_mode_of_chmod_is_the_permission_bits(live: Live, place: Path) -> None:
    event = live.act(changes.by_name, "chmod", [str(place / "file"), 0o104755]).last("chmod")

    assert values("chmod", event.args)["mode"] == 0o4755


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("linkat", ["1", "file", "2", "new", 0], ("first", "file", "second", "new", 0)),
        ("renameat", ["1", "file", "2", "new"], ("first", "file", "second", "new")),
        ("renameat2", ["1", "file", "2", "new", 1], ("first", "file", "second", "new", 1)),
        ("symlinkat", ["target", "2", "new"], ("target", "second", "new")),
        ("unlinkat", ["1", "empty", 0x200], ("first", "empty", 0x200)),
        ("mkdirat", ["2", "new", 0o700], ("second", "new", 0o700)),
        ("fchmodat", ["1", "file", 0o640], ("first", "file", 0o640)),
    ],
)
def test_calls_relative_to_directories_tell_them(
    live: Live, place: Path, name: str, arguments: list[object], expected: tuple[object, ...]
) -> None:
    other = place / "other"
    other.mkdir()
    act = live.act(changes.between, name, str(place), str(other), arguments)

    wanted = tuple(act.value.get(one, one) if isinstance(one, str) else one for one in expected)
    assert (act.value["result"], act.last(name).args) == (0, (0, *wanted))


def test_fchmod_tells_the_file(live: Live, place: Path) -> None:
    act = live.act(changes.with_descriptor, "fchmod", str(place / "file"), [0o600])

    event = act.last("fchmod")
    assert event.file is not None
    fd = act.value["fd"]
    assert (event.args, event.fd, event.file.name) == ((0, fd, 0o600), fd, str(place / "file"))


def test_close_tells_the_descriptor(live: Live, place: Path) -> None:
    act = live.act(changes.with_descriptor, "close", str(place / "file"), [])

    assert (0, act.value["fd"]) in [event.args for event in act.of("close")]


@pytest.mark.parametrize("name", ["chdir", "fchdir"])
def test_a_changed_directory_is_told_as_the_kernel_sees_it(live: Live, place: Path, name: str) -> None:
    (place / "link").symlink_to(place / "empty")
    act = live.act(changes.go, name, str(place / "link"))

    event = act.last(name)
    assert (event.args, event.facts.path) == ((0, act.value["target"]), str(place / "empty"))


def test_a_relative_chdir_leads_where_the_kernel_went(live: Live, place: Path) -> None:
    event = live.act(changes.go, "chdir", "empty", str(place)).last("chdir")

    assert (event.args[1], event.facts.path) == ("empty", str(place / "empty"))


def test_a_failed_chdir_leads_nowhere(live: Live) -> None:
    event = live.act(changes.go, "chdir", "/nonexistent").last("chdir")

    assert (event.args, event.facts) == ((-errno.ENOENT, "/nonexistent"), None)


def test_names_of_hostile_bytes_arrive_whole(live: Live, place: Path) -> None:
    name = os.fsencode(place) + b"/\xff\xfe\n\x1b[31m"
    event = live.act(changes.by_name, "mkdir", [name, 0o700]).last("mkdir")

    assert os.fsencode(event.args[1]) == name


def test_every_declared_call_is_counted(live: Live) -> None:
    assert live.source.counts().keys() == WATCHES.keys()
