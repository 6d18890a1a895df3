from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.model.event import File, SockTuple
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Entered, Executed, Forked
from tests.core.state.story import CLOEXEC, THREAD, Story, read

EMPTY_PATH = dict(flag_table("execveat_flags"))["AT_EMPTY_PATH"]
DOCKER = "cpu=/docker/" + "a1" * 32


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(1, name="systemd", ptid=0, cwd="/")
    story.has(10, name="bash", exe="-bash", exepath="/usr/bin/bash", ptid=1, cwd="/home/a", env=("A=1",))
    story.settled()
    story.clone(10, 20)
    return story


def test_exec_replaces_program_and_arguments(story: Story) -> None:
    event = story.exec(20, "/usr/bin/vim", "-R", "x y")
    assert ("vim", "/usr/bin/vim", "vim -R x y") == tuple(
        read(event, name) for name in ("proc.name", "proc.exepath", "proc.cmdline")
    )


def test_empty_arguments_are_arguments(story: Story) -> None:
    event = story.exec(20, "/bin/x", "a", "", "b")
    assert (3, "") == (read(event, "proc.cmdnargs"), read(event, "proc.args", "1"))


def test_exec_keeps_parent_directory_and_start(story: Story) -> None:
    before = story.process(20)
    story.exec(20, "/bin/x")
    after = story.process(20)
    assert (before.parent, before.cwd, before.start) == (after.parent, after.cwd, after.start)


def test_a_failed_exec_changes_nothing(story: Story) -> None:
    before = story.process(20)
    story.exec(20, "/bin/nope", res=-2)
    assert story.process(20) is before


def test_exec_closes_what_is_marked_so(story: Story) -> None:
    story.open(20, "/tmp/keep", 3)
    story.open(20, "/tmp/drop", 4, flags=1 | CLOEXEC)
    story.exec(20, "/bin/x")
    assert ("/tmp/keep", None) == (read(story.write(20, 3), "fd.name"), story.write(20, 4).file)


def test_exec_moves_a_process_into_its_container(story: Story) -> None:
    event = story.exec(20, "/app", cgroups=f"{DOCKER}\0".encode())
    assert "a1a1a1a1a1a1" == read(event, "container.id")


def test_the_parent_stays_where_it_was(story: Story) -> None:
    story.exec(20, "/app", cgroups=f"{DOCKER}\0".encode())
    assert "host" == read(story.write(10, 0), "container.id")


def test_exec_brings_identity_and_environment(story: Story) -> None:
    event = story.exec(20, "/bin/x", uid=33, gid=44, loginuid=0xFFFFFFFF, env=b"HOME=/h\0X= y \0")
    found = tuple(read(event, name) for name in ("user.uid", "group.gid", "user.loginuid"))
    assert (33, 44, -1, "/h", "y") == (*found, read(event, "proc.env", "HOME"), read(event, "proc.env", "X"))


def test_a_deleted_executable_is_named_without_the_kernels_mark(story: Story) -> None:
    assert "/tmp/x" == read(story.exec(20, "/tmp/x (deleted)"), "proc.exepath")


def test_flags_of_the_executable_are_read_one_by_one(story: Story) -> None:
    event = story.exec(20, "/bin/x", flags=2 | 4)
    names = ("writable", "upper_layer", "from_memfd", "lower_layer")
    assert (False, True, True, False) == tuple(read(event, f"proc.is_exe_{name}") for name in names)


def test_exec_ends_the_other_threads(story: Story) -> None:
    story.clone(20, 21, flags=THREAD)
    event = story.exec(20, "/bin/x")
    assert (1, None) == (read(event, "proc.nthreads"), story.machine.process(21))


def test_a_thread_that_executes_takes_over_a_dead_main_thread(story: Story) -> None:
    story.clone(20, 21, flags=THREAD)
    story.exit(20)
    event = story.exec(20, "/bin/x")
    assert ("x", 1) == (read(event, "proc.name"), read(event, "proc.nthreads"))


def test_a_process_whose_dead_main_thread_was_taken_over_lives(story: Story) -> None:
    story.clone(20, 21, flags=THREAD)
    story.exit(20)
    assert story.process(20).exited
    story.exec(20, "/bin/x")
    assert not story.process(20).exited


def test_an_old_recording_tells_the_path_at_the_beginning_of_the_call(story: Story) -> None:
    story.event("_enter", 20, observed=Entered("execve", ("../b/tool",)))
    assert "/home/b/tool" == read(story.exec(20, "tool", trusted_exepath=None), "proc.exepath")


def test_an_old_execveat_by_descriptor_is_the_file_behind_it(story: Story) -> None:
    story.open(20, "/opt/tool", 5)
    story.event("_enter", 20, observed=Entered("execveat", (5, "", EMPTY_PATH)))
    assert "/opt/tool" == read(story.exec(20, "tool", trusted_exepath=None), "proc.exepath")


