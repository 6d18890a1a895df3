"""Seeding from the real /proc of the machine that runs the tests."""

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.common.unsynced_stat import FileStatus
from mozu.core.model.event import Process
from mozu.core.model.syscalls import flag_table
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.core.state.procfs import _STATUS, Procfs, _may_write, _numbers
from tests.core.state.story import made, read


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a child in a directory, session and environment of its own."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "an argument"],
        cwd=tmp_path, env={"MARK": "x y"}, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    assert child.stdin is not None
    child.stdin.close()
    child.stdout.close()
    child.wait()


def seeded(pid: int, *, env: bool = False, files: bool = False) -> Process:
    machine = StateMachine()
    machine.configure(environments=env)
    machine.seed(files=files)
    process = machine.process(pid)
    assert process is not None
    return process


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_process_is_what_proc_says(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    pid = sleeper.pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 128))
    process, reported = seeded(pid), status(pid)
    uids, gids = reported["Uid"].split(), reported["Gid"].split()
    executable = os.stat(f"/proc/{pid}/exe")
    expected = {
        "tid": pid, "pid": pid, "ptid": os.getpid(), "name": reported["Name"],
        "exe": sys.executable, "args": ("-c", sleeper.args[2], "an argument"),  # type: ignore[index]
        "exepath": os.readlink(f"/proc/{pid}/exe"), "cwd": f"{tmp_path}/", "root": "/", "env": None,
        "vpid": int(reported["NStgid"].split()[-1]), "vtid": int(reported["NSpid"].split()[-1]), "pgid": pid,
        "vpgid": int(reported["NSpgid"].split()[-1]), "sid": int(reported["NSsid"].split()[-1]), "tty": 0,
        "ruid": int(uids[0]), "uid": int(uids[1]), "suid": int(uids[2]),
        "rgid": int(gids[0]), "gid": int(gids[1]), "sgid": int(gids[2]),
        "cap_effective": int(reported["CapEff"], 16), "cap_permitted": int(reported["CapPrm"], 16),
        "exe_ino": executable.st_ino, "exe_ctime": executable.st_ctime_ns, "exe_mtime": executable.st_mtime_ns,
        "exe_uid": executable.st_uid, "exe_mode": executable.st_mode & 0o7777, "others": 0,
        "fdlimit": 64,
    }  # fmt: skip
    assert expected == {name: getattr(process, name) for name in expected}


def living() -> set[int]:
    """Return every process except those that have ended and wait for their parent."""
    found = set()
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if status(int(name))["State"][0] not in "ZX":
                found.add(int(name))
    return found


def test_every_process_that_lives_is_found() -> None:
    before = living()
    machine = StateMachine()
    count = machine.seed()
    after = living()
    missing = {pid for pid in before & after if machine.process(pid) is None}
    assert (set(), machine.sizes()["tasks"]) == (missing, count)


def test_parents_are_those_of_the_moment(sleeper: subprocess.Popen[bytes]) -> None:
    process = seeded(sleeper.pid)
    parent = process.parent_at(1)
    assert parent is not None
    assert os.getpid() == parent.pid


def test_a_process_began_between_boot_and_now(sleeper: subprocess.Popen[bytes]) -> None:
    found = os.stat(f"/proc/{sleeper.pid}")
    assert abs(seeded(sleeper.pid).start - found.st_ctime_ns) < 5 * 10**9


@pytest.mark.parametrize(("mode", "expected"), [(0o755, True), (0o555, False)])
def test_who_may_write_its_own_program_is_reported(tmp_path: Path, mode: int, expected: bool) -> None:
    program = tmp_path / "program"
    shutil.copy("/bin/sleep", program)
    program.chmod(mode)
    child = subprocess.Popen([program, "1000"])
    try:
        flags = seeded(child.pid).exe_flags
    finally:
        child.kill()
        child.wait()
    assert (expected or os.geteuid() == 0) == bool(flags & dict(flag_table("execve_flags"))["EXE_WRITABLE"])


def test_the_environment_comes_where_it_is_asked_for(sleeper: subprocess.Popen[bytes]) -> None:
    env = seeded(sleeper.pid, env=True).env
    assert env is not None
    assert "MARK=x y" in env


def test_who_is_asked_for_later_has_an_environment_too(sleeper: subprocess.Popen[bytes]) -> None:
    machine = StateMachine()
    machine.configure(environments=True)
    event = made("chdir", sleeper.pid, of=sleeper.pid, res=-1)
    machine.apply([event])
    assert "MARK=x y" in read(event, "proc.env")


