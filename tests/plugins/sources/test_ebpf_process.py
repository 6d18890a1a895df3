"""execve, execveat, clone and their siblings, ends of processes: compared with /proc."""

import errno
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import event_type, flag_names
from mozu.core.state.texts import cgroups
from tests.support.acts import processes
from tests.support.build import compiled
from tests.support.live import Act, Live
from tests.support.requirements import ROOT
from tests.support.tracing import place

pytestmark = pytest.mark.ebpf

TICK = 10_000_000


@pytest.fixture(scope="module")
def waiting() -> str:
    """Return the path of a program that waits."""
    return str(compiled("waiting", "-static"))


def named(event: SyscallEvent) -> dict[str, Any]:
    """Return parameters by name."""
    declared = event_type(event.type)
    assert declared is not None
    return dict(zip((param.name for param in declared.params), event.args, strict=True))


def namespaces(event: SyscallEvent) -> set[str]:
    """Return the namespaces of an exec that, by its event, are not the host's."""
    return {name for name, flag in NAMESPACES.items() if event.observed.namespaces & flag}


def execution(act: Act, pid: int) -> SyscallEvent:
    """Return the successful exec of a process."""
    return next(e for e in act.of("execve") if e.pid == pid and e.args[0] == 0)


def boot_time() -> int:
    """Return the time of the boot in ns since the epoch."""
    import time

    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_an_exec_tells_of_the_new_image_and_where_it_runs(live: Live, waiting: str, tmp_path: Path) -> None:
    act = live.act(processes.run, waiting, ["zero", "a b", "", "ü"], {"KEY": "value"}, str(tmp_path))

    truth, event = act.value, execution(act, act.value["pid"])
    args = named(event)
    assert {
        "exe": args["exe"],
        "args": args["args"],
        "cwd": args["cwd"],
        "comm": args["comm"],
        "env": args["env"],
        "trusted_exepath": args["trusted_exepath"],
        "filename": args["filename"],
        "ino": args["exe_ino"],
        "ctime": args["exe_ino_ctime"],
        "mtime": args["exe_ino_mtime"],
    } == {
        "exe": "zero",
        "args": "a b\0\0ü\0".encode(),
        "cwd": str(tmp_path) + "/",
        "comm": truth["comm"],
        "env": b"KEY=value\0",
        "trusted_exepath": truth["exe"],
        "filename": waiting,
        "ino": truth["ino"],
        "ctime": truth["ctime"],
        "mtime": truth["mtime"],
    }


def test_an_exec_tells_who_runs(live: Live, waiting: str) -> None:
    act = live.act(processes.run, waiting, ["who"], {}, "/", "become_another_user")

    truth, event = act.value, execution(act, act.value["pid"])
    args, observed = named(event), event.observed
    assert (
        [observed.ruid, args["uid"], observed.suid],
        [observed.rgid, args["gid"], observed.sgid],
        [args["cap_inheritable"], args["cap_permitted"], args["cap_effective"]],
        args["loginuid"] & 0xFFFFFFFF,
    ) == (truth["uid"][:3], truth["gid"][:3], truth["caps"], truth["loginuid"])


def test_an_exec_tells_whose_the_program_is_and_who_may_write_it(live: Live, waiting: str, tmp_path: Path) -> None:
    program = Path(shutil.copy(waiting, tmp_path / "owned"))
    os.chown(program, 4711, 4712)
    program.chmod(0o2775)

    act = live.act(processes.run, str(program), ["owned"], {}, "/")

    observed = execution(act, act.value["pid"]).observed
    assert (observed.exe_uid, observed.exe_mode) == (4711, 0o2775)


def test_an_exec_tells_its_numbers_session_group_parent_and_start(live: Live, waiting: str) -> None:
    act = live.act(processes.run, waiting, ["numbers"], {}, "/", "new_session")

    truth, event = act.value, execution(act, act.value["pid"])
    args, observed = named(event), event.observed
    assert (
        args["tid"], args["pid"], args["ptid"], args["pgid"], args["vpgid"],
        observed.sid, observed.vpid, observed.vtid,
    ) == (
        truth["pid"], truth["pid"], truth["ptid"], truth["groups"][0], truth["groups"][-1], truth["sessions"][-1],
        truth["pids"][-1], truth["pids"][-1],
    )  # fmt: skip
    assert abs(observed.start - (boot_time() + truth["start_ticks"] * TICK)) < 2 * TICK


def test_an_exec_tells_its_cgroups(live: Live, waiting: str) -> None:
    act = live.act(processes.run, waiting, ["group"], {}, "/")

    reported = dict(cgroups(named(execution(act, act.value["pid"]))["cgroups"]))
    assert reported == {name: path for names, path in act.value["cgroup"].items() for name in names.split(",")}


