"""Errors in the state after lost events: found by comparison with the machine, and corrected by an event."""

import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import Forked, KnownProcess, ProcSnapshot
from tests.core.state.story import Story, made, read

START = 1_700_000_000_000_000_000
BOOT_START = 812_340_000_000
SHELL: dict[str, Any] = {
    "name": "sh", "exe": "sh", "exepath": "/bin/busybox", "args": ("-i",), "ptid": 1, "vpid": 10, "cwd": "/home/a",
    "root": "/", "uid": 7, "ruid": 7, "suid": 7, "stack": 500, "start": START, "boot_start": BOOT_START,
}  # fmt: skip


@pytest.fixture
def story() -> Story:
    """Return a live machine: systemd (1), a shell (10), and its child (11)."""
    story = Story(live=True)
    story.has(1, name="systemd", ptid=0, cwd="/", root="/", stack=1, start=START)
    story.has(10, **SHELL)
    story.has(11, **{**SHELL, "ptid": 10, "vpid": 11, "stack": 501})
    story.event("chdir", 1, res=-1)
    return story


def said(pid: int = 10, *, others: int = 0, **changes: Any) -> ProcSnapshot:
    """Return the machine's report of the shell, with these changes."""
    return ProcSnapshot(pid, pid, KnownProcess(**{**SHELL, **changes}), others)


def repair(story: Story, looked: ProcSnapshot) -> None:
    event = SyscallEvent("syscall", "_repaired", 0, tid=looked.tid, pid=looked.tid, observed=looked)
    assert [] == story.machine.apply([event])
    story.event("chdir", 1, res=-1)


def wrong(story: Story, looked: ProcSnapshot, *, threads: bool = False, since: int | None = None) -> bool | None:
    return story.machine.differs(looked, story.machine.number if since is None else since, threads=threads)


def test_a_process_that_is_as_the_machine_says_is_not_wrong(story: Story) -> None:
    assert wrong(story, said()) is False


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("cwd", "/tmp", "/tmp/"),
        ("root", "/jail", "/jail"),
        ("uid", 0, 0),
        ("suid", 0, 0),
        ("gid", 5, 5),
        ("loginuid", 1000, 1000),
        ("cap_effective", 1 << 21, 1 << 21),
        ("sid", 4, 4),
        ("vpgid", 4, 4),
    ],
)
def test_a_change_that_was_lost_is_reported_and_put_right(story: Story, field: str, value: Any, kept: Any) -> None:
    looked = said(**{field: value})
    assert wrong(story, looked) is True

    repair(story, looked)

    assert kept == getattr(story.process(10), field)
    assert wrong(story, looked) is False


def test_events_before_the_repair_keep_what_they_saw(story: Story) -> None:
    event = story.event("chdir", 10, res=-1)
    repair(story, said(uid=0, ruid=0, suid=0))
    assert (7, 0) == (read(event, "user.uid"), read(story.event("chdir", 10, res=-1), "user.uid"))


def test_an_exec_that_was_lost_makes_another_program(story: Story) -> None:
    looked = said(name="wget", exe="wget", args=("http://a",), stack=777)
    assert wrong(story, looked) is True

    repair(story, looked)

    process = story.process(10)
    assert ("wget", "wget", ("http://a",), 777) == (process.name, process.exe, process.args, process.stack)


def test_a_process_that_renames_itself_and_its_arguments_stays_what_it_was_started_as(story: Story) -> None:
    looked = said(name="sshd", exe="sshd", args=(), cwd="/tmp")
    repair(story, looked)
    process = story.process(10)
    assert ("sh", "sh", ("-i",), "/tmp/") == (process.name, process.exe, process.args, process.cwd)
    assert wrong(story, looked) is False


def test_where_no_stack_can_be_read_the_path_tells_another_program(story: Story) -> None:
    assert wrong(story, said(stack=0, exepath="/bin/other")) is True
    assert wrong(story, said(stack=0, exepath="/bin/busybox (deleted)")) is False
    assert wrong(story, said(stack=0, exepath="")) is False


def test_a_process_whose_end_was_lost_goes_and_its_children_are_taken_over(story: Story) -> None:
    assert wrong(story, ProcSnapshot(10)) is True

    repair(story, ProcSnapshot(10))

    assert story.machine.process(10) is None
    assert 1 == story.process(11).ptid


def test_a_process_whose_birth_was_lost_comes_with_its_parent(story: Story) -> None:
    looked = said(12, ptid=10, vpid=12, name="cat")
    assert wrong(story, looked) is True

    repair(story, looked)

    assert "sh" == read(story.event("chdir", 12, res=-1), "proc.pname")


