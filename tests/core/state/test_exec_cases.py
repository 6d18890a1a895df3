from typing import Any

import pytest

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Entered, Executed, Forked
from tests.core.state.story import AT_FDCWD, CLOEXEC, THREAD, Story, made, read

EMPTY_PATH = dict(flag_table("execveat_flags"))["AT_EMPTY_PATH"]
EPOLL_CLOEXEC = dict(flag_table("epoll_create1_flags"))["EPOLL_CLOEXEC"]
MEMFD_CLOEXEC = dict(flag_table("memfd_create_flags"))["MFD_CLOEXEC"]
SECOND = 1_000_000_000


@pytest.fixture
def story() -> Story:
    """Return a recording with init (1) and a shell (10)."""
    story = Story()
    story.has(1, name="systemd", ptid=0, cwd="/run", vpid=1)
    story.has(10, name="bash", exepath="/bin/bash", ptid=1, cwd="/home/a", env=("A=1",), loginuid=7, pgid=4, sid=3)
    story.settled()
    return story


@pytest.fixture
def live() -> Story:
    story = Story(live=True)
    story.has(1, name="systemd", ptid=0)
    story.has(10, name="bash", ptid=1, cwd="/home/a", env=("A=1",), pgid=4)
    return story


# --- the process of the call ---


@pytest.mark.parametrize(("tid", "cwd"), [(1, "/run/"), (10, "/home/a/")])
def test_a_known_process_keeps_its_directory_also_without_a_parent(story: Story, tid: int, cwd: str) -> None:
    story.exec(tid, "/bin/x")
    assert cwd == story.process(tid).cwd


@pytest.mark.parametrize(("reported", "expected"), [(10, 10), (None, -1), (0, -1)])
def test_of_an_unknown_process_an_exec_reports_the_parent_but_no_directory(
    story: Story, reported: int | None, expected: int
) -> None:
    story.has(20, name="x", ptid=-1, vtid=-1, vpid=-1, cwd="/old")
    story.exec(20, "/bin/x", pid=20, ptid=reported)
    process = story.process(20)
    assert (expected, 20, 20, "") == (process.ptid, process.vtid, process.vpid, process.cwd)
    assert process.parent is (story.process(10).task if expected == 10 else None)


@pytest.mark.parametrize("count", range(1, 8))
def test_an_unknown_process_of_an_old_recording_is_learnt_from_fewer_parameters(story: Story, count: int) -> None:
    whole = made("execve", 20, time=5, res=0, exe="new", pid=20, ptid=10)
    story.machine.apply([SyscallEvent("syscall", "execve", 5, tid=20, args=whole.args[:count])])
    process = story.process(20)
    assert (20 if count > 4 else -1, 10 if count > 5 else -1) == (process.pid, process.ptid)


def test_live_an_unknown_process_keeps_the_directory_that_its_exec_reports(live: Story) -> None:
    live.has(20, name="x", ptid=-1)
    live.exec(20, "/bin/x", cwd="/srv")
    assert "/srv/" == live.process(20).cwd


# --- the parameters ---


@pytest.mark.parametrize("count", range(1, 30))
def test_an_exec_of_an_old_recording_has_fewer_parameters(story: Story, count: int) -> None:
    whole = made("execve", 10, time=5, res=0, exe="new", pid=10, ptid=1, tty=9, vpgid=8, trusted_exepath="/bin/new")
    story.machine.apply([SyscallEvent("syscall", "execve", 5, tid=10, args=whole.args[:count])])
    process = story.process(10)
    has_exe, has_tty, has_path = count > whole.args.index("new"), count > whole.args.index(9), count > 27
    assert ("new" if has_exe else "", 9 if has_tty else 0) == (process.exe, process.tty)
    assert ("/bin/new" if has_path else "/bin/bash") == process.exepath


