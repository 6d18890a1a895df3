"""open, openat, openat2, creat: every argument and the file, compared with the caller's own values."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_type, flag_names
from tests.support.acts import opens
from tests.support.live import Live

pytestmark = pytest.mark.ebpf

READ = os.O_RDONLY


def arg(event: SyscallEvent, name: str) -> Any:
    """Return one parameter by name."""
    declared = event_type(event.type)
    assert declared is not None
    index = declared.index(name)
    assert index is not None
    return event.args[index]


def of(event: SyscallEvent) -> File:
    """Return the event's file."""
    assert event.file is not None
    return event.file


def flags(event: SyscallEvent) -> set[str]:
    """Return the names of the flags."""
    return set(flag_names("file_flags", arg(event, "flags")).split("|"))


def test_openat_tells_result_directory_path_flags_device_and_inode(live: Live, tree: Path) -> None:
    act = live.act(opens.opened, "openat", -100, str(tree / "file"), READ | os.O_CLOEXEC, 0)

    event = act.last("openat")
    assert event.args == (
        act.value["fd"], -100, str(tree / "file"), 1 | 4096, 0, act.value["dev"], act.value["ino"],
    )  # fmt: skip


def test_an_open_file_has_its_name_its_kind_and_the_path_that_was_reached(live: Live, tree: Path) -> None:
    act = live.act(opens.opened, "openat", -100, str(tree / "link" / "file"), READ, 0)

    event = act.last("openat")
    file = of(event)
    assert (event.fd, file.kind, file.name, file.realpath) == (
        act.value["fd"], "file", str(tree / "link" / "file"), str(tree / "inner" / "deep" / "file"),
    )  # fmt: skip


def test_open_has_no_directory_parameter(live: Live, tree: Path) -> None:
    act = live.act(opens.opened, "open", str(tree / "file"), READ, 0)

    event = act.last("open")
    assert event.args == (act.value["fd"], str(tree / "file"), 1, 0, act.value["dev"], act.value["ino"])


def test_creat_tells_the_mode_and_that_there_is_no_overlay(live: Live, tree: Path) -> None:
    act = live.act(opens.opened, "creat", str(tree / "new"), 0o640)

    event = act.last("creat")
    assert event.args == (act.value["fd"], str(tree / "new"), 0o640, act.value["dev"], act.value["ino"], 0)


def test_openat2_tells_flags_mode_and_resolve_of_its_structure(live: Live, tree: Path) -> None:
    act = live.act(opens.how, str(tree / "made"), os.O_CREAT | os.O_WRONLY, 0o600, 4)

    event = act.last("openat2")
    assert (arg(event, "fd"), arg(event, "name"), flags(event), arg(event, "mode"), arg(event, "resolve")) == (
        act.value["fd"], str(tree / "made"), {"O_CREAT", "O_WRONLY", "O_F_CREATED"}, 0o600, 8,
    )  # fmt: skip


def test_a_file_that_was_there_before_is_not_created(live: Live, tree: Path) -> None:
    act = live.act(opens.opened, "openat", -100, str(tree / "file"), os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o644)

    assert flags(act.last("openat")) == {"O_CREAT", "O_RDWR", "O_TRUNC"}


def test_the_mode_is_nothing_without_o_creat(live: Live, tree: Path) -> None:
    act = live.act(opens.opened, "openat", -100, str(tree / "file"), READ, 0o777)

    assert arg(act.last("openat"), "mode") == 0


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("openat", (-100, "/nonexistent/file", READ, 0), errno.ENOENT),
        ("open", ("/nonexistent/file", READ, 0), errno.ENOENT),
        ("creat", ("/nonexistent/file", 0o600), errno.ENOENT),
        ("openat2", (-100, "/nonexistent/file", b"\0" * 24, 24), errno.ENOENT),
        ("openat", (-100, "/nonexistent/file", os.O_DIRECTORY | os.O_WRONLY, 0), errno.ENOENT),
    ],
)
def test_a_failed_open_tells_the_error_and_what_was_asked_for(
    live: Live, name: str, arguments: tuple[object, ...], error: int
) -> None:
    event = live.act(opens.opened, name, *arguments).last(name)

    file = of(event)
    assert (event.args[0], event.fd, file.kind, file.name, file.realpath, file.ino) == (
        -error, -1, "", "/nonexistent/file", None, 0,
    )  # fmt: skip


def test_a_relative_path_starts_from_its_directory_descriptor(live: Live, tree: Path) -> None:
    act = live.act(opens.beside, "openat", str(tree / "inner"), "deep/../deep/./file", READ)

    event = act.last("openat")
    assert (arg(event, "dirfd"), arg(event, "name"), of(event).name, of(event).raw, event.observed.base) == (
        act.value[0], "deep/../deep/./file", str(tree / "inner/deep/file"), "deep/../deep/./file", str(tree / "inner"),
    )  # fmt: skip


