"""Calls of numbers and names, table-driven: success and failure, every parameter."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.syscalls import event_type, flag_names
from tests.support.acts import changes
from tests.support.live import QUIET, Live

pytestmark = pytest.mark.ebpf

PATHS: dict[str, tuple[list[object], list[object], int]] = {
    "link": (["file", "second"], ["nothing", "second"], errno.ENOENT),
    "symlink": (["/etc/shadow", "second"], ["x", "file"], errno.EEXIST),
    "unlink": (["file"], ["nothing"], errno.ENOENT),
    "rename": (["file", "second"], ["nothing", "second"], errno.ENOENT),
    "mkdir": (["made", 0o711], ["file", 0o711], errno.EEXIST),
    "rmdir": (["empty"], ["file"], errno.ENOTDIR),
    "chmod": (["file", 0o4755], ["nothing", 0o777], errno.ENOENT),
    "chown": (["file", 1, 2], ["nothing", 1, 2], errno.ENOENT),
    "lchown": (["file", 1, 2], ["nothing", 1, 2], errno.ENOENT),
    "access": (["file", 4], ["nothing", 4], errno.ENOENT),
    "stat": (["file", b"\0" * 200], ["nothing", b"\0" * 200], errno.ENOENT),
    "lstat": (["file", b"\0" * 200], ["nothing", b"\0" * 200], errno.ENOENT),
    "mknod": (["node", 0o10644, 0], ["file", 0o10644, 0], errno.EEXIST),
}
"""Call → arguments that succeed, arguments that fail, the error. Paths are relative to the test's directory."""

