from typing import Any

import pytest

from mozu.core.model.event import File, SockTuple
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Descriptor
from tests.core.state.story import AT_FDCWD, CLOEXEC, Story, made, read

FCNTL = dict(flag_table("fcntl_commands"))
RANGE_CLOEXEC = dict(flag_table("close_range_flags"))["CLOSE_RANGE_CLOEXEC"]
BPF = dict(flag_table("bpf_commands"))


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="a", ptid=1, cwd="/home/a")
    story.settled()
    story.open(10, "/tmp/f", 3)
    return story


def name_of(story: Story, fd: int) -> str | None:
    file = story.write(10, fd).file
    return None if file is None else file.name


# --- copies ---


@pytest.mark.parametrize(
    ("kind", "params"),
    [("dup", {}), ("dup2", {"newfd": 9}), ("dup3", {"newfd": 9, "flags": 0})],
)
def test_a_copy_stands_for_the_same(story: Story, kind: str, params: dict[str, int]) -> None:
    event = story.event(kind, 10, res=9, oldfd=3, **params)
    assert (9, "/tmp/f", "/tmp/f") == (event.fd, read(event, "fd.name"), name_of(story, 9))


def test_a_copy_outlives_its_original(story: Story) -> None:
    story.event("dup", 10, res=9, oldfd=3)
    story.event("close", 10, res=0, fd=3)
    assert ("/tmp/f", None) == (name_of(story, 9), name_of(story, 3))


def test_a_failed_copy_is_about_the_original(story: Story) -> None:
    event = story.event("dup2", 10, res=-9, oldfd=77, newfd=3)
    assert (77, None, "/tmp/f") == (event.fd, event.file, name_of(story, 3))


def test_a_copy_of_something_unknown_leaves_what_is_known(story: Story) -> None:
    story.event("dup2", 10, res=3, oldfd=55, newfd=3)
    assert "/tmp/f" == name_of(story, 3)


def test_a_copy_is_not_closed_by_exec_unless_dup3_says_so(story: Story) -> None:
    story.open(10, "/tmp/g", 4, flags=1 | CLOEXEC)
    story.event("dup", 10, res=8, oldfd=4)
    story.event("dup3", 10, res=9, oldfd=3, newfd=9, flags=CLOEXEC)
    story.exec(10, "/bin/x")
    assert ("/tmp/g", None) == (name_of(story, 8), name_of(story, 9))


@pytest.mark.parametrize("kind", ["dup", "dup3"])
def test_a_copy_is_open_for_what_its_original_is(story: Story, kind: str) -> None:
    story.open(10, "/tmp/g", 4, flags=2)
    params = {"newfd": 8, "flags": 0} if kind == "dup3" else {}
    story.event(kind, 10, res=8, oldfd=4, **params)
    file = story.write(10, 8).file
    assert file is not None
    assert 2 == file.flags


def test_fcntl_copies(story: Story) -> None:
    event = story.event("fcntl", 10, res=12, fd=3, cmd=FCNTL["F_DUPFD"], arg=10)
    assert (12, "/tmp/f") == (event.fd, name_of(story, 12))


def test_fcntl_marks_for_exec(story: Story) -> None:
    story.event("fcntl", 10, res=0, fd=3, cmd=FCNTL["F_SETFD"], arg=1)
    story.exec(10, "/bin/x")
    assert name_of(story, 3) is None


def test_fcntl_otherwise_only_uses(story: Story) -> None:
    event = story.event("fcntl", 10, res=0, fd=3, cmd=FCNTL["F_GETFL"], arg=0)
    assert (3, "/tmp/f") == (event.fd, read(event, "fd.name"))


def test_a_descriptor_can_be_taken_from_another_process(story: Story) -> None:
    story.has(20, name="b")
    story.open(20, "/tmp/theirs", 6)
    story.event("pidfd_open", 10, fd=4, pid=20, flags=0)
    event = story.event("pidfd_getfd", 10, fd=5, pid_fd=4, target_fd=6, flags=0)
    assert ("/tmp/theirs", "/tmp/theirs") == (read(event, "fd.name"), name_of(story, 5))


# --- ends ---


def test_closing_shows_what_is_closed(story: Story) -> None:
    event = story.event("close", 10, res=0, fd=3)
    assert ("/tmp/f", None) == (read(event, "fd.name"), name_of(story, 3))


def test_a_failed_close_closes_nothing(story: Story) -> None:
    story.event("close", 10, res=-9, fd=3)
    assert "/tmp/f" == name_of(story, 3)


def test_a_range_is_closed_at_once(story: Story) -> None:
    story.open(10, "/tmp/g", 4)
    story.open(10, "/tmp/h", 9)
    story.event("close_range", 10, res=0, first=4, last=0xFFFFFFFF, flags=0)
    assert ["/tmp/f", None, None] == [name_of(story, fd) for fd in (3, 4, 9)]