def test_a_failed_relative_path_starts_from_its_directory_descriptor(live: Live, tree: Path) -> None:
    event = live.act(opens.beside, "openat", str(tree / "inner"), "nothing", READ).last("openat")

    assert (event.args[0], of(event).name) == (-errno.ENOENT, str(tree / "inner/nothing"))


def test_a_relative_path_starts_from_the_working_directory(live: Live, tree: Path) -> None:
    event = live.act(opens.from_directory, str(tree / "inner"), "../file").last("openat")

    assert (of(event).name, of(event).realpath) == (str(tree / "file"), str(tree / "file"))


def test_a_directory_opened_as_one_is_a_directory(live: Live, tree: Path) -> None:
    event = live.act(opens.opened, "openat", -100, str(tree) + "/", READ | os.O_DIRECTORY, 0).last("openat")

    assert (of(event).kind, of(event).name, of(event).raw) == ("directory", str(tree), str(tree) + "/")


def test_a_name_is_as_the_process_sees_it_and_the_real_path_goes_beyond_its_root(live: Live, tree: Path) -> None:
    act = live.act(opens.inside, str(tree), "/inner/deep/file")

    event = act.last("openat")
    assert (of(event).name, of(event).realpath, of(event).ino) == (
        "/inner/deep/file", str(tree / "inner/deep/file"), act.value["ino"],
    )  # fmt: skip


def test_a_directory_outside_the_root_gives_its_path_from_the_top(live: Live, tree: Path) -> None:
    event = live.act(opens.outside, str(tree / "inner"), "/etc", "passwd").last("openat")

    assert (of(event).name, of(event).realpath) == ("/etc/passwd", "/etc/passwd")


def test_a_file_without_a_name_is_found_by_what_it_was(live: Live, tree: Path) -> None:
    act = live.act(opens.deleted, str(tree / "file"))

    event = act.last("openat")
    assert (of(event).realpath, of(event).ino) == (str(tree / "file"), act.value["ino"])


def test_bytes_that_are_no_text_are_kept(live: Live, tree: Path) -> None:
    name = os.fsencode(tree) + b"/na\xffme \xc3\xa9\n"
    act = live.act(opens.opened, "creat", name, 0o600)

    assert os.fsencode(of(act.last("creat")).name) == name


def test_a_path_of_almost_four_kilobytes_arrives_whole(live: Live, tree: Path) -> None:
    path = str(tree)
    while len(path) < 3700:
        path += "/" + "d" * 200
    os.makedirs(path)
    act = live.act(opens.opened, "openat", -100, path + "/", READ | os.O_DIRECTORY, 0)

    event = act.last("openat")
    assert (of(event).name, of(event).realpath) == (path, act.value["path"])


def test_a_path_deeper_than_the_walk_keeps_its_end_and_begins_without_a_slash(live: Live, tree: Path) -> None:
    path = str(tree) + "/n" * 200
    os.makedirs(path)
    act = live.act(opens.opened, "openat", -100, path, READ, 0)

    file = of(act.last("openat"))
    assert (file.name, file.realpath) == (path, ("/n" * 128)[1:])


def test_a_null_path_is_missing(live: Live) -> None:
    event = live.act(opens.opened, "openat", -100, None, READ, 0).last("openat")

    assert (event.args[0], arg(event, "name")) == (-errno.EFAULT, None)


def test_the_time_lies_between_before_and_after(live: Live, tree: Path) -> None:
    before = os.stat(tree).st_mtime_ns
    act = live.act(opens.opened, "creat", str(tree / "timed"), 0o600)
    made = os.stat(tree / "timed").st_mtime_ns

    assert abs(act.last("creat").time - made) < 100_000_000
    assert act.last("creat").time > before


@pytest.mark.parametrize(
    ("kind", "upper", "lower"), [("lower", False, True), ("copied", True, False), ("new", True, False)]
)
def test_the_layer_of_an_overlay_is_reported(live: Live, tmp_path: Path, kind: str, upper: bool, lower: bool) -> None:
    event = live.act(opens.on_overlay, str(tmp_path), kind).last("openat")

    assert (of(event).upper_layer, of(event).lower_layer) == (upper, lower)
    assert {"FD_UPPER_LAYER", "FD_LOWER_LAYER"} & flags(event) == {"FD_UPPER_LAYER" if upper else "FD_LOWER_LAYER"}


def test_a_bind_mount_is_part_of_the_name_and_not_of_the_real_path(live: Live, tree: Path) -> None:
    act = live.act(opens.through_bind_mount, str(tree))

    event = act.last("openat")
    assert (of(event).name, of(event).realpath, of(event).ino) == (
        str(tree / "seen/deep/file"), str(tree / "inner/deep/file"), act.value["ino"],
    )  # fmt: skip
