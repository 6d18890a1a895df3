import socket

import pytest

from mozu.core.model.event import File, SockTuple
from mozu.core.state.observed import KnownProcess, Seeded
from tests.core.state.story import Story, made, read


def v4(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET, text)


ME, PEER = v4("10.0.0.1"), v4("203.0.113.1")


@pytest.fixture
def story() -> Story:
    return Story()


def test_parents_may_come_after_their_children(story: Story) -> None:
    story.has(20, name="child", ptid=10)
    story.has(10, name="parent", ptid=1)
    assert "parent" == read(story.write(20, 0), "proc.pname")


def test_main_threads_may_come_after_their_threads(story: Story) -> None:
    story.has(11, pid=10, name="thread", ptid=1)
    story.has(10, name="main", ptid=1, cwd="/srv")
    event = story.write(11, 0)
    assert (2, "/srv/") == (read(event, "proc.nthreads"), read(event, "proc.cwd"))


def test_the_idle_task_is_the_parent_of_kernel_threads_and_the_first_process_has_none(story: Story) -> None:
    story.has(0, name="swapper")
    story.has(1, name="init", ptid=0)
    story.has(2, name="kthreadd", ptid=0)
    assert (None, "swapper") == tuple(read(story.write(tid, 0), "proc.pname") for tid in (1, 2))


def test_a_task_whose_process_is_not_known_is_its_own_main_thread(story: Story) -> None:
    story.has(10, name="parent")
    story.machine.apply([made("_process", 20, of=-1, observed=KnownProcess(ptid=10))])
    assert ("parent", {}) == (read(story.write(20, 0), "proc.pname"), story.machine._state.waiting)


def test_a_main_thread_takes_in_those_of_its_threads_that_live_still(story: Story) -> None:
    story.has(41, pid=40, name="thread")
    story.has(41, name="another process")
    story.has(42, pid=40, name="second thread")
    story.has(40, name="main")
    assert [2, 1] == [read(story.write(tid, 0), "proc.nthreads") for tid in (42, 41)]


def test_a_parent_that_nobody_named_is_none(story: Story) -> None:
    story.has(20, name="child", ptid=77)
    story.settled()
    assert (None, 0) == (read(story.write(20, 0), "proc.ppid"), story.process(20).ptid)


def test_a_parent_that_appears_later_is_not_adopted_after_the_seeds(story: Story) -> None:
    story.has(20, name="child", ptid=77)
    story.settled()
    story.has(77, name="late")
    assert read(story.write(20, 0), "proc.ppid") is None


def test_the_last_entry_of_a_number_counts(story: Story) -> None:
    story.has(20, name="first")
    story.has(20, name="second")
    assert "second" == read(story.write(20, 0), "proc.name")


def test_missing_real_ids_are_the_effective_ones(story: Story) -> None:
    story.has(20, uid=5, gid=6)
    process = story.process(20)
    assert (5, 5, 6, 6) == (process.ruid, process.suid, process.rgid, process.sgid)


def test_a_container_is_reported_by_the_cgroups(story: Story) -> None:
    story.has(20, cgroups=(("cpu", "/docker/" + "ab" * 32),))
    assert "abababababab" == read(story.write(20, 0), "container.id")


def test_descriptors_of_unknown_tasks_are_left_out(story: Story) -> None:
    story.has_file(99, 3, File("file", name="/x"))
    assert story.machine.process(99) is None


def test_files_keep_what_was_recorded(story: Story) -> None:
    story.has(10)
    story.has_file(10, 3, File("file", name="/var/db", ino=5, dev=9))
    event = story.write(10, 3)
    assert ("/var/db", 5, False) == (read(event, "fd.name"), read(event, "fd.ino"), read(event, "fd.name_changed"))


