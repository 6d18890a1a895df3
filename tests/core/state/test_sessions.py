import pytest

from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Forked
from tests.core.state.story import IN_NAMESPACE, Story, read

_OPTIONS = dict(flag_table("prctl_options"))
SET_NAME, SUBREAPER = _OPTIONS["PR_SET_NAME"], _OPTIONS["PR_SET_CHILD_SUBREAPER"]


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(1, name="systemd", ptid=0, sid=1, pgid=1, vpgid=1)
    story.has(10, name="bash", exe="-bash", exepath="/bin/bash", ptid=1, sid=10, pgid=10, vpgid=10)
    story.settled()
    story.clone(10, 20)
    story.exec(20, "/bin/job", pgid=10, vpgid=10)
    return story


def test_the_leader_of_a_session_is_found_by_its_number(story: Story) -> None:
    event = story.write(20, 0)
    assert ("bash", "-bash", "/bin/bash") == tuple(
        read(event, name) for name in ("proc.sname", "proc.sid.exe", "proc.sid.exepath")
    )


def test_a_new_session_is_led_by_its_maker(story: Story) -> None:
    event = story.event("setsid", 20, res=20)
    assert ("job", True) == (read(event, "proc.sname"), read(event, "proc.is_sid_leader"))


def test_a_failed_setsid_changes_nothing(story: Story) -> None:
    assert 10 == read(story.event("setsid", 20, res=-1), "proc.sid")


def test_groups_have_leaders_too(story: Story) -> None:
    event = story.write(20, 0)
    assert ("bash", "bash", False) == (
        read(event, "proc.pgid.name"), read(event, "proc.vpgid.name"), read(event, "proc.is_pgid_leader"),
    )  # fmt: skip


def test_a_session_without_a_known_leader_has_an_empty_name(story: Story) -> None:
    story.has(30, name="lone", sid=99)
    assert "" == read(story.write(30, 0), "proc.sname")


def test_in_a_pid_namespace_the_oldest_relative_with_the_number_leads(story: Story) -> None:
    story.born(40, 40, 20, flags=IN_NAMESPACE, vtid=1, vpid=1, comm="init")
    story.event("setsid", 40, res=1)
    story.born(50, 50, 40, flags=IN_NAMESPACE, vtid=2, vpid=2)
    assert "init" == read(story.write(50, 0), "proc.sname")


def test_the_oldest_shell_above_is_the_login_shell(story: Story) -> None:
    story.clone(20, 30)
    story.exec(30, "/bin/zsh")
    assert (10, 10) == (read(story.write(30, 0), "proc.loginshellid"), read(story.write(20, 0), "proc.loginshellid"))


def test_a_process_cannot_rename_itself(story: Story) -> None:
    event = story.event("prctl", 20, res=0, option=SET_NAME, arg2_str="innocent")
    assert "job" == read(event, "proc.name")


# --- live ---


@pytest.fixture
def machine() -> Story:
    story = Story(live=True)
    story.exec(10, "/bin/bash", pid=10, pgid=10, vpgid=10)
    story.event("_fork", 10, observed=Forked(tid=20, pid=20, vtid=20, vpid=20))
    return story


def test_live_a_new_session_is_a_new_group(machine: Story) -> None:
    event = machine.event("setsid", 20, res=20)
    assert (20, 20, 20) == (read(event, "proc.sid"), read(event, "proc.pgid"), read(event, "proc.vpgid"))


def test_live_a_shell_puts_its_job_into_a_group_of_its_own(machine: Story) -> None:
    machine.event("setpgid", 10, res=0, pid=20, pgid=0)
    assert (20, 20) == (machine.process(20).pgid, machine.process(20).vpgid)


def test_live_a_job_can_join_the_group_of_its_parent(machine: Story) -> None:
    machine.event("setpgid", 20, res=0, pid=0, pgid=0)
    machine.event("setpgid", 20, res=0, pid=0, pgid=10)
    assert (10, 10) == (machine.process(20).pgid, machine.process(20).vpgid)


