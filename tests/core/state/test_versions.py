"""Fields read late have the values of their moment."""

import gc
from typing import Any

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.state import tables
from mozu.core.state.observed import Forked
from mozu.core.state.tables import Node
from tests.core.state.story import THREAD, Story, made, read


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(1, name="systemd", ptid=0)
    story.has(10, name="bash", ptid=1, cwd="/home", uid=7, sid=10)
    story.settled()
    story.clone(10, 20)
    return story


def together(story: Story, *events: SyscallEvent) -> SyscallEvent:
    """Apply all events in one batch; return the first."""
    story.machine.apply(events)
    return events[0]


def an_open(tid: int, path: str = "x", fd: int = 3) -> SyscallEvent:
    return made("openat", tid, fd=fd, dirfd=-100, name=path, flags=1, mode=0, dev=0, ino=0)


def an_exec(tid: int, name: str) -> SyscallEvent:
    return made("execve", tid, res=0, exe=name, comm=name, pid=tid, trusted_exepath=f"/bin/{name}", pgid=tid)


@pytest.mark.parametrize(
    ("later", "field", "expected"),
    [
        (an_exec(20, "other"), "proc.name", "bash"),
        (made("chdir", 20, res=0, path="/srv"), "proc.cwd", "/home/"),
        (made("setuid", 20, res=0, uid=99), "user.uid", 7),
        (made("setsid", 20, res=20), "proc.sid", 10),
        (an_exec(10, "other"), "proc.pname", "bash"),
        (an_exec(10, "other"), "proc.aname", ("bash", "systemd")),
        (an_exec(10, "other"), "proc.sname", "bash"),
        (made("procexit", 10, reaper_tid=1), "proc.ppid", 10),
        (made("capset", 20, res=0, cap_inheritable=1, cap_permitted=1, cap_effective=1), "thread.cap_effective", ""),
        (made("clone", 20, res=21, flags=THREAD, exe="", comm=""), "proc.nthreads", 1),
        (made("close", 20, res=0, fd=3), "fd.name", "/home/x"),
        (made("dup2", 20, res=0, oldfd=3, newfd=0), "proc.stdin.name", None),
        (an_open(20, "/y", 4), "proc.fdopencount", 1),
        (an_open(20, "/y", 3), "fd.name", "/home/x"),
    ],
)
def test_what_follows_in_the_same_batch_does_not_show(
    story: Story, later: SyscallEvent, field: str, expected: Any
) -> None:
    copied = made("openat", later.tid)
    copied.type, copied.args = later.type, later.args
    event = together(story, an_open(20), copied)
    assert expected == read(event, field)


def test_what_a_held_event_shows_does_not_change_while_it_is_held(story: Story) -> None:
    event = story.open(20, "x", 3)
    story.exec(20, "/bin/one")
    story.exec(10, "/bin/two")
    story.event("chdir", 20, res=0, path="/srv")
    story.event("close", 20, res=0, fd=3)
    story.exit(10, reaper=1)
    story.exit(20)
    story.machine.prune(event.num)
    found = [read(event, name) for name in ("proc.name", "proc.pname", "proc.cwd", "fd.name", "proc.fdopencount")]
    assert ["bash", "bash", "/home/", "/home/x", 1] == found


def test_a_name_given_through_a_directory_descriptor_is_that_of_the_moment(story: Story) -> None:
    story.open(20, "/var/d", 5)
    event = together(story, made("unlinkat", 20, res=0, dirfd=5, name="u", flags=0), made("close", 20, res=0, fd=5))
    assert "/var/d/u" == read(event, "evt.abspath")


def test_a_session_leader_is_found_after_its_end(story: Story) -> None:
    event = together(story, an_open(20), made("procexit", 10, reaper_tid=1))
    assert "bash" == read(event, "proc.sname")


def test_a_number_used_again_means_the_task_of_the_moment(story: Story) -> None:
    event = story.open(20, "x", 3)
    story.exit(10, reaper=1)
    story.clone(1, 10)
    story.exec(10, "/bin/other")
    assert ("bash", "other") == (read(event, "proc.sname"), read(story.write(20, 3), "proc.sname"))


def test_the_event_that_executes_shows_the_new_program(story: Story) -> None:
    assert "vim" == read(story.exec(20, "/usr/bin/vim"), "proc.name")