def test_a_range_can_be_marked_for_exec(story: Story) -> None:
    story.event("close_range", 10, res=0, first=3, last=3, flags=RANGE_CLOEXEC)
    assert "/tmp/f" == name_of(story, 3)
    story.exec(10, "/bin/x")
    assert name_of(story, 3) is None


# --- pairs ---


def test_a_pipe_has_two_ends(story: Story) -> None:
    event = story.event("pipe2", 10, res=0, fd1=5, fd2=6, ino=44, flags=0)
    kinds = [read(story.write(10, fd), "fd.type") for fd in (5, 6)]
    assert (6, 44, ["pipe", "pipe"]) == (event.fd, read(event, "fd.ino"), kinds)


def test_a_failed_pipe_is_about_no_descriptor(story: Story) -> None:
    event = story.event("pipe", 10, res=-24, fd1=5, fd2=6, ino=0)
    assert (-1, None, None) == (event.fd, event.file, name_of(story, 5))


@pytest.mark.parametrize(("fd1", "fd2"), [(None, 4), (4, None), (4, 4)])
def test_a_socketpair_without_two_numbers_makes_nothing(story: Story, fd1: int | None, fd2: int | None) -> None:
    event = story.event("socketpair", 10, res=0, fd1=fd1, fd2=fd2)
    assert (-1, None, None) == (event.fd, event.file, name_of(story, 4))


def test_a_socketpair_is_two_unix_sockets(story: Story) -> None:
    story.event("socketpair", 10, res=0, fd1=5, fd2=6, source=1, peer=2, domain=1, type=1, proto=0)
    assert ["unix", "unix"] == [read(story.write(10, fd), "fd.type") for fd in (5, 6)]
    file = story.write(10, 5).file
    assert file is not None
    assert file.sock is not None
    assert (1, 2) == (file.sock.source_pointer, file.sock.dest_pointer)


# --- numbers with a type ---


@pytest.mark.parametrize(
    ("kind", "result", "expected"),
    [
        ("eventfd", "res", "event"),
        ("eventfd2", "res", "event"),
        ("epoll_create", "res", "eventpoll"),
        ("epoll_create1", "res", "eventpoll"),
        ("inotify_init", "res", "inotify"),
        ("inotify_init1", "res", "inotify"),
        ("signalfd", "res", "signalfd"),
        ("signalfd4", "res", "signalfd"),
        ("timerfd_create", "res", "timerfd"),
        ("userfaultfd", "res", "userfaultfd"),
        ("io_uring_setup", "res", "io_uring"),
        ("memfd_create", "fd", "memfd"),
        ("pidfd_open", "fd", "pidfd"),
    ],
)
def test_a_descriptor_has_the_type_of_the_call_that_made_it(
    story: Story, kind: str, result: str, expected: str
) -> None:
    event = story.event(kind, 10, **{result: 7})
    assert (7, expected, expected) == (event.fd, read(event, "fd.type"), read(story.write(10, 7), "fd.type"))


@pytest.mark.parametrize("kind", ["eventfd2", "memfd_create", "pidfd_open", "socket"])
def test_a_call_that_failed_made_no_descriptor(story: Story, kind: str) -> None:
    params = {"res": -24} if kind == "eventfd2" else {"fd": -24}
    event = story.event(kind, 10, **params)
    assert (-1, None) == (event.fd, event.file)


def test_a_memfd_has_its_name(story: Story) -> None:
    assert "blob" == read(story.event("memfd_create", 10, fd=7, name="blob", flags=0), "fd.name")


def test_a_memfd_can_be_marked_for_exec(story: Story) -> None:
    story.event("memfd_create", 10, fd=7, name="blob", flags=1)
    story.exec(10, "/bin/x")
    assert story.write(10, 7).file is None


def test_a_pidfd_is_named_by_its_process(story: Story) -> None:
    assert "/proc/99" == read(story.event("pidfd_open", 10, fd=7, pid=99, flags=0), "fd.name")


def test_some_commands_of_bpf_make_a_descriptor(story: Story) -> None:
    assert "bpf" == read(story.event("bpf", 10, fd=7, cmd=BPF["BPF_PROG_LOAD"]), "fd.type")


def test_the_zero_of_other_commands_of_bpf_is_no_descriptor(story: Story) -> None:
    story.open(10, "/dev/null", 0)
    story.event("bpf", 10, fd=0, cmd=BPF["BPF_MAP_LOOKUP_ELEM"])
    assert "/dev/null" == name_of(story, 0)


# --- use ---


@pytest.mark.parametrize(
    ("kind", "param"),
    [
        ("fchmod", "fd"),
        ("unlinkat", "dirfd"),
        ("symlinkat", "linkdirfd"),
        ("mmap", "fd"),
        ("splice", "fd_out"),
        ("recvmsg", "fd"),
    ],
)
def test_an_event_is_about_the_descriptor_it_uses(story: Story, kind: str, param: str) -> None:
    event = story.event(kind, 10, res=0, **{param: 3})
    assert (3, "/tmp/f") == (event.fd, read(event, "fd.name"))