def test_recorded_groups_come_with_the_next_exec_and_not_with_setpgid() -> None:
    story = Story()
    story.has(10, vpgid=7, pgid=7)
    story.settled()
    story.event("setpgid", 10, res=0, pid=0, pgid=10)
    assert (7, 7) == (story.process(10).vpgid, story.process(10).pgid)


@pytest.fixture
def jail(machine: Story) -> Story:
    """Return the machine with a shell (30), the init of a pid namespace, and jobs 31 and 32: inside 1, 2 and 3."""
    for tid, vpid, ptid in ((30, 1, 10), (31, 2, 30), (32, 3, 30)):
        machine.has(tid, ptid=ptid, vtid=vpid, vpid=vpid, pgid=7, vpgid=0)
    return machine


@pytest.mark.parametrize(
    ("caller", "pid", "pgid", "target", "expected"),
    [
        (30, 2, 0, 31, (2, 31)),
        (30, 2, 2, 31, (2, 31)),
        (30, 3, 2, 32, (2, 31)),
        (30, 2, 1, 31, (1, 30)),
        (30, 2, 9, 31, (9, 7)),
        (30, 9, 0, 31, (0, 7)),
        (31, 0, 1, 31, (1, 30)),
        (31, 0, 3, 31, (3, 32)),
        (31, 2, 0, 31, (2, 31)),
        (31, None, None, 31, (2, 31)),
        (31, 3, 0, 32, (0, 7)),
        (30, 0, 0, 30, (1, 30)),
    ],
    ids=["its own group", "which is named", "that of a sibling", "that of the parent", "an unknown group",
         "an unknown child", "that of its parent, by itself", "that of its sibling, by itself", "the caller by number",
         "the caller without parameters", "a sibling is no child", "the init"],
)  # fmt: skip
def test_live_a_group_has_its_number_in_the_namespace_and_on_the_host(
    jail: Story, caller: int, pid: int | None, pgid: int | None, target: int, expected: tuple[int, int]
) -> None:
    event = jail.event("setpgid", caller, of=caller, res=0, pid=pid, pgid=pgid)
    assert expected == (jail.process(target).vpgid, jail.process(target).pgid)
    assert event.process is jail.process(caller)


@pytest.mark.parametrize("result", [-1, None, 1])
def test_live_a_setpgid_that_did_not_succeed_changes_nothing(jail: Story, result: int | None) -> None:
    jail.event("setpgid", 30, of=30, res=result, pid=2, pgid=0)
    assert (0, 7) == (jail.process(31).vpgid, jail.process(31).pgid)


@pytest.mark.parametrize(("result", "expected"), [(0, 0), (3, 3), (-1, 8), (None, 8)])
@pytest.mark.parametrize("live", [True, False])
def test_a_new_session_has_the_number_that_the_call_returned(result: int | None, expected: int, live: bool) -> None:
    story = Story(live=live)
    story.has(10, sid=8, pgid=7, vpgid=6, tty=5)
    story.event("setsid", 10, of=10, res=result)
    process = story.process(10)
    of_group = (expected, 10, 0) if live and expected != 8 else (6, 7, 5)
    assert (expected, *of_group) == (process.sid, process.vpgid, process.pgid, process.tty)


@pytest.mark.parametrize(
    ("params", "expected"),
    [({}, True), ({"res": 5}, True), ({"res": -1}, False), ({"res": None}, False), ({"arg2_int": 0}, False)],
)
def test_a_process_takes_in_orphans_from_the_call_that_says_so(params: dict[str, int | None], expected: bool) -> None:
    story = Story()
    for tid, ptid in ((1, 0), (10, 1), (20, 10), (30, 20)):
        story.has(tid, ptid=ptid)
    story.settled()
    story.event("prctl", 10, **{"res": 0, "option": SUBREAPER, "arg2_int": 1, **params})
    story.exit(20)
    assert (10 if expected else 1) == story.process(30).ptid