def test_an_exec_tells_its_limit_of_descriptors_and_its_memory(live: Live, waiting: str) -> None:
    act = live.act(processes.run, waiting, ["limits"], {}, "/")

    import resource

    args = named(execution(act, act.value["pid"]))
    assert args["fdlimit"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert 0 < args["vm_size"] < 10_000


def test_an_exec_on_a_terminal_tells_which(live: Live, waiting: str) -> None:
    act = live.act(processes.on_terminal, waiting)

    assert named(execution(act, act.value["pid"]))["tty"] == act.value["tty"] != 0


def test_the_executable_of_root_is_writable_by_root(live: Live, waiting: str) -> None:
    act = live.act(processes.run, waiting, ["flags"], {}, "/")

    assert flag_names("execve_flags", named(execution(act, act.value["pid"]))["flags"]) == "EXE_WRITABLE"


@pytest.mark.parametrize(
    ("owner", "group", "mode", "expected"),
    [
        (21, 0, 0o755, True), (21, 22, 0o577, False), (11, 0, 0o755, False),
        (0, 22, 0o775, True), (0, 22, 0o757, False), (0, 12, 0o775, False), (0, 0, 0o757, True),
    ],
)  # fmt: skip
def test_an_executable_is_writable_by_whom_its_mode_names(
    live: Live, waiting: str, owner: int, group: int, mode: int, expected: bool
) -> None:
    """Ids that count for files decide, not the real ones."""
    with place() as home:
        path = home / "program"
        shutil.copy(waiting, path)
        os.chown(path, owner, group)
        path.chmod(mode)
        act = live.act(processes.run, str(path), ["x"], {}, "/", "become_an_ordinary_user")

    flags = flag_names("execve_flags", named(execution(act, act.value["pid"]))["flags"])
    assert expected == ("EXE_WRITABLE" in flags)


@pytest.mark.parametrize(
    ("prepare", "owner", "mode", "expected"),
    [
        ("", 21, 0o555, True), ("without_dac_override", 0, 0o755, True), ("without_dac_override", 0, 0o555, False),
        ("without_dac_override", 21, 0o755, False),
    ],
)  # fmt: skip
def test_root_may_write_an_executable_by_a_capability_and_not_by_its_number(
    live: Live, waiting: str, prepare: str, owner: int, mode: int, expected: bool
) -> None:
    with place() as home:
        path = home / "program"
        shutil.copy(waiting, path)
        os.chown(path, owner, 22)
        path.chmod(mode)
        act = live.act(processes.run, str(path), ["x"], {}, "/", prepare)

    flags = flag_names("execve_flags", named(execution(act, act.value["pid"]))["flags"])
    assert expected == ("EXE_WRITABLE" in flags)


def test_an_executable_in_memory_is_known_as_such(live: Live, waiting: str) -> None:
    act = live.act(processes.run_memfd, waiting)

    args = named(execution(act, act.value["pid"]))
    assert (flag_names("execve_flags", args["flags"]), args["trusted_exepath"], args["exe"]) == (
        "EXE_WRITABLE|EXE_FROM_MEMFD", act.value["exe"], "from-memory",
    )  # fmt: skip


def test_a_script_keeps_its_own_name_and_runs_its_interpreter(live: Live, waiting: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{waiting} option\n")
    script.chmod(0o755)
    act = live.act(processes.run, str(script), ["ignored", "last"], {}, "/")

    args = named(execution(act, act.value["pid"]))
    assert (args["filename"], args["trusted_exepath"], args["exe"], args["args"]) == (
        str(script), waiting, waiting, f"option\0{script}\0last\0".encode(),
    )  # fmt: skip


def test_arguments_beyond_four_kilobytes_are_cut_and_marked(live: Live, waiting: str) -> None:
    act = live.act(processes.run, waiting, ["long", *["x" * 99] * 100], {}, "/")

    event = execution(act, act.value["pid"])
    raw = b"long\0" + named(event)["args"]
    assert (raw, event.observed.args_truncated) == (act.value["cmdline"][:4095], True)


def test_the_greatest_texts_all_fit_and_only_arguments_are_cut(live: Live, waiting: str, tmp_path: Path) -> None:
    deep = str(tmp_path)
    while len(deep) < 3500:
        deep += "/" + "d" * 200
    os.makedirs(deep)
    act = live.act(processes.run, "/." * 1500 + waiting, ["y" * 99] * 100, {"E": "z" * 9000}, deep)

    args = named(execution(act, act.value["pid"]))
    assert (args["cwd"], args["filename"], args["trusted_exepath"], len(args["env"])) == (
        deep + "/", "/." * 1500 + waiting, waiting, 4095,
    )  # fmt: skip


def test_an_exec_by_a_thread_takes_over_the_process(live: Live, waiting: str) -> None:
    act = live.act(processes.run_by_thread, waiting)

    event = execution(act, act.value["pid"])
    assert (event.tid, event.observed.old_tid) == (act.value["pid"], act.value["tid"])


def test_an_exec_in_a_pid_namespace_tells_both_numbers(live: Live, waiting: str) -> None:
    act = live.act(processes.run_in_pid_namespace, waiting)

    event = execution(act, act.value["pid"])
    assert (event.pid, event.observed.vpid, event.observed.vtid) == (act.value["pid"], 1, 1)


@pytest.mark.parametrize("at", [False, True])
def test_a_failed_exec_keeps_its_type_and_tells_what_was_asked_for(live: Live, at: bool) -> None:
    act = live.act(processes.execute, "/nonexistent/program", ["zero", "one", ""], at)

    event = act.last("execveat" if at else "execve")
    args = named(event)
    assert (args["res"], args["exe"], args["args"], args.get("filename", "/nonexistent/program"), event.observed) == (
        -errno.ENOENT, "zero", b"one\0\0", "/nonexistent/program", None,
    )  # fmt: skip


def test_a_failed_exec_tells_of_its_caller(live: Live) -> None:
    act = live.act(processes.execute, "/nonexistent/program", ["zero"])

    args = named(act.last("execve"))
    assert (args["trusted_exepath"], args["cwd"]) == (os.path.realpath("/proc/self/exe"), f"{ROOT}/")


@pytest.mark.parametrize("status", [0, 1, 255])
def test_the_end_of_a_process_tells_its_status(live: Live, status: int) -> None:
    act = live.act(processes.end_with, status)

    event = next(e for e in act.of("procexit") if e.pid == act.value)
    assert event.args == (status << 8, status, 0, 0, 0)


def test_the_end_by_a_signal_tells_which(live: Live) -> None:
    act = live.act(processes.end_by, signal.SIGKILL)

    event = next(e for e in act.of("procexit") if e.pid == act.value)
    assert event.args == (9, 0, 9, 0, 0)


def test_a_process_ends_once_with_its_last_thread(live: Live) -> None:
    act = live.act(processes.end_in_a_thread)

    ends = [e for e in act.of("procexit") if e.pid == act.value]
    assert [(e.tid, e.args[:2]) for e in ends] == [(act.value, (7 << 8, 7))]


@pytest.mark.parametrize("subreaper", [False, True])
def test_the_end_of_a_parent_tells_who_takes_over_its_children(live: Live, subreaper: bool) -> None:
    act = live.act(processes.orphan, subreaper)

    event = next(e for e in act.of("procexit") if e.pid == act.value["pid"])
    assert event.args[4] == act.value["reaper"]
    assert (act.value["reaper"] == act.value["self"]) == subreaper


def test_the_end_of_threads_that_all_have_children_tells_who_takes_over(live: Live) -> None:
    """The last thread's own list of children is empty if another one has not yet given its own away."""
    act = live.act(processes.orphans_of_threads, 40, 2)

    reported = {e.pid: e.args[4] for e in act.of("procexit") if e.pid in act.value["pids"]}
    assert set(act.value["reapers"]) == {act.pid}
    assert reported == dict.fromkeys(act.value["pids"], act.pid)


def test_a_fork_is_reported_by_its_creator_with_the_child_s_numbers(live: Live) -> None:
    act = live.act(processes.end_with, 0)

    event = next(e for e in act.of("_fork") if e.observed.pid == act.value)
    observed = event.observed
    assert (event.pid, observed.tid, observed.vpid, observed.vtid, observed.ptid, observed.shares_files) == (
        act.pid, act.value, act.value, act.value, act.pid, False,
    )  # fmt: skip


def test_a_thread_is_reported_of_when_clone_is_demanded(live: Live) -> None:
    act = live.act(processes.thread)

    event = next(e for e in act.of("_fork") if e.observed.tid == act.value)
    assert (event.observed.pid, event.observed.shares_files) == (act.pid, True)


def test_a_clone_returns_in_the_caller_and_in_the_child(live: Live) -> None:
    act = live.act(processes.end_with, 0)

    results = {(e.pid, e.args[0]) for e in act.events if e.type in ("clone", "clone3", "fork", "vfork")}
    assert results >= {(act.pid, act.value), (act.value, 0)}


def test_processes_that_end_at_once_are_all_seen(live: Live) -> None:
    act = live.act(processes.many, 200)

    children = [e.observed.pid for e in act.of("_fork") if e.pid == act.pid]
    ends = [e.pid for e in act.of("procexit") if e.pid != act.pid]
    assert (len(children), sorted(ends)) == (200, sorted(children))


def test_an_exec_tells_which_namespaces_are_not_the_hosts(live: Live, waiting: str, tmp_path: Path) -> None:
    plain = live.act(processes.run, waiting, ["x"], {}, str(tmp_path))
    sandboxed = live.act(processes.run, waiting, ["x"], {}, str(tmp_path), "own_namespaces")
    assert set() == namespaces(execution(plain, plain.value["pid"]))
    assert {"mnt", "net", "user"} == namespaces(execution(sandboxed, sandboxed.value["pid"]))


def test_the_first_process_of_a_pid_namespace_is_in_it(live: Live, waiting: str) -> None:
    act = live.act(processes.run_in_pid_namespace, waiting)
    assert "pid" in namespaces(execution(act, act.value["pid"]))