NUMBERS: dict[str, tuple[list[object], list[object] | None, int]] = {
    "setuid": ([1234], [-1], errno.EINVAL),
    "setgid": ([1234], [-1], errno.EINVAL),
    "setreuid": ([0, 1234], [-2, -2], 0),
    "setregid": ([-1, 1234], None, 0),
    "setresuid": ([-1, 1234, -1], None, 0),
    "setresgid": ([1, 2, 3], None, 0),
    "unshare": ([0x20000], [0x1], errno.EINVAL),
    "setpgid": ([0, 0], [0, 999_999], errno.EPERM),
    "kill": ([0, 0], [999_999_999, 0], errno.ESRCH),
    "tkill": ([1, 0], [999_999_999, 0], errno.ESRCH),
    "tgkill": ([1, 1, 0], [999_999_999, 999_999_999, 0], errno.ESRCH),
    "mprotect": ([0, 0, 3], [1, 1, 3], errno.EINVAL),
    "mlock": ([0, 0], [0, 1 << 40], errno.ENOMEM),
    "setfsuid": ([0], None, 0),
    "setfsgid": ([0], None, 0),
    "setsid": ([], None, 0),
    "seccomp": ([0, 0], [99, 0], errno.EINVAL),
    "bpf": ([99, None, 0], None, 0),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a directory with a file and an empty directory."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def values(name: str, args: tuple[Any, ...]) -> dict[str, Any]:
    """Return parameters by name."""
    declared = event_type(name)
    assert declared is not None
    return dict(zip((p.name for p in declared.params), args, strict=True))


@pytest.mark.parametrize("name", PATHS)
def test_a_call_of_names_that_succeeds_reports_them_as_given(live: Live, place: Path, name: str) -> None:
    given = PATHS[name][0]
    event = live.act(changes.by_name, name, given, str(place)).last(name)

    assert event.args[0] == 0
    assert event.args[1:] == tuple(given)[: len(event.args) - 1]


@pytest.mark.parametrize("name", PATHS)
def test_a_call_of_names_that_fails_reports_the_error(live: Live, place: Path, name: str) -> None:
    _, given, error = PATHS[name]
    event = live.act(changes.by_name, name, given, str(place)).last(name)

    assert (event.args[0], event.args[1]) == (-error, given[0])


@pytest.mark.parametrize("name", NUMBERS)
def test_a_call_of_numbers_reports_them(live: Live, name: str) -> None:
    given = NUMBERS[name][0]
    act = live.act(changes.by_name, name, given)

    reported = act.last(name).args
    assert reported[:1] in ((act.value,), ())
    if name != "unshare":
        assert list(reported[1:]) == given[: max(0, len(reported) - 1)]


@pytest.mark.parametrize("name", [name for name, (_, bad, _) in NUMBERS.items() if bad is not None])
def test_a_call_of_numbers_that_fails_reports_the_error(live: Live, name: str) -> None:
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
def test_calls_relative_to_directories_report_them(
    live: Live, place: Path, name: str, arguments: list[object], expected: tuple[object, ...]
) -> None:
    other = place / "other"
    other.mkdir()
    act = live.act(changes.between, name, str(place), str(other), arguments)

    wanted = tuple(act.value.get(one, one) if isinstance(one, str) else one for one in expected)
    assert (act.value["result"], act.last(name).args) == (0, (0, *wanted))


def test_fchmod_reports_the_file(live: Live, place: Path) -> None:
    act = live.act(changes.with_descriptor, "fchmod", str(place / "file"), [0o600])

    event = act.last("fchmod")
    assert event.file is not None
    fd = act.value["fd"]
    assert (event.args, event.fd, event.file.name) == ((0, fd, 0o600), fd, str(place / "file"))


def test_close_reports_the_descriptor(live: Live, place: Path) -> None:
    act = live.act(changes.with_descriptor, "close", str(place / "file"), [])

    assert (0, act.value["fd"]) in [event.args for event in act.of("close")]


@pytest.mark.parametrize("name", ["chdir", "fchdir"])
def test_a_changed_directory_is_reported_as_the_kernel_sees_it(live: Live, place: Path, name: str) -> None:
    (place / "link").symlink_to(place / "empty")
    act = live.act(changes.go, name, str(place / "link"))

    event = act.last(name)
    assert (event.args, event.observed.path) == ((0, act.value["target"]), str(place / "empty"))


def test_a_relative_chdir_leads_where_the_kernel_went(live: Live, place: Path) -> None:
    event = live.act(changes.go, "chdir", "empty", str(place)).last("chdir")

    assert (event.args[1], event.observed.path) == ("empty", str(place / "empty"))


def test_a_failed_chdir_leads_nowhere(live: Live) -> None:
    event = live.act(changes.go, "chdir", "/nonexistent").last("chdir")

    assert (event.args, event.observed) == ((-errno.ENOENT, "/nonexistent"), None)


def test_prctl_reports_the_new_name(live: Live) -> None:
    act = live.act(changes.name_oneself, "shrike")

    event = act.last("prctl")
    assert (event.args[:2], flag_names("prctl_options", event.args[1])) == ((0, 15), "PR_SET_NAME")
    assert event.args[2] == act.value == "shrike"


def test_capset_reports_what_it_led_to(live: Live) -> None:
    act = live.act(changes.drop_capabilities)

    assert act.last("capset").args == (0, *act.value)


@pytest.mark.parametrize(("request_", "name"), [(16, "PTRACE_ATTACH"), (0x4206, "PTRACE_SEIZE")])
def test_ptrace_reports_request_and_process(live: Live, request_: int, name: str) -> None:
    act = live.act(changes.trace_child, request_)

    event = act.last("ptrace")
    assert (event.args[0], flag_names("ptrace_requests", event.args[3]), event.args[4]) == (0, name, act.value)


def test_mount_reports_its_three_texts_and_flags(live: Live, place: Path) -> None:
    act = live.act(changes.mount_and_unmount, str(place / "empty"))

    event = act.last("mount")
    assert (event.args[:4], flag_names("mount_flags", event.args[4])) == (
        (0, "none", str(place / "empty"), "tmpfs"), "NOSUID|NODEV",
    )  # fmt: skip
    assert act.last("umount2").args == (0, str(place / "empty"), 2)


def test_relative_names_start_from_the_directory_that_the_kernel_knows(live: Live, place: Path) -> None:
    other = place / "other"
    other.mkdir()
    event = live.act(changes.between, "linkat", str(place), str(other), ["1", "file", "2", "new", 0]).last("linkat")

    assert event.observed.bases == (str(place), str(other))


def test_a_link_s_target_is_no_path_and_has_no_directory(live: Live, place: Path) -> None:
    event = live.act(changes.by_name, "symlink", ["target", "new"], str(place)).last("symlink")

    assert event.observed.bases == (str(place),)


def test_names_of_hostile_bytes_arrive_whole(live: Live, place: Path) -> None:
    name = os.fsencode(place) + b"/\xff\xfe\n\x1b[31m"
    event = live.act(changes.by_name, "mkdir", [name, 0o700]).last("mkdir")

    assert os.fsencode(event.args[1]) == name


def test_every_declared_call_that_this_kernel_has_is_counted(live: Live) -> None:
    modules = {"init_module", "finit_module", "delete_module"}

    absent = set(QUIET) - live.source.counts().keys() - {"kexec_file_load"}
    assert absent in (set(), modules)