def test_a_descriptor_that_nobody_has_seen_stands_for_nothing(story: Story) -> None:
    event = story.write(10, 99)
    assert (99, None, "o") == (read(event, "fd.num"), read(event, "fd.type"), read(event, "fd.typechar"))


def test_standard_descriptors_are_those_of_the_process(story: Story) -> None:
    story.open(10, "/dev/pts/0", 0)
    event = story.write(10, 3)
    found = read(event, "proc.stdin.name"), read(event, "proc.stdin.type"), read(event, "proc.stdout.name")
    assert ("/dev/pts/0", "file", None) == found


def test_live_the_kernel_says_what_a_descriptor_is() -> None:
    story = Story(live=True)
    as_reported = File("pipe", name="pipe:[7]", ino=7)
    event = story.event("write", 10, res=1, fd=3, size=1, file=as_reported)
    assert ("pipe:[7]", "pipe") == (read(event, "fd.name"), read(event, "fd.type"))


def test_the_kernel_says_what_is_copied_where_the_number_has_been_used_anew() -> None:
    """Check with a live machine, on which closes are not followed: the number's earlier object may be gone."""
    story = Story(live=True)
    story.has(10, pid=10)
    story.machine.apply([made("socket", 10, of=10, fd=5, domain=2, type=1, proto=6)])
    event = made("dup", 10, of=10, res=1, oldfd=5, file=File("file", "/srv/x", ino=7, dev=1))

    story.machine.apply([event])

    assert ("file", "/srv/x", 1) == (read(event, "fd.type"), read(event, "fd.name"), event.fd)


@pytest.mark.parametrize(
    ("as_opened", "name", "raw", "expected"),
    [
        (True, "/tmp/second", "second", ("/tmp/second", "second")),
        (True, "/tmp/first", "../tmp/first", ("/tmp/first", "../tmp/first")),
        (False, "/tmp/second", "second", ("/tmp/first", "first")),
    ],
    ids=["another name", "another text of the same name", "what the kernel calls it by itself"],
)
def test_a_file_that_an_open_unseen_has_opened_again_has_the_name_that_this_open_gave(
    story: Story, as_opened: bool, name: str, raw: str, expected: tuple[str, str]
) -> None:
    story.has_file(10, 5, File("file", "/tmp/first", "first", dev=8, ino=7))
    reported = File("file", name, raw, dev=8, ino=7)
    as_reported = Descriptor(reported, as_opened=as_opened)
    event = story.event("write", 10, observed=as_reported, file=reported, res=1, data=b"x", fd=5, size=1)
    assert event.file is not None
    assert expected == (event.file.name, event.file.raw)


OF_NUMBER_0: dict[str, dict[str, Any]] = {
    "open": {"fd": 0, "name": "/x", "flags": 0},
    "openat": {"fd": 0, "dirfd": AT_FDCWD, "name": "/x", "flags": 0},
    "openat2": {"fd": 0, "dirfd": AT_FDCWD, "name": "/x", "flags": 0},
    "creat": {"fd": 0, "name": "/x"},
    "open_by_handle_at": {"fd": 0, "path": "/x"},
    "socket": {"fd": 0, "domain": 2, "type": 1},
    "accept": {"fd": 0, "tuple": SockTuple(1, path="/x")},
    "accept4": {"fd": 0, "tuple": SockTuple(1, path="/x")},
    "dup": {"res": 0, "oldfd": 3},
    "dup2": {"res": 0, "oldfd": 3, "newfd": 0},
    "dup3": {"res": 0, "oldfd": 3, "newfd": 0, "flags": 0},
    "fcntl": {"res": 0, "fd": 3, "cmd": FCNTL["F_DUPFD"], "arg": 0},
    "pidfd_getfd": {"fd": 0, "pid_fd": 4, "target_fd": 3},
    "eventfd": {"res": 0},
    "eventfd2": {"res": 0},
    "epoll_create": {"res": 0},
    "inotify_init": {"res": 0},
    "signalfd": {"res": 0},
    "timerfd_create": {"res": 0},
    "io_uring_setup": {"res": 0},
    "memfd_create": {"fd": 0, "name": "x"},
    "pidfd_open": {"fd": 0, "pid": 10},
    "bpf": {"fd": 0, "cmd": BPF["BPF_MAP_CREATE"]},
}  # fmt: skip


@pytest.mark.parametrize("kind", OF_NUMBER_0)
def test_the_descriptor_0_can_be_made_by_every_call(story: Story, kind: str) -> None:
    story.event("pidfd_open", 10, fd=4, pid=10, flags=0)
    story.event(kind, 10, **OF_NUMBER_0[kind])
    assert 0 in story.process(10).files
