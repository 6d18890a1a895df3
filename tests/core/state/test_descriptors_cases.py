from typing import Any

import pytest

from mozu.core.model.event import File
from mozu.core.model.syscalls import flag_table
from tests.core.state.story import CLOEXEC, Story

FCNTL = dict(flag_table("fcntl_commands"))
RANGE_CLOEXEC = dict(flag_table("close_range_flags"))["CLOSE_RANGE_CLOEXEC"]
A, B = File("file", "/a", flags=1), File("file", "/b", flags=CLOEXEC | 1)


@pytest.fixture
def story() -> Story:
    """Return a process with two files, and another with one."""
    story = Story()
    for tid in (10, 20):
        story.has(tid, ptid=1)
    story.settled()
    for tid, fd, file in ((10, 3, A), (10, 4, B), (20, 5, B)):
        story.has_file(tid, fd, file)
    return story


def flags(story: Story) -> dict[int, int]:
    return {fd: file.flags for fd, file in story.process(10).files.items()}


BEFORE = {3: 1, 4: CLOEXEC | 1}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"cmd": FCNTL["F_DUPFD"], "res": 0, "fd": 4}, {**BEFORE, 0: 1}),
        ({"cmd": FCNTL["F_DUPFD_CLOEXEC"], "res": 9, "fd": 3}, {**BEFORE, 9: CLOEXEC | 1}),
        ({"cmd": FCNTL["F_DUPFD"], "res": -1, "fd": 3}, BEFORE),
        ({"cmd": FCNTL["F_DUPFD"], "res": None, "fd": 3}, BEFORE),
        ({"cmd": FCNTL["F_DUPFD"], "res": 9, "fd": 99}, BEFORE),
        ({"cmd": FCNTL["F_SETFD"], "res": 0, "fd": 3, "arg": 1}, {**BEFORE, 3: CLOEXEC | 1}),
        ({"cmd": FCNTL["F_SETFD"], "res": 0, "fd": 4, "arg": 0}, {**BEFORE, 4: 1}),
        ({"cmd": FCNTL["F_SETFD"], "res": 0, "fd": 4, "arg": 2}, {**BEFORE, 4: 1}),
        ({"cmd": FCNTL["F_SETFD"], "res": 0, "fd": 4, "arg": None}, {**BEFORE, 4: 1}),
        ({"cmd": FCNTL["F_SETFD"], "res": -1, "fd": 3, "arg": 1}, BEFORE),
        ({"cmd": FCNTL["F_GETFD"], "res": 1, "fd": 3}, BEFORE),
        ({"cmd": None, "res": 1, "fd": 3}, BEFORE),
    ],
)
def test_fcntl_copies_and_marks_what_is_known_where_it_succeeds(
    story: Story, params: dict[str, Any], expected: dict[int, int]
) -> None:
    story.event("fcntl", 10, **params)
    assert expected == flags(story)


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("dup", {"res": 9, "oldfd": 4}, {**BEFORE, 9: 1}),
        ("dup2", {"res": 9, "oldfd": 4, "newfd": 9}, {**BEFORE, 9: 1}),
        ("dup2", {"res": 4, "oldfd": 3, "newfd": 4}, {3: 1, 4: 1}),
        ("dup3", {"res": 9, "oldfd": 3, "newfd": 9, "flags": CLOEXEC}, {**BEFORE, 9: CLOEXEC | 1}),
        ("dup3", {"res": 9, "oldfd": 4, "newfd": 9, "flags": None}, {**BEFORE, 9: 1}),
        ("dup3", {"res": 9, "oldfd": 4, "newfd": 9, "flags": 1}, {**BEFORE, 9: 1}),
        ("dup", {"res": -1, "oldfd": 4}, BEFORE),
        ("dup", {"res": None, "oldfd": 4}, BEFORE),
        ("dup", {"res": 9, "oldfd": 99}, BEFORE),
        ("dup", {"res": 4, "oldfd": 99}, BEFORE),
    ],
)
def test_a_copy_is_marked_only_by_dup3(
    story: Story, kind: str, params: dict[str, Any], expected: dict[int, int]
) -> None:
    story.event(kind, 10, **params)
    assert expected == flags(story)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"first": 3, "last": 3}, {4: CLOEXEC | 1}),
        ({"first": 4, "last": 4}, {3: 1}),
        ({"first": 0, "last": 0xFFFFFFFF}, {}),
        ({"first": 5, "last": 9}, BEFORE),
        ({"first": 3, "last": 4, "flags": RANGE_CLOEXEC}, {3: CLOEXEC | 1, 4: CLOEXEC | 1}),
        ({"first": 3, "last": 4, "flags": None}, {}),
        ({"first": 3, "last": 4, "res": -1}, BEFORE),
        ({"first": 3, "last": 4, "res": None}, BEFORE),
        ({"first": 3, "last": 4, "res": 1}, {}),
        ({"first": None, "last": 4}, BEFORE),
        ({"first": 3, "last": None}, BEFORE),
    ],
)
def test_a_range_begins_and_ends_with_what_it_names(
    story: Story, params: dict[str, Any], expected: dict[int, int]
) -> None:
    story.event("close_range", 10, **{"res": 0, "flags": 0, **params})
    assert expected == flags(story)


