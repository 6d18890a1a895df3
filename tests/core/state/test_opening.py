from typing import Any

import pytest

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Entered, Opened
from mozu.core.state.transitions import seeds
from mozu.core.state.transitions.opening import device
from tests.core.state.story import AT_FDCWD, Story, made, read

DIRECTORY = dict(flag_table("file_flags"))["O_DIRECTORY"]
UPPER = dict(flag_table("file_flags"))["FD_UPPER_LAYER"]
CREATED = dict(flag_table("file_flags"))["O_F_CREATED"]


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="a", ptid=1, cwd="/home/a")
    story.settled()
    return story


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/etc/passwd", "/etc/passwd"),
        ("rel", "/home/a/rel"),
        ("./rel", "/home/a/rel"),
        ("../rel", "/home/rel"),
        ("../../../../rel", "/rel"),
        ("b/../c", "/home/a/c"),
        ("/x/../y", "/y"),
        ("/z/", "/z"),
        ("/", "/"),
        (".", "/home/a"),
        ("..", "/home"),
        ("//a//b", "/a/b"),
        ("...", "/home/a/..."),
        ("", ""),
    ],
)
def test_a_path_is_made_absolute_by_its_text(story: Story, path: str, name: str) -> None:
    event = story.open(10, path, 3)
    assert (name, path) == (event.file and event.file.name, event.file and event.file.raw)


def test_the_descriptor_is_known_from_then_on(story: Story) -> None:
    story.open(10, "rel", 3)
    assert ("/home/a/rel", "file") == (read(story.write(10, 3), "fd.name"), read(story.write(10, 3), "fd.type"))


def test_a_path_can_start_from_a_directorys_descriptor(story: Story) -> None:
    story.open(10, "/var/d", 5, flags=1 | DIRECTORY)
    assert "/var/d/x" == read(story.open(10, "x", 6, dirfd=5), "fd.name")


def test_a_directory_that_nobody_has_seen_is_said_to_be_unknown(story: Story) -> None:
    assert "<UNKNOWN>x" == read(story.open(10, "x", 6, dirfd=55), "fd.name")


def test_an_absolute_path_needs_no_directory(story: Story) -> None:
    assert "/x" == read(story.open(10, "/x", 6, dirfd=55), "fd.name")


def test_a_failed_open_is_named_by_the_path_that_was_asked_for(story: Story) -> None:
    event = story.open(10, "secret", -13)
    assert (-1, "/home/a/secret", None) == (read(event, "fd.num"), read(event, "fd.name"), read(event, "fd.type"))


def test_a_failed_open_leaves_no_descriptor(story: Story) -> None:
    story.open(10, "secret", -13)
    assert {} == story.process(10).files


def test_directories_are_reported_by_the_flag(story: Story) -> None:
    assert "directory" == read(story.open(10, "/d", 5, flags=1 | DIRECTORY), "fd.type")


def test_layers_are_reported_by_flags(story: Story) -> None:
    assert True is read(story.open(10, "/d", 5, flags=1 | UPPER), "fd.is_upper_layer")


def test_creat_tells_the_layer_in_flags_of_its_own(story: Story) -> None:
    event = story.event("creat", 10, fd=3, name="new", mode=0o600, dev=0, ino=0, creat_flags=1)
    assert ("/home/a/new", True) == (read(event, "fd.name"), read(event, "fd.is_upper_layer"))


def test_an_open_by_handle_brings_the_whole_path(story: Story) -> None:
    event = story.event("open_by_handle_at", 10, fd=3, mountfd=5, flags=1, path="/mnt/x", dev=0, ino=0)
    assert "/mnt/x" == read(event, "fd.name")


def test_opening_gives_the_descriptor_its_name_and_using_it_does_not(story: Story) -> None:
    opened, used = story.open(10, "/x", 3), story.write(10, 3)
    assert (True, False) == (read(opened, "fd.name_changed"), read(used, "fd.name_changed"))


def test_a_descriptor_used_again_stands_for_the_new_file(story: Story) -> None:
    story.open(10, "/x", 3)
    story.open(10, "/y", 3)
    assert "/y" == read(story.write(10, 3), "fd.name")


# --- the beginning of the call ---