def test_a_connection_to_a_port_that_is_listened_on_was_accepted(story: Story) -> None:
    story.has(10)
    listening = SockTuple(2, dest=v4("0.0.0.0"), dport=80)
    story.has_file(10, 3, File("ipv4", sock=listening, l4proto="tcp", role="listening"))
    story.has_file(10, 4, File("ipv4", sock=SockTuple(2, ME, 80, PEER, 5555), l4proto="tcp"))
    story.settled()
    assert ("203.0.113.1:5555->10.0.0.1:80", "server") == (
        read(story.write(10, 4), "fd.name"), story.write(10, 4).file.role,  # type: ignore[union-attr]
    )  # fmt: skip


def test_any_other_connection_was_made(story: Story) -> None:
    story.has(10)
    story.has_file(10, 4, File("ipv4", sock=SockTuple(2, ME, 5555, PEER, 80), l4proto="tcp"))
    story.settled(Seeded())
    event = story.write(10, 4)
    assert ("10.0.0.1:5555->203.0.113.1:80", "tcp", True) == (
        read(event, "fd.name"), read(event, "fd.l4proto"), read(event, "fd.connected"),
    )  # fmt: skip


def test_a_listening_socket_is_named_by_its_own_address(story: Story) -> None:
    story.has(10)
    listening = SockTuple(2, dest=v4("0.0.0.0"), dport=80)
    story.has_file(10, 3, File("ipv4", sock=listening, l4proto="tcp", role="listening"))
    assert "0.0.0.0:80" == read(story.write(10, 3), "fd.name")


def test_a_listening_socket_of_a_recording_has_its_port_but_no_wildcard_address(story: Story) -> None:
    story.has(10)
    listening = SockTuple(2, dest=v4("0.0.0.0"), dport=80)
    story.has_file(10, 3, File("ipv4", sock=listening, l4proto="tcp", role="listening"))
    event = story.write(10, 3)
    assert (None, 80) == (read(event, "fd.sip"), read(event, "fd.sport"))


def test_another_recording_begins_with_nothing(story: Story) -> None:
    story.has(10, name="old")
    story.event("_reset", 0)
    assert ({"tasks": 0, "ended_tasks": 0, "old_versions": 0, "files": 0}) == story.machine.sizes()


def test_numbers_go_on_after_another_recording_began(story: Story) -> None:
    story.has(10)
    first = story.write(10, 0).num
    story.event("_reset", 0)
    assert first + 1 == story.write(10, 0).num


def test_a_task_of_a_recording_that_nobody_reported_of_is_a_placeholder(story: Story) -> None:
    event = story.write(55, 0)
    found = tuple(read(event, name) for name in ("proc.name", "proc.pid", "thread.tid", "user.uid", "proc.pname"))
    assert ("<NA>", -1, 55, 0xFFFFFFFF, None) == found


@pytest.mark.parametrize("kind", ["container", "useradded", "groupdeleted", "cpu_hotplug", "drop"])
def test_events_that_no_task_caused_have_no_process(story: Story, kind: str) -> None:
    story.has(1, name="systemd")
    event = made(kind, 1)
    story.machine.apply([event])
    assert event.process is None


def test_threads_may_come_after_their_main_thread(story: Story) -> None:
    story.has(10, name="main", cwd="/srv")
    story.has(11, pid=10, name="thread")
    story.settled()
    event = story.write(11, 1)
    assert ("thread", "/srv/", 2) == tuple(read(event, name) for name in ("proc.name", "proc.cwd", "proc.nthreads"))


@pytest.mark.parametrize(("live", "name"), [(False, "<NA>"), (True, "main")])
def test_an_unknown_thread_is_its_process_live_and_a_placeholder_in_a_recording(live: bool, name: str) -> None:
    story = Story(live=live)
    story.has(10, name="main", ptid=1)
    story.settled()
    assert name == read(story.event("write", 11, of=10, res=1, data=b"x", fd=0, size=1), "proc.name")


@pytest.mark.parametrize(("name", "role"), [("/run/x", "server"), ("", "client")])
def test_a_unix_socket_of_which_only_the_name_is_known_has_the_side_that_this_says(
    story: Story, name: str, role: str
) -> None:
    story.has(20)
    story.has_file(20, 5, File("unix", name=name))
    assert role == story.process(20).files[5].role