def test_the_parents_change_shows_from_its_own_event_on(story: Story) -> None:
    story.exec(10, "/bin/two")
    assert "two" == read(story.write(20, 0), "proc.pname")


# --- forgetting ---


def test_old_versions_are_forgotten_once_nobody_can_ask(story: Story) -> None:
    for number in range(5):
        story.event("chdir", 20, res=0, path=f"/{number}")
    last = story.write(20, 0).num
    story.machine.prune(last)
    assert (0, None) == (story.machine.sizes()["old_versions"], story.process(20).older)


def test_ended_tasks_are_forgotten_once_nobody_can_ask(story: Story) -> None:
    event = story.exit(20)
    story.machine.prune(event.num)
    kept = story.machine.sizes()["ended_tasks"]
    story.machine.prune(event.num + 1)
    assert (1, 0) == (kept, story.machine.sizes()["ended_tasks"])


def test_a_released_event_can_still_ask(story: Story) -> None:
    event = story.exit(20)
    story.machine.prune(event.num)
    assert ("bash", "bash") == (read(event, "proc.name"), read(event, "proc.pname"))


def test_what_descriptors_were_is_forgotten_too(story: Story) -> None:
    event = story.open(20, "x", 3)
    story.open(20, "y", 3)
    story.machine.prune(event.num)
    before = story.process(20).files.has_history
    story.machine.prune(event.num + 1)
    assert (True, False) == (before, story.process(20).files.has_history)


def test_a_table_copied_by_exec_forgets_as_well() -> None:
    story = Story(live=True)
    story.exec(10, "/bin/x", pid=10)
    story.open(10, "/a", 3)
    event = story.exec(10, "/bin/y", pid=10)
    story.machine.prune(event.num)
    assert not story.process(10).files.has_history


def test_a_table_that_an_exec_unshares_is_for_events_before_what_it_was() -> None:
    story = Story(live=True)
    story.exec(10, "/bin/x", pid=10)
    story.event("_fork", 10, of=10, observed=Forked(20, 20, 20, 20, shares_files=True))
    story.open(20, "/a", 0)
    event = story.event("chdir", 20, res=-1)
    story.open(20, "/b", 0)
    story.exec(20, "/bin/y", pid=20)
    assert "/a" == read(event, "proc.stdin.name")
    story.machine.prune(story.machine.number + 1)
    assert not story.process(20).files.has_history


def test_releasing_twice_is_harmless(story: Story) -> None:
    event = story.exit(20)
    story.machine.prune(event.num + 1)
    story.machine.prune(event.num + 1)
    assert "bash" == read(story.write(10, 0), "proc.name")


def test_processes_that_have_ended_and_were_pruned_are_no_garbage_in_cycles() -> None:
    story = Story(live=True)
    story.has(10, name="bash", ptid=1)
    story.settled()
    gc.collect()
    gc.disable()
    try:
        before = nodes()
        for child in range(20, 40):
            born = made("_fork", 10, of=10, observed=Forked(child, child, child, child, ptid=10))
            story.machine.apply([born, an_exec(child, "true"), made("procexit", child, of=child, status=0)])
        story.machine.prune(story.machine.number + 1)
        assert before == nodes()
    finally:
        gc.enable()


def nodes() -> int:
    return sum(isinstance(one, Node) for one in gc.get_objects())


# --- inherited descriptors ---


@pytest.mark.parametrize(("limit", "kept"), [(5, [3, 0]), (6, [3, 3])])
def test_children_begin_without_descriptors_where_all_have_inherited_too_many(
    monkeypatch: pytest.MonkeyPatch, limit: int, kept: list[int]
) -> None:
    monkeypatch.setattr(tables, "_INHERITED_LIMIT", limit)
    story = Story()
    story.has(10)
    for fd in range(3):
        story.open(10, f"/{fd}", fd)
    story.clone(10, 20)
    story.clone(10, 30)
    assert kept == [len(story.process(tid).files) for tid in (20, 30)]


def test_what_processes_had_inherited_that_were_pruned_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_INHERITED_LIMIT", 3)
    story = Story()
    story.has(10)
    for fd in range(3):
        story.open(10, f"/{fd}", fd)
    kept = []
    for child in (20, 30, 40):
        story.clone(10, child)
        kept.append(len(story.process(child).files))
        story.machine.prune(story.exit(child).num + 1)
    assert [3, 3, 3] == kept