def test_a_number_that_went_to_another_process_begins_anew(story: Story) -> None:
    before = story.process(10).task
    looked = said(boot_start=BOOT_START + 5_000_000_000, ptid=11, stack=900, name="cat")
    repair(story, looked)
    process = story.process(10)
    assert process.task is not before
    assert ("cat", 11) == (process.name, process.ptid)


def test_a_number_that_went_to_another_process_of_the_same_program_and_parent_begins_anew(story: Story) -> None:
    before = story.process(10).task
    repair(story, said(boot_start=BOOT_START + 50_000_000))
    assert story.process(10).task is not before


def test_a_step_of_the_clock_makes_no_other_process(story: Story) -> None:
    before = story.process(10).task
    looked = said(start=START + 86_400_000_000_000)
    assert wrong(story, looked) is False
    repair(story, looked)
    assert story.process(10).task is before


def test_a_process_whose_start_was_not_known_has_one_then(story: Story) -> None:
    story.has(12, **{**SHELL, "ptid": 10, "vpid": 12, "stack": 502, "start": 0, "boot_start": 0})
    story.event("chdir", 1, res=-1)
    before = story.process(12).task
    repair(story, said(12, ptid=10, vpid=12, stack=502))
    process = story.process(12)
    assert process.task is before
    assert (START, BOOT_START) == (process.start, process.boot_start)


def test_a_new_parent_leaves_the_old_one(story: Story) -> None:
    repair(story, said(11, ptid=1, vpid=11, stack=501))
    assert "systemd" == read(story.event("chdir", 11, res=-1), "proc.pname")
    repair(story, ProcSnapshot(10))
    assert 1 == story.process(11).ptid
    assert "systemd" == read(story.event("chdir", 11, res=-1), "proc.pname")


def test_threads_are_compared_where_they_are_counted(story: Story) -> None:
    assert wrong(story, said(others=3)) is False
    assert wrong(story, said(others=3), threads=True) is True


def test_nobody_can_tell_of_a_process_that_an_event_has_changed_since(story: Story) -> None:
    since = story.machine.number
    story.exec(10, "/bin/ls", "ls")
    assert wrong(story, said(uid=0), since=since) is None
    assert wrong(story, ProcSnapshot(10), since=since) is None


def test_a_process_born_since_is_right_and_of_one_taken_in_at_that_moment_nothing_can_be_said(story: Story) -> None:
    since = story.machine.number
    story.has(12, **SHELL)
    story.event("chdir", 1, res=-1)
    story.event("_fork", 10, of=10, observed=Forked(tid=13, pid=13, vtid=13, vpid=13))
    assert [None, False] == [wrong(story, said(pid, uid=0), since=since) for pid in (12, 13)]


def test_a_kernel_thread_has_no_program_to_compare(story: Story) -> None:
    story.has(2, name="kthreadd", ptid=0, root="/", cwd="/", start=START)
    story.event("chdir", 1, res=-1)
    looked = ProcSnapshot(2, 2, KnownProcess(name="kthreadd/1", ptid=0, vpid=2, vtid=2, root="/", cwd="/", start=START))
    assert wrong(story, looked) is False


def test_who_has_ended_while_it_was_read_is_not_taken_in(story: Story) -> None:
    looked = said(12, ptid=10, vpid=12)
    with story.machine.comparing() as since:
        assert wrong(story, looked, since=since) is True
        story.machine.apply([made("procexit", 12, of=12)])
        assert wrong(story, looked, since=since) is False
    assert wrong(story, looked) is True, "in a look that begins later it would be another process"


# --- the real /proc ---


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_what_was_just_read_does_not_differ(child: "subprocess.Popen[bytes]") -> None:
    machine = StateMachine()
    machine.seed()
    found = {one.tid: one for one in machine.read_procfs()}
    assert machine.differs(found[child.pid], machine.number, threads=True) is None, "read at that moment"
    machine.apply([made("chdir", child.pid, of=child.pid, res=-1)])
    assert machine.differs(found[child.pid], machine.number, threads=True) is False
    assert machine.differs(found[os.getpid()], machine.number, threads=False) is False


def test_the_dead_that_nobody_has_buried_are_none(child: "subprocess.Popen[bytes]") -> None:
    machine = StateMachine()
    machine.seed()
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert child.pid not in {one.tid for one in machine.read_procfs()}
    assert [] == list(machine.read_procfs([child.pid]))
    machine.apply([made("chdir", os.getpid(), of=os.getpid(), res=-1)])
    assert machine.differs(ProcSnapshot(child.pid), machine.number, threads=False) is True