@pytest.mark.parametrize(
    ("params", "name", "kept", "replaced"),
    [
        ({"loginuid": 5}, "loginuid", 7, 5),
        ({"loginuid": 0xFFFFFFFF}, "loginuid", 7, -1),
        ({"env": b"B=2\0"}, "env", ("A=1",), ("B=2",)),
        ({"env": b""}, "env", ("A=1",), ("A=1",)),
        ({"cwd": "/srv"}, "cwd", "/home/a/", "/home/a/"),
        ({"pgid": 5}, "pgid", -1, 5),
    ],
)
def test_what_an_exec_of_a_recording_reports_replaces_what_was_known(
    story: Story, params: dict[str, Any], name: str, kept: Any, replaced: Any
) -> None:
    story.exec(10, "/bin/x")
    assert kept == getattr(story.process(10), name)
    story.exec(10, "/bin/x", **params)
    assert replaced == getattr(story.process(10), name)


@pytest.mark.parametrize(
    ("params", "name", "replaced"),
    [
        ({"env": b""}, "env", ()),
        ({}, "env", None),
        ({"cwd": "srv"}, "cwd", "/home/a/"),
        ({"cwd": None}, "cwd", "/home/a/"),
        ({"pgid": None}, "pgid", 4),
        ({"pgid": 0}, "pgid", 0),
    ],
)
def test_live_what_an_exec_does_not_say_stays_but_the_environment(
    live: Story, params: dict[str, Any], name: str, replaced: Any
) -> None:
    live.exec(10, "/bin/x", **params)
    assert replaced == getattr(live.process(10), name)


@pytest.mark.parametrize(
    ("start", "pidns_start", "ctime", "expected"),
    [
        (9, 5, 4, (5, 0)),
        (9, 5, 5, (4, 0)),
        (9, 5, 6, (3, 1)),
        (9, 0, 6, (3, 0)),
        (9, 1, 6, (3, 5)),
        (0, 5, 6, (0, 1)),
        (1, 5, 4, (-3, 0)),
    ],
)
def test_the_age_of_an_executable_is_counted_from_the_starts_of_its_process_and_pid_namespace(
    story: Story, start: int, pidns_start: int, ctime: int, expected: tuple[int, int]
) -> None:
    story.has(20, ptid=1, start=start, pidns_start=pidns_start)
    story.exec(20, "/bin/x", exe_ino=1, exe_ino_ctime=ctime, exe_ino_mtime=1)
    process = story.process(20)
    assert expected == (process.exe_age, process.exe_novelty)


def test_an_exec_that_does_not_date_its_executable_leaves_the_age(story: Story) -> None:
    story.has(20, ptid=1, start=9, pidns_start=1)
    story.exec(20, "/bin/x", exe_ino=1, exe_ino_ctime=6, exe_ino_mtime=1)
    story.exec(20, "/bin/y")
    assert (3, 5) == (story.process(20).exe_age, story.process(20).exe_novelty)


def test_the_age_in_a_pid_namespace_is_that_of_the_last_executable_that_is_newer(story: Story) -> None:
    story.has(20, ptid=1, start=9, pidns_start=2)
    found = []
    for ctime in (6, 2, 1, 3):
        story.exec(20, "/bin/x", exe_ino=1, exe_ino_ctime=ctime, exe_ino_mtime=1)
        found.append(story.process(20).exe_novelty)
    assert [4, 4, 4, 1] == found


# --- the directory ---


