from typing import Any

import pytest

from mozu.core.common.boot_clock import TICK
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Forked, Moved, Seeded
from tests.core.state.story import THREAD, Story, made, read

FLAGS = dict(flag_table("clone_flags"))
SECOND = 1_000_000_000
BOOT = 7 * SECOND
CONTAINER = (("", f"/docker/{'ab' * 32}"),)


@pytest.fixture
def story() -> Story:
    """Return a recording with init (1) and a shell (10)."""
    story = Story()
    story.has(1, name="init", ptid=0, cwd="/")
    story.has(10, name="bash", ptid=1, cwd="/home/a", env=("A=1",), exepath="/bin/bash")
    story.settled(Seeded(boot_time=BOOT))
    return story


# --- recorded: the caller's report ---


@pytest.mark.parametrize(
    "flag", ["CLONE_CHILD_IN_PIDNS", "CLONE_NEWPID", "CLONE_PARENT", "CLONE_VFORK", "CLONE_FILES", "CLONE_THREAD"]
)
def test_a_caller_cannot_report_children_of_another_namespace_or_parent_or_while_it_waits(
    story: Story, flag: str
) -> None:
    story.clone(10, 20, flags=FLAGS[flag])
    assert (story.machine.process(20) is not None) == (flag in ("CLONE_FILES", "CLONE_THREAD"))


def test_a_caller_in_a_namespace_cannot_report_its_children(story: Story) -> None:
    story.has(30, ptid=1, vtid=3, vpid=3)
    story.clone(30, 20)
    assert story.machine.process(20) is None


@pytest.mark.parametrize(("age", "lives"), [(-1, True), (0, False), (2 * SECOND - 1, False), (2 * SECOND, True)])
def test_a_child_that_ended_a_moment_before_its_caller_reports_it_is_not_made_again(
    story: Story, age: int, lives: bool
) -> None:
    story.time = 100 * SECOND
    story.clone(10, 20)
    story.exit(20)
    event = made("clone", 10, time=story.time + age, res=20, exe="x", comm="x", flags=0, uid=0, gid=0, pid=10, ptid=1)
    story.machine.apply([event])
    assert lives == (story.machine.process(20) is not None)


def test_a_child_of_another_process_that_ended_says_nothing_of_the_callers(story: Story) -> None:
    story.clone(1, 20)
    story.exit(20)
    story.clone(10, 20)
    assert story.process(20).ptid == 10


def test_of_many_children_that_ended_the_last_are_remembered(story: Story) -> None:
    ends = {}
    for tid in range(1000, 1257):
        story.clone(10, tid)
        ends[tid] = story.exit(tid).time
    for tid in (1000, 1001, 1256):
        event = made("clone", 10, time=ends[tid], res=tid, exe="x", comm="x", flags=0, uid=0, gid=0, pid=10, ptid=1)
        story.machine.apply([event])
    assert [True, False, False] == [story.machine.process(tid) is not None for tid in (1000, 1001, 1256)]


def test_a_caller_whose_main_thread_has_the_number_of_its_child_has_ended(story: Story) -> None:
    """Reuse the number: the end of the whole process was not seen."""
    story.clone(10, 11, flags=THREAD)
    story.clone(11, 10)
    assert [None, None] == [story.machine.process(tid) for tid in (10, 11)]


@pytest.mark.parametrize("count", range(15, 21))
def test_an_unknown_caller_of_an_old_recording_is_learnt_from_fewer_parameters(story: Story, count: int) -> None:
    whole = made(
        "clone", 90, res=91, exe="x", comm="y", pid=90, ptid=10, flags=0, uid=0, gid=0, vtid=90, vpid=90, args=b"a\0",
        pidns_init_start_ts=5,
    )  # fmt: skip
    story.machine.apply([SyscallEvent("syscall", "clone", 1, tid=90, args=whole.args[:count])])
    caller, child = story.process(90), story.process(91)
    assert (90, 10, 90, 90 if count > 19 else -1) == (caller.pid, caller.ptid, caller.vtid, caller.vpid)
    assert ("x", "y", ("a",), "") == (caller.exe, caller.name, caller.args, caller.cwd)
    assert (90, story.process(10).task) == (child.ptid, caller.parent)
    assert (91, "", ()) == (child.pid, child.cwd, child.env)


def test_an_unknown_caller_that_says_nothing_of_itself_stays_unknown(story: Story) -> None:
    event = made("clone", 90, time=1, res=91, exe="x", comm="", flags=0, uid=0, gid=0)
    story.machine.apply([event])
    caller = story.process(90)
    assert (-1, -1, 90, -1, "x", None) == (
        caller.pid, caller.ptid, caller.vtid, caller.vpid, caller.name, caller.parent,
    )  # fmt: skip


