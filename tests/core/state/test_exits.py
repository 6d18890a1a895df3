import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Entered, Forked
from tests.core.state.story import IN_NAMESPACE, THREAD, Story, made, read

SUBREAPER = dict(flag_table("prctl_options"))["PR_SET_CHILD_SUBREAPER"]


@pytest.fixture
def story() -> Story:
    """Return a story with systemd (1) → manager (10) → middle (20) → leaf (30)."""
    story = Story()
    story.has(1, name="systemd", ptid=0)
    for parent, child in ((1, 10), (10, 20), (20, 30)):
        story.settled()
        story.clone(parent, child)
    story.exec(10, "/sbin/manager")
    story.exec(20, "/bin/middle")
    story.exec(30, "/bin/leaf")
    return story


def test_the_event_of_its_end_still_shows_the_process(story: Story) -> None:
    event = story.exit(30)
    assert ("leaf", "middle") == (read(event, "proc.name"), read(event, "proc.pname"))


def test_after_its_end_a_process_is_unknown(story: Story) -> None:
    story.exit(30)
    assert story.machine.process(30) is None


def test_orphans_go_to_whom_the_kernel_names(story: Story) -> None:
    story.exit(20, reaper=10)
    assert "manager" == read(story.write(30, 0), "proc.pname")


def test_without_a_name_orphans_go_to_init(story: Story) -> None:
    story.exit(20)
    assert "systemd" == read(story.write(30, 0), "proc.pname")


def test_a_process_can_declare_itself_the_one_to_take_orphans(story: Story) -> None:
    story.event("prctl", 10, res=0, option=SUBREAPER, arg2_int=1)
    story.exit(20)
    assert "manager" == read(story.write(30, 0), "proc.pname")


def test_and_take_that_back(story: Story) -> None:
    story.event("prctl", 10, res=0, option=SUBREAPER, arg2_int=1)
    story.event("prctl", 10, res=0, option=SUBREAPER, arg2_int=0)
    story.exit(20)
    assert "systemd" == read(story.write(30, 0), "proc.pname")


def test_orphans_do_not_leave_their_pid_namespace(story: Story) -> None:
    story.born(40, 40, 30, flags=IN_NAMESPACE, vtid=5, vpid=5)
    story.born(50, 50, 40, flags=IN_NAMESPACE, vtid=6, vpid=6)
    story.exit(40)
    assert read(story.write(50, 0), "proc.pname") is None


def test_the_init_of_a_pid_namespace_takes_its_orphans(story: Story) -> None:
    story.born(40, 40, 30, flags=IN_NAMESPACE, vtid=1, vpid=1, comm="init")
    story.born(50, 50, 40, flags=IN_NAMESPACE, vtid=2, vpid=2)
    story.born(60, 60, 50, flags=IN_NAMESPACE, vtid=3, vpid=3)
    story.exit(50)
    assert "init" == read(story.write(60, 0), "proc.pname")


def test_the_event_of_the_parents_end_changes_no_child_yet(story: Story) -> None:
    before = story.write(30, 0)
    story.exit(20)
    assert "middle" == read(before, "proc.pname")


def test_the_end_of_a_thread_leaves_the_process(story: Story) -> None:
    story.clone(30, 31, flags=THREAD)
    event = story.exit(31)
    assert (1, "leaf") == (read(event, "proc.nthreads"), read(story.write(30, 0), "proc.name"))


def test_a_process_lives_on_in_its_threads(story: Story) -> None:
    story.clone(30, 31, flags=THREAD)
    event = story.exit(30)
    later = story.write(31, 0)
    found = (
        read(event, "proc.nthreads"),
        read(event, "proc.nchilds"),
        read(later, "proc.name"),
        read(later, "proc.pname"),
    )
    assert (1, 1, "leaf", "middle") == found


def test_with_the_last_thread_the_process_ends(story: Story) -> None:
    story.clone(30, 31, flags=THREAD)
    story.exit(30)
    story.exit(31)
    assert [None, None] == [story.machine.process(tid) for tid in (30, 31)]


def test_a_number_can_be_used_again(story: Story) -> None:
    story.exit(30)
    story.time += 10**10
    story.clone(10, 30)
    event = story.exec(30, "/bin/second")
    assert ("second", "manager") == (read(event, "proc.name"), read(event, "proc.pname"))