def test_an_unknown_task_is_learnt_from_its_exec(story: Story) -> None:
    story.exec(90, "/bin/x", pid=90, ptid=10)
    assert "bash" == read(story.write(90, 0), "proc.pname")


def test_the_age_of_the_executable_is_that_at_the_start_of_the_process(story: Story) -> None:
    start = story.process(20).start
    event = story.exec(20, "/bin/x", exe_ino=5, exe_ino_ctime=start - 77, exe_ino_mtime=1)
    assert 77 == read(event, "proc.exe_ino.ctime_duration_proc_start")


def test_whose_the_executable_is_is_of_the_last_exec_alone(story: Story) -> None:
    known = story.exec(20, "/bin/x", observed=Executed(exe_uid=7, exe_mode=0o4711))
    assert (7, "4711") == (read(known, "proc.exe_uid"), read(known, "proc.exe_mode"))
    unknown = story.exec(20, "/bin/x")
    assert (None, None) == (read(unknown, "proc.exe_uid"), read(unknown, "proc.exe_mode"))


def test_live_the_kernel_adds_what_no_parameter_holds() -> None:
    story = Story(live=True)
    story.exec(20, "/bin/x", observed=Executed(sid=4, pgid=5, vpid=6, ruid=7, start=8, args_truncated=True))
    process = story.process(20)
    found = process.sid, process.pgid, process.vpid, process.ruid, process.start, process.args_truncated
    assert (4, 5, 6, 7, 8, True) == found


@pytest.mark.parametrize("name", ["sid", "pgid", "vpid", "vtid", "ptid"])
@pytest.mark.parametrize(("reported", "kept"), [(0, 0), (-1, 3)])
def test_live_a_number_that_is_0_counts_and_a_negative_one_says_nothing(name: str, reported: int, kept: int) -> None:
    """Check that 0, the kernel's number of a leader or parent outside of the pid namespace, is taken."""
    story = Story(live=True)
    story.has(20, name="bash", **{"ptid": 3, "sid": 3, "pgid": 3, "vtid": 3, "vpid": 3})
    story.exec(20, "/bin/x", pgid=3, observed=replace(Executed(), **{name: reported}))
    assert kept == getattr(story.process(20), name)


def test_live_an_environment_that_was_not_asked_for_is_missing() -> None:
    story = Story(live=True)
    assert read(story.exec(20, "/bin/x"), "proc.env") is None


def test_live_the_working_directory_comes_with_the_exec() -> None:
    story = Story(live=True)
    assert "/srv/" == read(story.exec(20, "/bin/x", cwd="/srv"), "proc.cwd")


# --- standard descriptors and parents, as the kernel reports them at an exec


NULL = File("file", "/dev/null", ino=4, dev=5)
CONNECTION = File("ipv4", sock=SockTuple(2, b"\x7f\0\0\1", 40000, b"\x7f\0\0\1", 4444), protocol="tcp")


@pytest.fixture
def live() -> Story:
    story = Story(live=True)
    story.has(1, name="systemd", ptid=0)
    story.has(10, name="shim", ptid=1)
    story.has(20, name="bash", ptid=1)
    return story


def test_live_what_a_program_begins_with_replaces_what_was_known(live: Story) -> None:
    live.has_file(20, 0, File("file", "/dev/pts/0", ino=3))
    live.has_file(20, 2, NULL)
    event = live.exec(20, "/bin/sh", observed=Executed(stdio=(CONNECTION, NULL, None)))
    found = tuple(read(event, f"proc.{name}") for name in ("stdin.type", "stdin.name", "stdout.name", "stderr.type"))
    assert ("ipv4", "127.0.0.1:40000->127.0.0.1:4444", "/dev/null", None) == found


def test_live_the_event_before_the_exec_still_sees_what_was_there(live: Story) -> None:
    live.has_file(20, 0, File("file", "/dev/pts/0", ino=3))
    before = live.write(20, 9)
    live.exec(20, "/bin/sh", observed=Executed(stdio=(CONNECTION, None, None)))
    assert "/dev/pts/0" == read(before, "proc.stdin.name")


def test_live_a_standard_descriptor_keeps_the_name_that_its_open_gave_it(live: Story) -> None:
    live.has_file(20, 0, File("file", "/link/null", ino=4, dev=5))
    event = live.exec(20, "/bin/sh", observed=Executed(stdio=(NULL, NULL, NULL)))
    assert ("/link/null", "/dev/null") == (read(event, "proc.stdin.name"), read(event, "proc.stdout.name"))


def test_live_a_standard_descriptor_that_is_closed_says_nothing_of_the_others(live: Story) -> None:
    live.has_file(20, 0, NULL)
    event = live.exec(20, "/bin/sh", observed=Executed(stdio=(None, NULL, CONNECTION)))
    found = tuple(read(event, f"proc.{name}.type") for name in ("stdin", "stdout", "stderr"))
    assert (None, "file", "ipv4") == found