# --- recorded: the child's report ---


@pytest.mark.parametrize(("age", "is_same"), [(0, True), (2 * SECOND - 1, True), (2 * SECOND, False)])
def test_a_child_reports_itself_within_two_seconds_of_its_caller(story: Story, age: int, is_same: bool) -> None:
    story.clone(10, 20)
    before = story.process(20)
    event = made(
        "clone", 20, time=before.start + age, res=0, exe="x", comm="x", pid=20, ptid=1, flags=0, uid=0, gid=0,
        vtid=20, vpid=20,
    )  # fmt: skip
    story.machine.apply([event])
    assert (is_same, 10 if is_same else 1) == (story.process(20) is before, story.process(20).ptid)
    assert event.process is story.process(20)


@pytest.mark.parametrize(
    ("params", "count", "expected"),
    [
        ({}, 21, (20, 20, BOOT)),
        ({"flags": FLAGS["CLONE_NEWPID"]}, 21, (20, 20, BOOT + 5)),
        ({"flags": FLAGS["CLONE_CHILD_IN_PIDNS"]}, 21, (20, 20, BOOT + 5)),
        ({"flags": FLAGS["CLONE_NEWPID"]}, 20, (20, 20, 0)),
        ({"vtid": 3, "vpid": 2}, 21, (3, 2, BOOT + 5)),
        ({"vtid": 0, "vpid": 0}, 21, (0, 0, BOOT + 5)),
        ({"vtid": None, "vpid": 2}, 21, (20, -1, BOOT)),
        ({"vtid": -1, "vpid": 2}, 21, (20, -1, BOOT)),
        ({"vpid": None}, 21, (20, -1, BOOT)),
    ],
)
def test_a_child_knows_its_numbers_and_the_start_of_its_pid_namespace(
    story: Story, params: dict[str, Any], count: int, expected: tuple[int, int, int]
) -> None:
    given = {
        "res": 0, "exe": "x", "comm": "x", "pid": 20, "ptid": 10, "flags": 0, "uid": 0, "gid": 0, "vtid": 20,
        "vpid": 20, "pidns_init_start_ts": 5, **params,
    }  # fmt: skip
    whole = made("clone", 20, **given)
    story.machine.apply([SyscallEvent("syscall", "clone", 1, tid=20, args=whole.args[:count])])
    child = story.process(20)
    assert expected == (child.vtid, child.vpid, child.pidns_start)


def test_the_child_of_an_unknown_parent_waits_for_no_one(story: Story) -> None:
    story.born(91, 91, 90)
    assert (91, 90, None, "", ()) == (
        story.process(91).pid, story.process(91).ptid, story.process(91).parent, story.process(91).cwd,
        story.process(91).env,
    )  # fmt: skip
    assert (-1, "<NA>") == (story.process(90).pid, story.process(90).name)


def test_a_parent_that_is_born_after_its_child_was_seeded_has_it(story: Story) -> None:
    story.has(30, ptid=20)
    story.has(21, pid=20)
    story.clone(10, 20)
    parent = story.process(20)
    assert (parent.task, parent.task) == (story.process(30).parent, story.process(21).leader)


# --- recorded: the child's initial values ---


def test_a_child_begins_as_its_parent_is_and_a_thread_as_its_process(story: Story) -> None:
    story.has_file(10, 3, File("file", "/x"))
    story.exec(10, "/bin/bash", env=b"A=1\0")
    story.clone(10, 20)
    story.clone(10, 11, flags=THREAD)
    child, thread, parent = story.process(20), story.process(11), story.process(10)
    assert (0, parent.exec_time) == (child.exec_time, thread.exec_time)
    assert (20, 10, None, parent.task) == (child.pid, child.ptid, child.leader, child.parent)
    assert (10, 1, parent.task, story.process(1).task) == (thread.pid, thread.ptid, thread.leader, thread.parent)
    assert (False, True, ["/x"]) == (
        child.files is parent.files, thread.files is parent.files, [file.name for file in child.files.values()],
    )  # fmt: skip
    for one in (child, thread):
        assert ("/home/a/", ("A=1",), 0, False, 0) == (one.cwd, one.env, one.others, one.exited, one.exe_novelty)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"exe": "x", "comm": "y"}, ("x", "y")),
        ({"exe": "x", "comm": ""}, ("x", "x")),
        ({"exe": None, "comm": "y"}, ("", "y")),
        ({"exe": None, "comm": None}, ("", "")),
    ],
)
def test_a_child_is_named_by_its_event(story: Story, params: dict[str, Any], expected: tuple[str, str]) -> None:
    story.clone(10, 20, **params)
    assert expected == (story.process(20).exe, story.process(20).name)


