"""Events that have not happened: each sees its process as it would be, and the state stays as it is."""

from tests.core.state.story import Story, made, read


def story() -> Story:
    told = Story(live=True)
    told.has(10, name="bash", exe="-bash", exepath="/usr/bin/bash", ptid=1, cwd="/home/a/")
    told.settled()
    return told


def test_an_exec_that_would_happen_sees_the_program_that_would_run() -> None:
    told = story()
    event = made("execve", 10, of=10, res=0, exe="cat", args=b"x\0", comm="cat", trusted_exepath="/usr/bin/cat")

    told.machine.foresee(event)

    assert ("cat", "/usr/bin/cat", "cat x") == tuple(
        read(event, name) for name in ("proc.name", "proc.exepath", "proc.cmdline")
    )
    assert "bash" == told.process(10).name


def test_an_exec_that_would_fail_sees_its_caller() -> None:
    told = story()
    event = made("execve", 10, of=10, res=-2, exe="cat", comm="cat")

    told.machine.foresee(event)

    assert "bash" == read(event, "proc.name")


def test_another_call_sees_its_process_and_has_a_number_of_its_own() -> None:
    told = story()
    event = made("unlink", 10, of=10, res=0, path="/a")
    before = told.machine.number

    told.machine.foresee(event)

    assert ("bash", before + 1) == (read(event, "proc.name"), event.num)


def test_a_thread_is_seen_as_one() -> None:
    told = story()
    event = made("unlink", 11, of=10, res=0, path="/a")

    told.machine.foresee(event)

    assert (11, 10) == (read(event, "thread.tid"), read(event, "proc.pid"))
