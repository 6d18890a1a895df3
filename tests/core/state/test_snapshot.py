"""Snapshots: reading one makes the same state again, and later events have the same effect on both."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state import StateMachine
from mozu.core.state.cgroup import KNOWN_NAMESPACES
from mozu.core.state.observed import Entered, KnownProcess, ProcSnapshot, Restored, Seeded
from tests.core.state.families import Family
from tests.core.state.golden import CAPTURES, RECORDINGS, events_of
from tests.core.state.portrait import described
from tests.core.state.story import NOWHERE, THREAD, Story, read


def _made(family: Family) -> list[SyscallEvent]:
    return [*family.events()]


_OF_THE_PAST: Final = ("since", "older")
"""Properties for events before the snapshot, which it does not contain."""
_FILES: Final = {**{name: CAPTURES[name] for name in ("th-names", "thread-exec", "walkstate-00")}, **RECORDINGS}
_FAMILIES: Final = {f"family {seed}": Family(seed, live=True, odd=0) for seed in range(6)}
HISTORIES: Final[dict[str, Callable[[], list[SyscallEvent]]]] = {
    **{name: partial(events_of, path) for name, path in _FILES.items()},
    **{name: partial(_made, family) for name, family in _FAMILIES.items()},
}


def whole(machine: StateMachine) -> dict[str, Any]:
    """Return the contents of the state at this moment."""
    state = machine._state
    tasks = {}
    for node in state.tables:
        task = {name: value for name, value in described(node).items() if name not in _OF_THE_PAST}
        tasks[node.tid] = {**task, "place": str((node.main.tid, node.reaper, node.inverted))}
    return {
        "tasks": tasks, "number": state.number, "boot": state.boot_time, "live": state.live,
        "addresses": (state.addresses, state.netmasks), "entered": dict(state.entered), "answers": dict(state.answers),
        "recent exits": dict(state.recent_exits), "namespaces": state.namespaces,
        "saved": [*state.saved], "expected": dict(state.expected),
        "waiting": {tid: [node.tid for node in nodes] for tid, nodes in state.waiting.items()},
    }  # fmt: skip


def restored(machine: StateMachine) -> StateMachine:
    again = StateMachine(procfs=None)
    assert [] == again.apply([*machine.snapshot().events()])
    return again


@pytest.mark.parametrize("name", HISTORIES)
def test_what_follows_a_snapshot_does_the_same_to_what_was_restored(name: str) -> None:
    first, second = HISTORIES[name](), HISTORIES[name]()
    machine, at = StateMachine(procfs=None), len(first) // 2
    machine.apply(first[:at])
    again = restored(machine)
    assert whole(machine) == whole(again)

    machine.apply(first[at:])
    again.apply(second[at:])

    assert whole(machine) == whole(again)


@pytest.fixture
def story() -> Story:
    """Return a process with two threads, one with its own descriptors, a parent that is a reaper, and open files."""
    story = Story()
    story.has(1, name="init", ptid=0)
    story.has(10, name="daemon", ptid=1)
    story.has(20, name="child", ptid=10)
    story.settled(Seeded((b"\x7f\0\0\1", b"\x0a\0\0\1"), (b"\xff\0\0\0", b"\xff\xff\xff\0"), 77))
    story.open(10, "/etc/passwd", 3)
    story.clone(10, 11, flags=THREAD)
    story.born(12, 10, 1, flags=THREAD)
    story.event("prctl", 10, res=0, option=dict(flag_table("prctl_options"))["PR_SET_CHILD_SUBREAPER"], arg2_int=1)
    story.clone(20, 30)
    story.exit(30)
    story.has(41, pid=40, name="thread of one to come")
    story.has(51, name="child of one to come", ptid=50)
    story.machine.apply([SyscallEvent("syscall", "_enter", 0, tid=20, observed=Entered("open", ("/tmp", 4)))])
    return story


def test_each_part_of_a_state_is_restored(story: Story) -> None:
    found = whole(story.machine)
    assert whole(restored(story.machine)) == found
    assert (77, {20}) == (found["boot"], set(found["entered"]))
    assert ({(20, 30): 60_000_000}, {40: [41], 50: [51]}) == (found["recent exits"], found["waiting"])


def test_threads_share_the_descriptors_of_their_process_again(story: Story) -> None:
    story.machine = restored(story.machine)
    assert [10, 10] == [story.machine._state.tables.by_tid[tid].main.tid for tid in (11, 12)]
    story.open(11, "/etc/shadow", 4)
    assert "/etc/shadow" == read(story.write(10, 4), "fd.name")
    assert story.process(11).leader is story.process(10).task


def test_threads_with_descriptors_of_their_own_keep_them(story: Story) -> None:
    tables = story.machine._state.tables
    tables.by_tid[11].files = tables.by_tid[10].files.inherited()
    story.machine = restored(story.machine)
    story.open(11, "/etc/shadow", 4)
    assert ("", "/etc/passwd") == (read(story.write(10, 4), "fd.name"), read(story.write(11, 3), "fd.name"))


def test_a_restored_parent_has_its_children(story: Story) -> None:
    story.machine = restored(story.machine)
    assert ("daemon", "init") == tuple(read(story.write(20, 0), "proc.aname", level) for level in ("1", "2"))
    story.exit(20)
    story.exit(11)
    story.exit(12)
    story.clone(10, 60)
    story.exit(10)
    assert "init" == read(story.write(60, 0), "proc.pname")


def test_who_waits_for_a_parent_or_a_main_thread_is_attached_when_it_comes(story: Story) -> None:
    story.machine = restored(story.machine)
    story.has(40, name="main")
    story.has(50, name="late parent")
    assert ("late parent", 40) == (read(story.write(51, 0), "proc.pname"), story.process(41).main_at(1 << 30).tid)


def test_the_call_that_was_under_way_ends_after_the_snapshot(story: Story) -> None:
    story.machine = restored(story.machine)
    assert "/tmp" == read(story.event("open", 20, fd=5, name=None, flags=1), "fd.name")


def test_a_restored_live_state_gives_each_kept_answer_of_proc_once() -> None:
    live = StateMachine(procfs=None)
    live.apply([SyscallEvent("syscall", "_state", 0, observed=Restored(live=True, number=5))])
    answers = [ProcSnapshot(7, 7, KnownProcess(name="first"), 2), ProcSnapshot(7), ProcSnapshot(8, 8)]
    live.apply([SyscallEvent("syscall", "_looked", 0, tid=one.tid, observed=one) for one in answers])
    again = restored(live)
    assert whole(live) == whole(again)

    state = again._state
    assert (KNOWN_NAMESPACES, True) == (state.namespaces, state.live)
    assert state.lookup is not None
    assert [(7, KnownProcess(name="first"), 2), None, None] == [state.lookup(7) for _ in range(3)]
    assert [8] == [*state.answers]


def test_a_restored_recording_is_read_as_one(story: Story) -> None:
    again = StateMachine(procfs=None)
    again.apply([SyscallEvent("syscall", "_state", 0, observed=Restored(live=True, number=5))])
    again.apply([*story.machine.snapshot().events()])
    assert (None, None, False) == (again._state.lookup, again._state.namespaces, again._state.live)


def test_the_events_of_a_snapshot_name_the_tasks_that_they_are_about_and_no_moment(story: Story) -> None:
    events = [*story.machine.snapshot().events()]
    assert {0} == {event.time for event in events}
    found = [(event.type, event.tid, event.pid) for event in events if event.type != "_saved"]
    assert [("_state", 0, 0), ("_restored", 0, 0), ("_enter", 20, 0)] == found


def test_each_answer_of_proc_is_reported_to_a_recording_and_given_back() -> None:
    machine = StateMachine(procfs=NOWHERE)
    known = {7: (7, KnownProcess(name="seven"), 3)}
    machine._state.lookup = known.get
    reported: list[ProcSnapshot] = []
    machine.on_lookup(reported.append)
    assert machine._state.lookup is not None
    assert [known[7], None] == [machine._state.lookup(tid) for tid in (7, 8)]
    assert [ProcSnapshot(7, 7, KnownProcess(name="seven"), 3), ProcSnapshot(8)] == reported


def test_a_recording_has_no_answers_of_proc_to_report() -> None:
    machine = StateMachine(procfs=None)
    machine.on_lookup(lambda _: None)
    assert machine._state.lookup is None


def test_a_second_task_of_a_number_and_more_than_fit_are_not_restored(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [*story.machine.snapshot().events()]
    saved = [event for event in events if event.type == "_saved"]
    again = StateMachine(procfs=None)
    monkeypatch.setattr(again._state, "_task_limit", 3)
    again.apply([events[0], saved[0], saved[0], *saved[1:], events[len(saved) + 1]])
    assert [event.tid for event in saved[:3]] == [node.tid for node in again._state.tables]


def test_a_snapshot_begins_anew_whatever_was_known_before(story: Story) -> None:
    again = StateMachine(procfs=None)
    snapshot = [*story.machine.snapshot().events()]
    again.apply([SyscallEvent("syscall", "_enter", 0, tid=99, observed=Entered("open", ("/x", 4)))])
    again.apply([SyscallEvent("syscall", "_looked", 0, observed=ProcSnapshot(5))])
    again.apply([SyscallEvent("syscall", "_process", 0, tid=98, pid=98, observed=KnownProcess(ptid=97))])
    again.apply(snapshot[:3])
    again.apply(snapshot)
    assert whole(story.machine) == whole(again)
