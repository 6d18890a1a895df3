import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import event_types
from mozu.core.state import CHANGING, StateMachine
from mozu.core.state.machine import changes_nothing
from mozu.core.state.observed import KnownProcess, ProcSnapshot
from tests.core.state.story import Story, made, read


def test_events_are_numbered_as_they_arrive() -> None:
    machine = StateMachine(procfs=None)
    events = machine.apply([made("getpid", 1), made("getpid", 1), made("getpid", 1)])
    assert [1, 2, 3] == [event.num for event in events]


def test_an_event_that_has_a_number_keeps_it() -> None:
    machine = StateMachine(procfs=None)
    event = made("getpid", 1)
    event.num = 41
    events = machine.apply([event, made("getpid", 1)])
    assert [41, 42] == [event.num for event in events]


def test_internal_events_are_consumed_and_get_no_number() -> None:
    machine = StateMachine(procfs=None)
    events = machine.apply([made("getpid", 1), made("_seeded", 0), made("_nonsense", 0), made("getpid", 1)])
    assert [1, 2] == [event.num for event in events]


def test_what_was_recorded_for_the_state_alone_changes_it_and_is_not_given_back() -> None:
    story = Story()
    story.has(10, cwd="/")
    unseen = made("chdir", 10, res=0, path="/tmp")
    assert ([], "/tmp/") == (
        story.machine.apply([SyscallEvent("syscall", "_unseen", 0, observed=unseen)]), story.process(10).cwd,
    )  # fmt: skip


def test_types_that_nobody_knows_pass() -> None:
    machine = StateMachine(procfs=None)
    event = made("getpid", 1)
    event.type = "from_the_future"
    assert [event] == machine.apply([event])


def test_metrics_tell_what_is_kept() -> None:
    metrics = Metrics()
    machine = StateMachine(procfs=None, metrics=metrics)
    machine.apply([made("getpid", 5), made("procexit", 5)])
    found = {name: value for name, _, value in metrics.collect()}
    assert (1, 1) == (found["state_ended_tasks"], found["state_tasks_unknown_total"])


def test_the_types_that_change_the_state_are_those_of_the_table_and_a_few_more() -> None:
    table = {name for name, kind in event_types().items() if "modifies_state" in kind.traits and kind.kind != "meta"}
    without_effect = {"mount", "umount", "umount2", "getsockopt", "shutdown"}
    assert table - without_effect <= CHANGING


def test_an_unknown_live_task_is_asked_for_once() -> None:
    story = Story(live=True)
    asked: list[int] = []
    story.machine._state.lookup = lambda tid: asked.append(tid)
    story.write(77, 0)
    story.write(77, 0)
    assert [77] == asked


@pytest.mark.parametrize(("pid", "number"), [(1, 1), (70, 70), (0, 77)], ids=["of init", "of 70", "of one not known"])
def test_a_live_task_that_proc_does_not_have_is_a_placeholder_with_its_numbers(pid: int, number: int) -> None:
    story = Story(live=True)
    asked: list[int] = []
    story.machine._state.lookup = lambda tid: asked.append(tid)
    for _ in range(2):
        event = story.event("write", 77, of=pid, res=1, fd=3)
        assert event.process is not None
        found = (event.process.tid, event.process.pid, event.process.name, event.process.task.tid)
        assert (77, number, "", number) == found
    assert [number] == asked


def test_the_idle_task_is_not_asked_for() -> None:
    story = Story(live=True)
    asked: list[int] = []
    story.machine._state.lookup = lambda tid: asked.append(tid)
    story.event("write", 0, of=0, res=1, fd=3)
    assert [] == asked


def test_no_task_is_made_up_for_the_idle_task_of_a_recording() -> None:
    story = Story()
    story.write(0, 1)
    assert story.machine.process(0) is None


def test_an_unknown_thread_of_a_known_process_is_that_process() -> None:
    story = Story(live=True)
    story.exec(70, "/bin/x", pid=70)
    story.machine._state.lookup = lambda tid: (70, KnownProcess(name="of /proc"), 1)
    event = story.event("write", 77, of=77, res=1, fd=3)
    assert event.process is not None
    assert (70, "x") == (event.process.tid, event.process.name)


def test_those_above_a_task_that_was_asked_for_are_asked_for_up_to_the_first_process() -> None:
    story = Story(live=True)
    parents = {77: 70, 70: 1, 1: 0}
    asked: list[int] = []

    def lookup(tid: int) -> tuple[int, KnownProcess, int]:
        asked.append(tid)
        return tid, KnownProcess(ptid=parents[tid], name=f"p{tid}"), 0

    story.machine._state.lookup = lookup
    event = story.event("write", 77, of=77, res=1, fd=3)
    assert ([77, 70, 1], 3) == (asked, story.machine._state.backfilled.value)
    assert ["p70", "p1", None] == [read(event, "proc.aname", str(level)) for level in (1, 2, 3)]


def test_only_types_without_a_part_in_the_state_change_nothing() -> None:
    kinds = ("unlink", "openat", "clone", "switch", "write", "_fork", "there_is_no_such_call")
    assert ["unlink", "there_is_no_such_call"] == [kind for kind in kinds if changes_nothing(kind)]


@contextmanager
def chain(length: int) -> Iterator[list[int]]:
    """Yield the pids of processes, each the child of the one before; the last ends with its standard input."""
    script = 'n=$1; shift; echo $$; if [ $n -gt 1 ]; then sh -c "$0" "$0" $((n - 1)); else cat; fi; true'
    with subprocess.Popen(
        ["sh", "-c", script, script, str(length)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        yield [os.getpid(), *(int(first.stdout.readline()) for _ in range(length))]


def forget(machine: StateMachine, most: int = 99) -> list[int]:
    pids = machine.forgettable(most, 0)
    machine.apply([SyscallEvent("syscall", "_repaired", 0, pid, pid, observed=ProcSnapshot(pid)) for pid in pids])
    machine.prune(machine.number + 1)
    return pids


def test_processes_that_were_forgotten_are_read_again_with_those_above_them() -> None:
    machine = StateMachine()
    with chain(3) as pids:
        machine.seed(pids)
        (event,) = machine.apply([SyscallEvent("syscall", "some", 1, pids[-1], pids[-1])])
        before = event.process
        assert [[pid] for pid in reversed(pids)] == [forget(machine) for _ in pids]
        assert machine.sizes()["tasks"] == 0
        (event,) = machine.apply([SyscallEvent("syscall", "some", 2, pids[-1], pids[-1])])
        above = event.process
        assert before is not None
        assert above is not None
        assert (before.name, before.args, before.start) == (above.name, above.args, above.start)
        lineage = []
        while above is not None:
            lineage.append(above.pid)
            above = above.parent_at(event.num)
    assert list(reversed(pids)) == lineage[: len(pids)]


def test_the_newest_tasks_and_those_with_children_are_not_forgotten_and_a_recording_forgets_none() -> None:
    machine = StateMachine()
    with chain(2) as pids:
        machine.seed(pids)
        assert ([], [pids[-1]]) == (machine.forgettable(9, len(pids)), machine.forgettable(9, 0))
    story = Story()
    story.has(7)
    assert [] == story.machine.forgettable(9, 0)
