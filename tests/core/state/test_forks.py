import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.state.observed import Forked
from tests.core.state.story import CLOEXEC, IN_NAMESPACE, THREAD, Story, made, read


@pytest.fixture
def story() -> Story:
    """Return a recording with systemd (1) and a shell (10) that has a file open."""
    story = Story()
    story.has(1, name="systemd", ptid=0, cwd="/")
    story.has(10, name="bash", exe="-bash", exepath="/usr/bin/bash", ptid=1, cwd="/home/a", uid=7, sid=10, env=("A=1",))
    story.settled()
    return story


# --- recorded ---


def test_the_caller_of_a_clone_brings_the_child_into_being(story: Story) -> None:
    story.clone(10, 20)
    child = story.process(20)
    found = child.pid, child.ptid, child.vtid, child.name, child.exepath, child.cwd, child.sid, child.env
    assert (20, 10, 20, "bash", "/usr/bin/bash", "/home/a/", 10, ("A=1",)) == found


def test_the_child_of_a_clone_has_the_caller_as_its_parent(story: Story) -> None:
    story.clone(10, 20)
    assert "bash" == read(story.born(20, 20, 10), "proc.pname")


def test_a_child_that_its_caller_has_reported_of_is_not_made_again(story: Story) -> None:
    story.clone(10, 20)
    before = story.process(20)
    story.born(20, 20, 10, comm="other")
    assert story.process(20) is before


def test_a_child_that_tells_first_is_made_from_its_parent(story: Story) -> None:
    story.born(20, 20, 10, uid=8)
    child = story.process(20)
    assert ("/usr/bin/bash", "/home/a/", 8) == (child.exepath, child.cwd, child.uid)


def test_a_caller_that_tells_after_its_child_changes_nothing(story: Story) -> None:
    story.born(20, 20, 10)
    before = story.process(20)
    story.clone(10, 20)
    assert story.process(20) is before


def test_the_caller_in_a_pid_namespace_cannot_tell_the_child(story: Story) -> None:
    story.clone(10, 20, flags=IN_NAMESPACE)
    assert story.machine.process(20) is None


def test_a_child_in_a_pid_namespace_keeps_both_numbers(story: Story) -> None:
    story.born(20, 20, 10, flags=IN_NAMESPACE, vtid=3, vpid=3)
    child = story.process(20)
    assert (20, 3, 3) == (child.pid, child.vpid, child.vtid)


def test_a_vfork_is_reported_by_the_child_only(story: Story) -> None:
    story.clone(10, 20, kind="vfork")
    assert story.machine.process(20) is None


def test_a_child_that_has_ended_before_its_caller_tells_stays_ended(story: Story) -> None:
    story.born(20, 20, 10)
    story.exit(20)
    story.clone(10, 20)
    assert story.machine.process(20) is None


def test_a_clone_that_failed_makes_nobody(story: Story) -> None:
    story.clone(10, -11)
    assert {1, 10} == {tid for tid in range(1, 50) if story.machine.process(tid)}


def test_the_child_inherits_descriptors(story: Story) -> None:
    story.open(10, "/tmp/a", 3, flags=1 | CLOEXEC)
    story.clone(10, 20)
    assert "/tmp/a" == read(story.write(20, 3), "fd.name")


def test_what_the_child_opens_is_not_the_parents(story: Story) -> None:
    story.clone(10, 20)
    story.open(20, "/tmp/a", 3)
    assert story.write(10, 3).file is None


def test_threads_share_descriptors(story: Story) -> None:
    story.clone(10, 11, flags=THREAD)
    story.open(11, "/tmp/a", 3)
    assert "/tmp/a" == read(story.write(10, 3), "fd.name")


def test_a_thread_belongs_to_the_process_of_its_maker(story: Story) -> None:
    story.clone(10, 11, flags=THREAD)
    thread = story.process(11)
    assert (10, 1, False) == (thread.pid, thread.ptid, read(story.write(11, 0), "thread.ismain"))


def test_the_event_that_makes_a_thread_counts_it_already(story: Story) -> None:
    event = story.clone(10, 11, flags=THREAD)
    assert (2, 1) == (read(event, "proc.nthreads"), read(event, "proc.nchilds"))


def test_a_caller_that_nobody_knows_is_learnt_from_its_clone(story: Story) -> None:
    story.event("clone", 90, res=91, exe="/bin/x", comm="x", pid=-1, ptid=10, flags=0, uid=0, gid=0, vtid=90, vpid=90)
    assert ("x", 90) == (story.process(91).name, story.process(91).ptid)


def test_a_child_takes_the_place_of_a_task_whose_end_was_lost(story: Story) -> None:
    story.clone(10, 20)
    story.clone(20, 30)
    story.time += 10**10
    story.clone(1, 20)
    story.clone(20, 40)
    assert ("systemd", "systemd") == (read(story.write(20, 0), "proc.pname"), read(story.write(30, 0), "proc.pname"))


def test_a_child_that_tells_first_takes_the_place_of_a_task_whose_end_was_lost(story: Story) -> None:
    story.clone(10, 20)
    story.time += 10**10
    story.born(20, 20, 1)
    assert "systemd" == read(story.write(20, 0), "proc.pname")


def test_a_thread_of_a_process_that_nobody_knows_tells_its_parent(story: Story) -> None:
    story.born(91, 90, 10, flags=THREAD)
    parent = story.process(10).name
    assert (parent, parent) == tuple(read(story.write(tid, 0), "proc.pname") for tid in (90, 91))