def test_the_end_of_a_task_that_nobody_knows_is_nothing(story: Story) -> None:
    assert story.exit(77).process is None


def test_live_the_end_of_the_main_thread_is_the_end_of_the_process() -> None:
    story = Story(live=True)
    story.exec(10, "/bin/x", pid=10)
    story.event("_fork", 10, of=10, observed=Forked(tid=11, pid=10, vtid=11, vpid=10))
    story.event("procexit", 10, of=10, status=0)
    assert story.machine.process(10) is None


def test_live_a_thread_that_ends_is_counted_and_the_main_thread_that_ends_first_as_ended() -> None:
    story = Story(live=True)
    story.exec(10, "/bin/x", pid=10)
    story.event("_fork", 10, of=10, observed=Forked(tid=11, pid=10, vtid=11, vpid=10))
    story.event("_fork", 10, of=10, observed=Forked(tid=12, pid=10, vtid=12, vpid=10))
    assert (2, False) == (story.process(10).others, story.process(10).exited)
    story.event("_exit", 11, of=10)
    assert (1, False) == (story.process(10).others, story.process(10).exited)
    story.event("_exit", 10, of=10)
    assert (1, True) == (story.process(10).others, story.process(10).exited)


def test_what_a_process_has_made_and_makes_keeps_its_ancestors_when_the_main_thread_has_ended() -> None:
    story = Story()
    for tid, name, ptid in ((1, "init", 0), (20, "middle", 1), (30, "leaf", 20)):
        story.has(tid, name=name, ptid=ptid)
    story.settled()
    story.clone(30, 31, flags=THREAD)
    story.clone(30, 40)
    story.exit(30)
    story.clone(31, 41)
    for child in (40, 41):
        event = story.write(child, 0)
        assert ["leaf", "middle", "init"] == [read(event, "proc.aname", level) for level in "123"]


def test_without_a_name_orphans_do_not_go_to_the_task_with_the_number_0(story: Story) -> None:
    story.has(0, name="swapper")
    story.exit(20)
    assert "systemd" == read(story.write(30, 0), "proc.pname")


def test_a_process_that_takes_over_those_it_was_itself_among_is_not_its_own_parent(story: Story) -> None:
    story.clone(20, 31)
    story.exit(20, reaper=30)
    assert (None, "leaf") == (read(story.write(30, 0), "proc.pname"), read(story.write(31, 0), "proc.pname"))


def test_a_call_that_a_process_had_begun_is_not_that_of_the_next_with_its_number(story: Story) -> None:
    story.machine.apply([made("_enter", 30, observed=Entered("open", ("/begun", 4)))])
    story.has(30, name="next")
    assert "/begun" != read(story.event("open", 30, fd=5, name=None, flags=1), "fd.name")


def test_live_the_end_of_a_thread_of_an_unknown_process_is_nothing() -> None:
    story = Story(live=True)
    story.event("_exit", 11, of=10)
    assert 0 == story.machine.sizes()["tasks"]


@pytest.mark.parametrize("count", range(6))
def test_an_end_of_an_old_recording_has_fewer_parameters(story: Story, count: int) -> None:
    whole = made("procexit", 20, time=story.time, status=0, ret=0, sig=0, core=0, reaper_tid=10)
    story.machine.apply([SyscallEvent("syscall", "procexit", story.time, tid=20, args=whole.args[:count])])
    assert (10 if count > 4 else 1) == story.process(30).ptid


@pytest.mark.parametrize(("reaper", "expected"), [(10, 10), (0, 1), (-1, 1), (77, 1), (20, 1), (50, 1)])
def test_orphans_go_to_no_reaper_that_is_unknown_or_ends_itself(story: Story, reaper: int, expected: int) -> None:
    story.write(50, 0)
    story.exit(20, reaper=reaper)
    assert expected == story.process(30).ptid


def test_who_takes_in_orphans_once_takes_in_those_of_its_descendants(story: Story) -> None:
    story.clone(20, 21)
    story.clone(21, 22)
    story.exit(20, reaper=10)
    story.exit(21)
    assert 10 == story.process(22).ptid