@pytest.mark.parametrize(
    ("begun", "expected"),
    [
        (Entered("execve", ("tool",)), "/home/a/tool"),
        (Entered("execve", (None,)), "/bin/bash"),
        (Entered("execveat", (AT_FDCWD, "tool", 0)), "/home/a/tool"),
        (Entered("execveat", (3, "tool", 0)), "/opt/tool"),
        (Entered("execveat", (3, "", EMPTY_PATH)), "/opt"),
        (Entered("execveat", (3, None, EMPTY_PATH)), "/opt"),
        (Entered("execveat", (3, "tool", EMPTY_PATH)), "/opt/tool"),
        (Entered("execveat", (3, "", 0)), ""),
        (Entered("execveat", (3, "", None)), ""),
        (Entered("execveat", (9, "", EMPTY_PATH)), "<UNKNOWN>"),
        (Entered("execveat", (9, "tool", 0)), "/bin/bash"),
        (Entered("execveat", (9, "/tool", 0)), "/tool"),
        (None, "/bin/bash"),
    ],
)
def test_an_old_recording_has_the_path_at_the_beginning_of_the_call_alone(
    story: Story, begun: Entered | None, expected: str
) -> None:
    story.open(10, "/opt", 3)
    if begun is not None:
        story.event("_enter", 10, observed=begun)
    story.exec(10, "x", trusted_exepath=None)
    assert expected == story.process(10).exepath


# --- the initial values ---


@pytest.mark.parametrize(
    ("file", "is_kept"),
    [
        (File("file", "/x"), True),
        (File("file", "/x", flags=1), True),
        (File("file", "/x", flags=CLOEXEC), False),
        (File("file", "/x", flags=CLOEXEC | 1), False),
        (File("eventpoll", flags=EPOLL_CLOEXEC), False),
        (File("memfd", flags=MEMFD_CLOEXEC), False),
        (File("eventpoll"), True),
        (File("memfd"), True),
        (File("pipe", flags=EPOLL_CLOEXEC), True),
    ],
)
@pytest.mark.parametrize("fd", [0, 5])
def test_descriptors_are_closed_where_they_are_marked_so(story: Story, fd: int, file: File, is_kept: bool) -> None:
    story.has_file(10, fd, file)
    before = story.write(10, 99)
    story.exec(10, "/bin/x")
    assert is_kept == (fd in story.process(10).files)
    assert before.process is not None
    seen = before.process.file_at(fd, before.num)
    assert seen is not None
    assert file.kind == seen.kind


def test_the_main_thread_that_executes_is_the_only_one(story: Story) -> None:
    story.clone(10, 11, flags=THREAD)
    story.clone(10, 12, flags=THREAD)
    event = story.exec(10, "/bin/x")
    assert (1, None, None) == (read(event, "proc.nthreads"), *(story.machine.process(tid) for tid in (11, 12)))


# --- the parent ---


@pytest.mark.parametrize(
    ("reported", "expected"),
    [(1, (1, 1)), (30, (30, 30)), (77, (77, 1)), (10, (10, 1)), (-1, (1, 1))],
    ids=["the known one", "another", "an unknown one", "itself", "none"],
)
def test_live_the_parent_is_the_one_that_an_exec_reports_if_it_is_known(
    live: Story, reported: int, expected: tuple[int, int]
) -> None:
    live.has(30, name="shim", ptid=1)
    live.exec(10, "/bin/x", observed=Executed(ptid=reported))
    process = live.process(10)
    assert process.parent is not None
    assert expected == (process.ptid, process.parent.tid)
    parents = {tid for tid in (1, 30) if process.task in live.process(tid).task.children}  # type: ignore[attr-defined]  # nodes of the state have them
    assert {expected[1]} == parents


def test_live_a_parent_that_is_reported_behind_its_end_is_the_one_that_took_its_child_in(live: Story) -> None:
    live.event("_fork", 10, observed=Forked(20, 20, 20, 20))
    live.exit(10, reaper=1)
    live.exec(20, "/bin/x", observed=Executed(ptid=10))
    process = live.process(20)
    assert (1, live.process(1).task) == (process.ptid, process.parent)


def test_live_a_shared_table_of_descriptors_is_left_by_an_exec_with_what_is_open(live: Story) -> None:
    live.has_file(10, 3, File("file", "/x"))
    live.event("_fork", 10, observed=Forked(20, 20, 20, 20, shares_files=True))
    before = live.process(10).files
    live.exec(20, "/bin/x")
    assert live.process(10).files is before
    own = live.process(20).files
    assert (False, ["/x"]) == (own is before, [file.name for file in own.values()])