@pytest.mark.parametrize("count", range(15, 21))
def test_a_clone_of_an_old_recording_has_fewer_parameters(story: Story, count: int) -> None:
    reported = made("clone", 10, time=1, res=20, exe="x", comm="x", pid=10, ptid=1, pgft_maj=7, pgft_min=8, vm_size=9)
    short = SyscallEvent("syscall", "clone", 1, tid=10, args=reported.args[:count])
    story.machine.apply([short])
    assert "x" == story.process(20).exe


def test_a_clone_tells_faults_and_sizes_of_the_child(story: Story) -> None:
    story.clone(10, 20, pgft_maj=7, pgft_min=8, vm_size=9, vm_rss=4, vm_swap=5)
    child = story.process(20)
    assert (7, 8, 9, 4, 5) == (child.pfmajor, child.pfminor, child.vm_size, child.vm_rss, child.vm_swap)


def test_a_child_tells_its_parents_name_from_the_moment_of_the_clone(story: Story) -> None:
    story.clone(10, 20)
    story.exec(10, "/usr/bin/vim")
    assert "bash" == read(story.born(20, 20, 10), "proc.name")


# --- live ---


def test_a_task_with_the_number_0_is_a_task_like_others(story: Story) -> None:
    story.has(0, name="swapper", cwd="/idle")
    story.born(20, 20, 0)
    story.clone(0, 30)
    assert ["/idle/", "/idle/"] == [story.process(tid).cwd for tid in (20, 30)]


@pytest.fixture
def machine() -> Story:
    """Return a live machine with a shell (10)."""
    story = Story(live=True)
    story.exec(10, "/bin/bash", pid=10)
    return story


def fork(story: Story, creator: int, child: int, *, pid: int | None = None, **observed: int | bool) -> None:
    reported = Forked(tid=child, pid=pid or child, vtid=child, vpid=pid or child, **observed)  # type: ignore[arg-type]  # of its fields
    story.event("_fork", creator, observed=reported)


def test_the_scheduler_tells_of_a_new_process(machine: Story) -> None:
    fork(machine, 10, 20, start=5)
    child = machine.process(20)
    assert ("bash", 20, 10, 5) == (child.name, child.pid, child.ptid, child.start)


def test_a_fork_is_no_event_for_rules(machine: Story) -> None:
    observed = Forked(tid=20, pid=20, vtid=20, vpid=20)
    assert [] == machine.machine.apply([made("_fork", 10, observed=observed)])


def test_live_clone_calls_add_nothing_to_what_the_scheduler_reported(machine: Story) -> None:
    machine.clone(10, 20)
    assert machine.machine.process(20) is None


def test_the_kernel_may_name_another_parent(machine: Story) -> None:
    fork(machine, 10, 20)
    fork(machine, 20, 30, ptid=10)
    assert 10 == machine.process(30).ptid


def test_processes_can_share_descriptors(machine: Story) -> None:
    fork(machine, 10, 20, shares_files=True)
    machine.open(20, "/tmp/a", 3)
    assert "/tmp/a" == read(machine.write(10, 3), "fd.name")


def test_exec_ends_the_sharing_of_descriptors(machine: Story) -> None:
    fork(machine, 10, 20, shares_files=True)
    machine.exec(20, "/bin/b", pid=20)
    machine.open(20, "/tmp/a", 3)
    assert machine.write(10, 3).file is None


def test_live_threads_are_counted_and_otherwise_their_process(machine: Story) -> None:
    fork(machine, 10, 11, pid=10)
    machine.event("chdir", 11, of=10, res=0, path="/srv")
    event = machine.event("write", 11, of=10, res=1, fd=3)
    names = ("proc.cwd", "proc.name", "proc.pid", "thread.tid", "thread.vtid", "thread.ismain", "proc.nthreads")
    assert ("/srv/", "bash", 10, 11, 11, False, 2) == tuple(read(event, name) for name in names)
    assert 1 == machine.machine.sizes()["tasks"]


def test_the_end_of_a_live_thread_is_counted_too(machine: Story) -> None:
    fork(machine, 10, 11, pid=10)
    event = machine.event("procexit", 11, of=10, status=0)
    assert (1, 11) == (read(event, "proc.nthreads"), read(event, "thread.tid"))


def test_a_live_thread_can_fork(machine: Story) -> None:
    machine.event("_fork", 11, of=10, observed=Forked(tid=20, pid=20, vtid=20, vpid=20))
    assert ("bash", 10) == (machine.process(20).name, machine.process(20).ptid)


def test_a_number_that_is_a_threads_now_is_no_process_any_more(machine: Story) -> None:
    fork(machine, 10, 20)
    event = machine.event("write", 20, of=10, res=1, fd=3)
    assert (10, None) == (read(event, "proc.pid"), machine.machine.process(20))


def test_a_fork_that_seeding_has_seen_already_is_not_taken_twice(machine: Story) -> None:
    fork(machine, 10, 20, boot_start=10**18)
    before = machine.process(20)
    fork(machine, 10, 20, boot_start=10**18 + 9_000_000)
    assert machine.process(20) is before


def test_a_fork_with_a_number_in_use_ends_the_old_task(machine: Story) -> None:
    fork(machine, 10, 20, boot_start=10**18)
    before = machine.process(20)
    fork(machine, 10, 20, boot_start=2 * 10**18)
    assert machine.process(20).task is not before.task