def test_live_an_exec_that_tells_nothing_of_descriptors_leaves_them(live: Story) -> None:
    live.has_file(20, 0, NULL)
    assert "/dev/null" == read(live.exec(20, "/bin/sh", observed=Executed()), "proc.stdin.name")


def test_live_a_child_begins_with_the_standard_descriptors_of_its_parent(live: Story) -> None:
    live.exec(20, "/bin/sh", observed=Executed(stdio=(CONNECTION, NULL, NULL)))
    live.event("_fork", 20, observed=Forked(30, 30, 30, 30))
    assert ("ipv4", "file") == tuple(read(live.write(30, 9), f"proc.{name}.type") for name in ("stdin", "stderr"))


def test_live_the_parent_that_an_exec_tells_is_the_parent(live: Story) -> None:
    event = live.exec(20, "/bin/sh", ptid=10, observed=Executed(ptid=10))
    assert ("shim", 10, "systemd") == (
        read(event, "proc.pname"), read(event, "proc.ppid"), read(event, "proc.aname", "2"),
    )  # fmt: skip


def test_live_the_children_of_a_parent_that_an_exec_reported_follow_it(live: Story) -> None:
    live.exec(20, "/bin/sh", ptid=10, observed=Executed(ptid=10))
    live.exit(10, reaper=1)
    assert "systemd" == read(live.write(20, 9), "proc.pname")


def test_live_an_exec_that_tells_a_parent_which_has_just_ended_keeps_the_new_one(live: Story) -> None:
    live.exec(20, "/bin/sh", ptid=10, observed=Executed(ptid=10))
    live.exit(10, reaper=1)
    event = live.exec(20, "/bin/sh", ptid=10, observed=Executed(ptid=10))
    assert ("systemd", 1) == (read(event, "proc.pname"), read(event, "proc.ppid"))


def test_live_exec_ends_the_threads_that_were_counted() -> None:
    story = Story(live=True)
    story.exec(10, "/bin/x", pid=10)
    story.event("_fork", 10, of=10, observed=Forked(tid=11, pid=10, vtid=11, vpid=10))
    assert 2 == read(story.write(10, 1), "proc.nthreads")
    assert 1 == read(story.exec(10, "/bin/y", pid=10), "proc.nthreads")


def test_live_a_program_whose_process_shares_its_descriptors_with_no_other_goes_on_with_them(live: Story) -> None:
    before = live.process(20).files
    live.exec(20, "/bin/sh")
    assert live.process(20).files is before


BUNDLE = "/run/containerd/io.containerd.runtime.v2.task/moby/0123abcd/"


def runtime_is_genuine(live: Story, *, cwd: str = BUNDLE, uid: int = 0, **observed: Any) -> bool | None:
    """Return exe_genuine of a runtime started by containerd's shim, with the caller's changes."""
    known = Executed(**{"exe_genuine": True, "cwd_of_root": True, **observed})
    live.exec(20, "/usr/sbin/runc", cwd=cwd, uid=uid, env=b"LD_LIBRARY_PATH=/opt/containerd/lib:\0", observed=known)
    return live.process(20).exe_genuine


@pytest.mark.parametrize("observed", [{}, {"namespaces": NAMESPACES["net"] | NAMESPACES["ipc"]}])
def test_live_a_runtime_that_starts_in_the_directory_of_its_container_is_genuine(
    live: Story, observed: dict[str, Any]
) -> None:
    assert runtime_is_genuine(live, **observed) is True


@pytest.mark.parametrize(
    "changed",
    [
        {"uid": 1000}, {"ruid": 1000}, {"cwd_of_root": False}, {"cwd": f"{BUNDLE}rootfs/"}, {"cwd": "/srv/volume/"},
        *({"namespaces": NAMESPACES[name]} for name in ("pid", "mnt", "user")),
    ],
    ids=str,
)  # fmt: skip
def test_live_no_other_program_that_may_load_what_lies_in_its_directory_is_genuine(
    live: Story, changed: dict[str, Any]
) -> None:
    assert runtime_is_genuine(live, **changed) is False


def test_an_exec_knows_the_programs_at_the_other_ends_of_its_pipes(live: Story) -> None:
    first, second = (File(kind="pipe", dev=13, ino=number) for number in (1, 2))
    live.clone(10, 30)
    live.clone(10, 40)
    live.exec(20, "/bin/curl", "x", observed=Executed(stdio=(NULL, first, None)))
    shell = live.exec(40, "/bin/sh", observed=Executed(stdio=(second, NULL, None)))
    last = live.exec(30, "/bin/base64", "-d", observed=Executed(stdio=(first, second, None)))

    assert read(shell, "proc.piped_from") == ()
    assert read(last, "proc.piped_from") == ("curl x",)
    assert read(last, "proc.piped_to") == ("sh",)