@pytest.mark.parametrize(("result", "expected"), [(0, {4: CLOEXEC | 1}), (-1, BEFORE), (None, BEFORE)])
def test_a_close_that_succeeds_closes_for_the_events_after_it(
    story: Story, result: int | None, expected: dict[int, int]
) -> None:
    event = story.event("close", 10, res=result, fd=3)
    assert expected == flags(story)
    assert event.process is not None
    seen = event.process.file_at(3, event.num)
    assert seen is not None
    assert ("/a", event.file) == (seen.name, seen)
    after = story.write(10, 99)
    assert after.process is not None
    assert (3 in expected) == (after.process.file_at(3, after.num) is not None)


@pytest.mark.parametrize(
    ("pidfd", "params", "reported", "expected"),
    [
        ("/proc/20", {}, None, ("/b", CLOEXEC | 1)),
        ("/proc/20", {"fd": 0}, None, ("/b", CLOEXEC | 1)),
        ("/proc/20", {"target_fd": 6}, None, None),
        ("/proc/77", {}, None, None),
        ("/proc/x", {}, None, None),
        ("/proc/20", {"pid_fd": 3}, None, None),
        ("/proc/20", {"fd": -1}, None, None),
        ("/proc/77", {}, File("pipe", "p"), ("p", CLOEXEC)),
        ("/proc/20", {}, File("pipe", "p"), ("/b", CLOEXEC | 1)),
    ],
    ids=["known", "as number 0", "of an unknown number", "of an unknown process", "of no number", "not by a pidfd",
         "failed", "what the kernel shows", "known and shown"],
)  # fmt: skip
def test_a_descriptor_of_another_process_is_what_it_is_there(
    story: Story, pidfd: str, params: dict[str, int], reported: File | None, expected: tuple[str, int] | None
) -> None:
    story.has_file(10, 7, File("pidfd", pidfd))
    given = {"fd": 9, "pid_fd": 7, "target_fd": 5, "flags": 0, **params}
    event = story.event("pidfd_getfd", 10, file=reported, **given)
    found = story.process(10).files.get(given["fd"])
    assert expected == (None if found is None else (found.name, found.flags))
    assert (given["fd"], found) == (event.fd, event.file)


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("pipe", {}, {5: ("pipe", 0, 7), 6: ("pipe", 0, 7)}),
        ("pipe2", {"flags": CLOEXEC}, {5: ("pipe", CLOEXEC, 7), 6: ("pipe", CLOEXEC, 7)}),
        ("pipe2", {"flags": None, "ino": None}, {5: ("pipe", 0, 0), 6: ("pipe", 0, 0)}),
        ("pipe", {"fd1": 0, "fd2": 1}, {0: ("pipe", 0, 7), 1: ("pipe", 0, 7)}),
        ("pipe", {"res": -1}, {}),
        ("pipe", {"res": None}, {}),
        ("pipe", {"fd1": None}, {}),
        ("pipe", {"fd2": None}, {}),
        ("socketpair", {"ino": ...}, {5: ("unix", 0, 0), 6: ("unix", 0, 0)}),
        ("socketpair", {"ino": ..., "res": -1}, {}),
        ("socketpair", {"ino": ..., "fd1": 6}, {}),
    ],
)
def test_a_pair_has_two_ends_or_none(
    story: Story, kind: str, params: dict[str, Any], expected: dict[int, tuple[str, int, int]]
) -> None:
    given = {"res": 0, "fd1": 5, "fd2": 6, "ino": 7, **params}
    event = story.event(kind, 10, **{name: value for name, value in given.items() if value is not ...})
    made = {fd: file for fd, file in story.process(10).files.items() if fd not in BEFORE}
    assert expected == {fd: (file.kind, file.flags, file.ino) for fd, file in made.items()}
    assert (given["fd2"] if expected else -1, made.get(given["fd2"])) == (event.fd, event.file)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (None, ("memfd", "text", 2, 0)),
        (File("memfd", ino=4), ("memfd", "text", 2, 4)),
        (File("memfd", "/memfd:own", flags=8, ino=4), ("memfd", "/memfd:own", 8, 4)),
    ],
    ids=["nothing", "no name and no flags", "all"],
)
def test_what_the_kernel_shows_of_a_new_descriptor_is_completed_by_the_call(
    story: Story, reported: File | None, expected: tuple[str, str, int, int]
) -> None:
    story.event("memfd_create", 10, fd=9, name="text", flags=2, file=reported)
    file = story.process(10).files[9]
    assert (*expected, True) == (file.kind, file.name, file.flags, file.ino, file.name_changed)
