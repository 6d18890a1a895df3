"""Foreseen events: each sees its process as it would be, and the state does not change."""

import pytest

from mozu.core.model.event import File
from mozu.core.state.observed import KnownProcess
from tests.core.state.story import Story, made, read


def story() -> Story:
    reported = Story(live=True)
    reported.has(10, name="bash", exe="-bash", exepath="/usr/bin/bash", ptid=1, cwd="/home/a/")
    reported.settled()
    return reported


def test_an_exec_that_would_happen_sees_the_program_that_would_run() -> None:
    reported = story()
    event = made("execve", 10, of=10, res=0, exe="cat", args=b"x\0", comm="cat", trusted_exepath="/usr/bin/cat")

    reported.machine.foresee(event)

    assert ("cat", "/usr/bin/cat", "cat x") == tuple(
        read(event, name) for name in ("proc.name", "proc.exepath", "proc.cmdline")
    )
    assert "bash" == reported.process(10).name


def test_an_exec_that_would_happen_sees_how_old_its_program_is_and_whose() -> None:
    story = Story(live=True)
    story.has(10, name="bash", exepath="/bin/bash", start=9, exe_uid=5, exe_mode=0o755, exe_ctime=1)
    dated = made("execve", 10, of=10, res=0, exe="x", comm="x", exe_ino=4, exe_ino_ctime=6, exe_ino_mtime=6)
    undated = made("execve", 10, of=10, res=0, exe="x", comm="x")
    for event in (dated, undated):
        story.machine.foresee(event)
    ages = [event.process.exe_age for event in (dated, undated) if event.process is not None]
    assert [3, story.process(10).exe_age] == ages
    assert [None, "/bin/bash"] == [read(dated, "proc.exe_uid"), read(dated, "proc.exepath")]
    assert 5 == story.process(10).exe_uid


def test_an_exec_that_would_fail_sees_its_caller() -> None:
    reported = story()
    event = made("execve", 10, of=10, res=-2, exe="cat", comm="cat")

    reported.machine.foresee(event)

    assert "bash" == read(event, "proc.name")


def test_another_call_sees_its_process_and_has_a_number_of_its_own() -> None:
    reported = story()
    event = made("unlink", 10, of=10, res=0, path="/a")
    before = reported.machine.number

    reported.machine.foresee(event)

    assert ("bash", before + 1) == (read(event, "proc.name"), event.num)


def test_a_thread_is_seen_as_one() -> None:
    reported = story()
    event = made("unlink", 11, of=10, res=0, path="/a")

    reported.machine.foresee(event)

    assert (11, 10, False) == tuple(read(event, name) for name in ("thread.tid", "proc.pid", "thread.ismain"))


def test_the_file_that_its_source_gives_is_kept_and_else_it_is_that_of_the_descriptor() -> None:
    reported, given = story(), File("file", "/given")
    reported.has_file(10, 3, File("file", "/known"))
    seen = []
    for fd, file in ((3, None), (3, given), (None, given), (None, None)):
        event = made("write", 10, of=10, file=file, res=1, size=1)
        event.fd = fd
        reported.machine.foresee(event)
        seen.append(None if event.file is None else event.file.name)

    assert ["/known", "/given", "/given", None] == seen


@pytest.mark.parametrize("pid", [1, 20])
def test_a_process_that_is_not_known_yet_is_asked_for(pid: int) -> None:
    reported = story()
    reported.machine._state.lookup = lambda tid: (tid, KnownProcess(name=f"of {tid}", vpid=tid, vtid=tid), 0)
    seen = []
    for tid in (pid, 77, 10):  # 10 is known as a process of its own, whose number is used again
        event = made("unlink", tid, of=pid, res=0)
        reported.machine.foresee(event)
        seen.append((read(event, "thread.tid"), read(event, "proc.pid"), read(event, "proc.name")))
    assert [(tid, pid, f"of {pid}") for tid in (pid, 77, 10)] == seen


def test_an_event_that_no_task_causes_has_no_process() -> None:
    event = made("container", 0)
    story().machine.foresee(event)
    assert event.process is None