def test_descriptors_come_where_they_are_asked_for(sleeper: subprocess.Popen[bytes]) -> None:
    files = seeded(sleeper.pid, files=True).files
    assert ("pipe", os.readlink(f"/proc/{sleeper.pid}/fd/0")) == (files[0].kind, files[0].name)


def test_descriptors_that_are_not_asked_for_do_not_come(sleeper: subprocess.Popen[bytes]) -> None:
    machine = StateMachine()
    machine.seed([sleeper.pid])
    process = machine.process(sleeper.pid)
    assert process is not None
    assert ({}, None, {}) == (process.files, process.env, machine._state.waiting)


def test_threads_are_counted() -> None:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    others = seeded(os.getpid()).others
    alive = len(os.listdir("/proc/self/task")) - 1
    done.set()
    for thread in threads:
        thread.join()
    assert alive == others


def test_kernel_threads_have_no_program() -> None:
    kernel_thread = next((pid for pid in range(2, 20) if _is_kernel_thread(pid)), None)
    if kernel_thread is None:
        pytest.skip("no kernel thread is visible here")
    process = seeded(kernel_thread)
    assert ("", (), "") == (process.exe, process.args, process.exepath)


def _is_kernel_thread(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return bool(int(fields[6]) & 0x200000)


def test_an_unknown_process_is_read_when_it_first_shows_itself(sleeper: subprocess.Popen[bytes]) -> None:
    machine = StateMachine()
    event = made("getpid", sleeper.pid, of=sleeper.pid)
    machine.apply([event])
    assert "an argument" == read(event, "proc.args", "2")


@pytest.mark.parametrize("reported", [True, False])
def test_an_unknown_thread_brings_its_process(reported: bool) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    machine = StateMachine()
    event = made("getpid", thread.native_id or 0, of=os.getpid() if reported else 0)
    machine.apply([event])
    done.set()
    thread.join()
    process = machine.process(os.getpid())
    assert process is not None
    assert (False, os.getpid(), process.cwd) == (
        read(event, "thread.ismain"), read(event, "proc.pid"), read(event, "proc.cwd"),
    )  # fmt: skip


def test_a_process_that_vanishes_meanwhile_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    assert [] == list(Procfs(str(tmp_path)).processes())


def test_without_proc_nobody_is_found() -> None:
    assert ([], None) == (list(Procfs("/nowhere").processes()), Procfs("/nowhere").task(1))


def test_a_recording_never_looks_at_the_machine() -> None:
    machine = StateMachine(procfs=None)
    event = made("getpid", os.getpid())
    machine.apply([event])
    assert (0, "<NA>") == (machine.seed(), read(event, "proc.name"))


OWNER, GROUP, OTHERS = 0o200, 0o020, 0o002


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "expected"),
    [
        (0, 0, 5, True),
        (OWNER, 7, 5, True),
        (GROUP | OTHERS, 7, 8, False),
        (GROUP, 9, 8, True),
        (OWNER | OTHERS, 9, 8, False),
        (OTHERS, 9, 9, True),
        (OWNER | GROUP, 9, 9, False),
    ],
    ids=["root", "owner", "owner alone decides", "group", "group alone decides", "others", "none of them"],
)
def test_a_program_may_be_written_by_whom_its_mode_names(mode: int, uid: int, gid: int, expected: bool) -> None:
    found = FileStatus(0o100000 | mode, 1, 1, 7, 8, 0, 0, 0)
    assert expected == _may_write(found, uid, gid)


def test_a_kernel_that_tells_no_numbers_of_namespaces_leaves_those_of_the_machine() -> None:
    text = re.sub(rb"NS\w+:.*\n", b"", Path("/proc/self/status").read_bytes())
    found = _STATUS.search(text)
    assert found is not None
    numbers = _numbers(found, 77)
    assert (int(found["tgid"]), 77, -1, -1) == tuple(numbers[name] for name in ("vpid", "vtid", "vpgid", "sid"))


def test_a_pid_namespace_began_with_its_first_process() -> None:
    procfs, me = Procfs(), os.getpid()
    inits: dict[str, int] = {}
    known = [procfs._with_namespace(me, KnownProcess(vpid=vpid, start=vpid * 10), inits) for vpid in (2, 1, 3)]
    assert [0, 10, 10] == [one.pidns_start for one in known]