def test_what_a_call_was_given_at_its_beginning_wins(story: Story) -> None:
    story.event("_enter", 10, observed=Entered("openat", (-100, "/asked", 2, 0)))
    event = story.open(10, "/seen", 3, flags=1 | CREATED)
    assert event.file is not None
    assert ("/asked", 2 | CREATED) == (event.file.name, event.file.flags)


def test_what_an_open_of_the_old_kind_was_given_at_its_beginning_wins(story: Story) -> None:
    story.event("_enter", 10, observed=Entered("open", ("/asked", 2, 5)))
    event = story.event("open", 10, fd=3, name="/seen", flags=1 | CREATED, mode=0, dev=0, ino=0)
    assert event.file is not None
    assert ("/asked", 2 | CREATED) == (event.file.name, event.file.flags)


ENDS: dict[str, dict[str, Any]] = {
    "open": {"name": "/seen", "flags": 1, "mode": 0},
    "creat": {"name": "/seen", "mode": 0},
    "openat": {"dirfd": -100, "name": "/seen", "flags": 1, "mode": 0},
    "openat2": {"dirfd": -100, "name": "/seen", "flags": 1, "mode": 0, "resolve": 0},
}
"""Call → the report of its exit."""


@pytest.mark.parametrize("path", [None, "", "/asked"])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("open", (), (0,)), ("creat", (), (0,)), ("openat", (-100,), (0,)), ("openat2", (-100,), (0,))],
)
def test_a_beginning_wins_where_its_path_could_be_read(
    story: Story, kind: str, before: tuple[int, ...], after: tuple[int, ...], path: str | None
) -> None:
    story.event("_enter", 10, observed=Entered(kind, (*before, path, *after)))
    event = story.event(kind, 10, fd=3, dev=0, ino=0, **ENDS[kind])
    assert event.file is not None
    assert (path or "/seen") == event.file.name
    assert (1 if not path and kind != "creat" else 0) == event.file.flags


@pytest.mark.parametrize("kind", ["openat", "openat2"])
@pytest.mark.parametrize(
    ("dirfd", "expected"), [(AT_FDCWD, "/home/a/asked"), (5, "/srv/asked"), (9, "<UNKNOWN>asked")]
)
def test_a_path_at_the_beginning_starts_from_the_directory_there(
    story: Story, kind: str, dirfd: int, expected: str
) -> None:
    story.has_file(10, 5, File("directory", "/srv"))
    story.event("_enter", 10, observed=Entered(kind, (dirfd, "asked", 0)))
    assert expected == read(story.event(kind, 10, fd=3, dev=0, ino=0, **ENDS[kind]), "fd.name")


@pytest.mark.parametrize("kind", [*ENDS, "open_by_handle_at"])
def test_writers_of_captures_may_have_left_out_the_last_parameters(story: Story, kind: str) -> None:
    whole = made(kind, 10, fd=3, **ENDS.get(kind, {"mountfd": 5, "flags": 1, "path": "/seen"}))
    for number in range(4, len(whole.args) + 1):
        event = SyscallEvent("syscall", kind, story.time, tid=10, args=whole.args[:number])
        story.machine.apply([event])
        assert event.file is not None
        assert ("/seen", 0, 0) == (event.file.name, event.file.dev, event.file.ino)


def test_a_beginning_counts_for_the_next_event_of_its_thread_only(story: Story) -> None:
    story.event("_enter", 10, observed=Entered("openat", (-100, "/asked", 2, 0)))
    story.write(10, 0)
    assert "/seen" == read(story.open(10, "/seen", 3), "fd.name")


def test_other_threads_do_not_end_a_beginning(story: Story) -> None:
    story.has(11, name="b")
    story.event("_enter", 10, observed=Entered("openat", (-100, "/asked", 2, 0)))
    story.write(11, 0)
    assert "/asked" == read(story.open(10, "/seen", 3), "fd.name")


def test_of_too_many_beginnings_the_one_that_is_oldest_is_forgotten(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "_ENTERED_LIMIT", 2)
    for tid in (11, 12):
        story.has(tid, name="b")
    for tid in (10, 11, 10, 12):
        story.event("_enter", tid, observed=Entered("openat", (-100, f"/asked/{tid}", 2, 0)))
    assert ["/asked/10", "/seen", "/asked/12"] == [read(story.open(tid, "/seen", 3), "fd.name") for tid in (10, 11, 12)]