def test_sizes_that_a_clone_does_not_report_are_those_of_the_parent(story: Story) -> None:
    story.has(30, ptid=1, vm_size=9, vm_rss=8, vm_swap=7, pfmajor=6, pfminor=5)
    story.clone(30, 20, vm_size=4)
    child = story.process(20)
    assert (9, 8, 7, 6, 5) == (child.vm_size, child.vm_rss, child.vm_swap, child.pfmajor, child.pfminor)


def test_ids_of_a_child_are_all_those_of_its_event(story: Story) -> None:
    story.clone(10, 20, uid=5, gid=6, fdlimit=7, cgroups=f"cpu={CONTAINER[0][1]}\0".encode())
    child = story.process(20)
    assert (5, 5, 5, 6, 6, 6, 7) == (
        child.uid, child.ruid, child.suid, child.gid, child.rgid, child.sgid, child.fdlimit,
    )  # fmt: skip
    assert "ab" * 6 == read(story.write(20, 0), "container.id")


# --- live ---


@pytest.fixture
def machine() -> Story:
    """Return a live machine with init (1) and a shell (10)."""
    story = Story(live=True)
    story.has(1, name="init", ptid=0)
    story.has(10, name="bash", ptid=1, pidns_start=4)
    return story


def fork(story: Story, creator: int, **observed: Any) -> None:
    given = {"tid": 20, "pid": 20, "vtid": 20, "vpid": 20, **observed}
    story.event("_fork", creator, of=creator, observed=Forked(**given))


@pytest.mark.parametrize(
    ("before", "start", "is_same"),
    [
        (100 * SECOND, 100 * SECOND, True),
        (100 * SECOND, 100 * SECOND + TICK - 1, True),
        (100 * SECOND, 100 * SECOND + TICK, False),
        (100 * SECOND + 1, 100 * SECOND + 2, False),
        (0, 0, False),
        (100 * SECOND, 0, False),
    ],
)
def test_a_process_that_is_known_already_is_the_one_of_a_fork_by_its_start(
    machine: Story, before: int, start: int, is_same: bool
) -> None:
    machine.has(20, ptid=1, start=before, boot_start=before)
    known = machine.process(20)
    fork(machine, 10, start=start + 3 * SECOND, boot_start=start)  # the wall clock was changed
    assert (is_same, 1 if is_same else 10) == (machine.process(20) is known, machine.process(20).ptid)


@pytest.mark.parametrize(
    ("reported", "expected"), [(0, 10), (10, 10), (1, 1), (77, 10)], ids=["none", "its creator", "another", "unknown"]
)
def test_the_parent_of_a_fork_is_the_one_that_the_kernel_reports_if_it_is_known(
    machine: Story, reported: int, expected: int
) -> None:
    fork(machine, 10, ptid=reported)
    child = machine.process(20)
    assert (expected, machine.process(expected).task) == (child.ptid, child.parent)
    machine.exit(expected, reaper=1 if expected == 10 else 10)
    assert child.ptid != machine.process(20).ptid


@pytest.mark.parametrize(("params", "expected"), [({}, 4), ({"pidns_start": 6}, 6)])
def test_a_child_is_in_the_pid_namespace_of_its_creator_unless_the_kernel_reports_another(
    machine: Story, params: dict[str, int], expected: int
) -> None:
    fork(machine, 10, **params)
    assert expected == machine.process(20).pidns_start


def test_a_fork_without_a_start_began_at_its_event(machine: Story) -> None:
    fork(machine, 10)
    assert machine.time == machine.process(20).start


def test_a_child_begins_alone(machine: Story) -> None:
    fork(machine, 10, tid=11, pid=10)
    fork(machine, 10)
    assert (1, 0) == (machine.process(10).others, machine.process(20).others)


def test_all_known_threads_of_a_process_move_to_other_cgroups(machine: Story) -> None:
    machine.has(11, pid=10)
    machine.has(12, ptid=1)
    machine.event("_cgroup", 10, of=10, observed=Moved(CONTAINER))
    machine.event("_cgroup", 77, of=77, observed=Moved(CONTAINER))
    assert [CONTAINER, CONTAINER, ()] == [machine.process(tid).cgroups for tid in (10, 11, 12)]
    assert ["ab" * 6, ""] == [
        "" if (found := machine.process(tid).container) is None else found.id[:12] for tid in (11, 12)
    ]