def test_a_thread_that_begins_another_call_takes_the_place_of_its_own(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "_ENTERED_LIMIT", 2)
    story.has(11, name="b")
    for tid in (10, 11, 11):
        story.event("_enter", tid, observed=Entered("openat", (-100, f"/asked/{tid}", 2, 0)))
    assert ["/asked/10", "/asked/11"] == [read(story.open(tid, "/seen", 3), "fd.name") for tid in (10, 11)]


@pytest.mark.parametrize(("flags", "mode", "kind"), [(DIRECTORY, 0, "directory"), (1, DIRECTORY, "file")])
def test_an_open_of_the_old_kind_has_flags_of_its_own(story: Story, flags: int, mode: int, kind: str) -> None:
    event = story.event("open", 10, fd=3, name="/srv", flags=flags, mode=mode, dev=0, ino=0)
    assert (kind, "/srv") == (read(event, "fd.type"), read(event, "fd.name"))


# --- live ---


@pytest.mark.parametrize(("reported", "expected"), [(2, 2), (0, 1)])
def test_live_flags_are_those_of_the_kernel_where_it_tells_some(reported: int, expected: int) -> None:
    story = Story(live=True)
    file = File("file", dev=8, ino=9, flags=reported)
    event = story.event("openat", 10, fd=3, dirfd=-100, name="/x", flags=1, file=file)
    assert event.file is not None
    assert expected == event.file.flags


@pytest.mark.parametrize("fd", [0, 3])
def test_live_a_file_that_the_source_has_named_is_the_descriptors(fd: int) -> None:
    story = Story(live=True)
    story.exec(10, "/bin/x", pid=10)
    made_up = File("file", name="/reported", dev=8, ino=9)
    event = made("openat", 10, of=10, fd=fd, dirfd=-100, name="x", flags=1, observed=Opened(named=True), file=made_up)
    event.fd = fd
    story.machine.apply([event])
    assert "/reported" == read(story.write(10, fd), "fd.name")


@pytest.mark.parametrize(("major", "minor"), [(8, 1), (259, 3), (8, 300), (4095, 0xFFFFF)])
def test_a_device_has_the_kernels_own_number(major: int, minor: int) -> None:
    encoded = (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12
    assert major << 20 | minor == device(encoded)


def test_live_the_kernel_knows_where_a_relative_path_started() -> None:
    story = Story(live=True)
    event = story.event("openat", 10, fd=-2, dirfd=7, name="x", flags=1, observed=Opened(base="/real/dir"))
    assert "/real/dir/x" == read(event, "fd.name")


def test_live_the_kernels_path_is_kept_beside_the_name() -> None:
    story = Story(live=True)
    reported = File("file", realpath="/real/x", dev=8, ino=9)
    event = story.event("openat", 10, fd=3, dirfd=-100, name="/link/x", flags=1, file=reported)
    used = story.write(10, 3)
    assert used.file is not None
    assert ("/link/x", "/real/x", 9) == (used.file.name, used.file.realpath, used.file.ino)
    assert event.file is not None


def test_live_a_descriptor_keeps_its_name_as_long_as_the_kernel_says_it_is_the_same_file() -> None:
    story = Story(live=True)
    reported = File("file", name="/real/x", realpath="/real/x", dev=8, ino=9)
    story.event("openat", 10, fd=3, dirfd=-100, name="/link/x", flags=1, file=reported)
    event = story.event("write", 10, res=1, fd=3, size=1, file=reported)
    assert "/link/x" == read(event, "fd.name")


def test_live_a_descriptor_that_is_another_file_now_is_named_by_the_kernel() -> None:
    story = Story(live=True)
    story.event("openat", 10, fd=3, dirfd=-100, name="/old", flags=1, file=File("file", dev=8, ino=9))
    event = story.event("write", 10, res=1, fd=3, size=1, file=File("file", name="/new", dev=8, ino=10))
    assert "/new" == read(event, "fd.name")


def test_live_a_path_that_could_not_be_read_leaves_a_failed_open_without_a_name() -> None:
    story = Story(live=True)
    assert story.event("openat", 10, fd=-14, dirfd=-100, name=None, flags=1).file is None
