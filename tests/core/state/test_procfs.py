"""Seeding against the real /proc of the machine that runs the tests."""

import contextlib
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.model.event import File, Process
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import convert_open_flags
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.core.state.procfs import _STATUS, _WRITABLE, Procfs, _kind, _may_write, _numbers
from tests.core.state.story import made, read


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a directory, session and environment of its own."""
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
    process, told = seeded(pid), status(pid)
    uids, gids = told["Uid"].split(), told["Gid"].split()
    executable = os.stat(f"/proc/{pid}/exe")
    expected = {
        "tid": pid, "pid": pid, "ptid": os.getpid(), "name": told["Name"],
        "exe": sys.executable, "args": ("-c", sleeper.args[2], "an argument"),  # type: ignore[index]
        "exepath": os.readlink(f"/proc/{pid}/exe"), "cwd": f"{tmp_path}/", "root": "/", "env": None,
        "vpid": int(told["NStgid"].split()[-1]), "vtid": int(told["NSpid"].split()[-1]), "pgid": pid,
        "vpgid": int(told["NSpgid"].split()[-1]), "sid": int(told["NSsid"].split()[-1]), "tty": 0,
        "ruid": int(uids[0]), "uid": int(uids[1]), "suid": int(uids[2]),
        "rgid": int(gids[0]), "gid": int(gids[1]), "sgid": int(gids[2]),
        "cap_effective": int(told["CapEff"], 16), "cap_permitted": int(told["CapPrm"], 16),
        "exe_ino": executable.st_ino, "exe_ctime": executable.st_ctime_ns, "exe_mtime": executable.st_mtime_ns,
        "exe_uid": executable.st_uid, "exe_mode": executable.st_mode & 0o7777, "others": 0,
    }  # fmt: skip
    assert expected == {name: getattr(process, name) for name in expected}


def living() -> set[int]:
    """Every process but those that have ended and wait for their parent."""
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
def test_who_may_write_its_own_program_is_told(tmp_path: Path, mode: int, expected: bool) -> None:
    program = tmp_path / "program"
    shutil.copy("/bin/sleep", program)
    program.chmod(mode)
    child = subprocess.Popen([program, "1000"])
    try:
        flags = seeded(child.pid).exe_flags
    finally:
        child.kill()
        child.wait()
    assert (expected or os.geteuid() == 0) == bool(flags & _WRITABLE)


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
    assert {} == process.files


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


@pytest.mark.parametrize("told", [True, False])
def test_an_unknown_thread_brings_its_process(told: bool) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    machine = StateMachine()
    event = made("getpid", thread.native_id or 0, of=os.getpid() if told else 0)
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
    found = os.stat_result((0o100000 | mode, 1, 1, 1, 7, 8, 0, 0, 0, 0))
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


STATUS = """\
Tgid:\t77
Uid:\t1\t2\t3\t4
Gid:\t5\t6\t7\t8
NStgid:\t77
NSpid:\t77
NSpgid:\t78
NSsid:\t79
VmSize:\t     90 kB
VmRSS:\t     91 kB
VmSwap:\t     92 kB
CapInh:\t0000000000000003
CapPrm:\t0000000000000007
CapEff:\t000000000000000f
"""


def test_each_number_of_stat_and_status_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    fields = ["S", *(str(number) for number in range(101, 150))]
    fields[6] = "0"  # flags: no thread of the kernel
    (tmp_path / "77" / "stat").write_text(f"77 (a (b) c) {' '.join(fields)}\n")
    (tmp_path / "77" / "status").write_text(STATUS)

    procfs = Procfs(str(tmp_path))
    ((pid, known, others),) = procfs.processes()
    start = procfs._boot + 119 * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))
    expected = {
        "name": "a (b) c", "ptid": 101, "pgid": 102, "tty": 104, "pfminor": 107, "pfmajor": 109, "start": start,
        "stack": 125, "ruid": 1, "uid": 2, "suid": 3, "rgid": 5, "gid": 6, "sgid": 7, "vpid": 77, "vtid": 77,
        "vpgid": 78, "sid": 79, "vm_size": 90, "vm_rss": 91, "vm_swap": 92, "cap_inheritable": 3, "cap_permitted": 7,
        "cap_effective": 15,
    }  # fmt: skip
    assert (77, 116) == (pid, others)
    assert expected == {name: getattr(known, name) for name in expected}


@pytest.mark.parametrize("missing", ["stat", "status"])
def test_a_process_of_which_one_file_is_gone_already_is_left_out(tmp_path: Path, missing: str) -> None:
    (tmp_path / "77").mkdir()
    for name, text in {"stat": f"77 (a) S {' '.join(map(str, range(101, 150)))}\n", "status": STATUS}.items():
        (tmp_path / "77" / name).write_text("" if name == missing else text)

    assert [] == list(Procfs(str(tmp_path)).processes())
    assert Procfs(str(tmp_path)).task(77) is None


def fake(
    root: Path, pid: int = 77, *, state: str = "S", threads: int = 1, flags: int = 0, **files: str | bytes
) -> Path:
    """A process in a directory that looks like /proc; its files, `cmdline` and such, by their names."""
    place = root / str(pid)
    (place / "ns").mkdir(parents=True)
    fields = [state, *(str(number) for number in range(101, 150))]
    fields[6], fields[17] = str(flags), str(threads)
    whole: dict[str, str | bytes] = {"stat": f"{pid} (name) {' '.join(fields)}\n", "status": STATUS, **files}
    for name, content in whole.items():
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


@pytest.mark.parametrize(
    ("state", "threads", "lives"), [("S", 1, True), ("Z", 1, False), ("X", 1, False), ("Z", 2, True), ("Z", 3, True)]
)
def test_a_process_lives_as_long_as_one_of_its_threads(tmp_path: Path, state: str, threads: int, lives: bool) -> None:
    fake(tmp_path, state=state, threads=threads)
    procfs = Procfs(str(tmp_path))
    assert [lives, True] == [bool(list(procfs.processes())), procfs.task(77) is not None]
    assert [lives, False] == [bool(list(procfs.processes([pid]))) for pid in (77, 78)]


def test_arguments_and_environment_come_whole_however_long_they_are(tmp_path: Path) -> None:
    args = [b"x" * size for size in (1 << 16, (1 << 16) - 10, 7)]
    fake(tmp_path, cmdline=b"\0".join((b"sh", *args)) + b"\0", environ=b"A=1\0B=2\0")
    found = Procfs(str(tmp_path)).task(77, env=True)
    assert found is not None
    assert ("sh", tuple(arg.decode() for arg in args), ("A=1", "B=2")) == (found[1].exe, found[1].args, found[1].env)


def test_a_thread_of_the_kernel_is_known_by_its_flag_and_has_no_arguments(tmp_path: Path) -> None:
    place = fake(tmp_path, flags=0x00200040, cmdline=b"forged\0")
    (place / "exe").symlink_to("/bin/forged")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert ("", (), "") == (found[1].exe, found[1].args, found[1].exepath)


@pytest.mark.parametrize(("text", "expected"), [("1000", 1000), ("0", 0), ("4294967295", -1), ("", -1), ("x", -1)])
def test_a_login_that_is_none_is_no_user(tmp_path: Path, text: str, expected: int) -> None:
    fake(tmp_path, loginuid=text)
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert expected == found[1].loginuid


def test_each_controller_has_its_path(tmp_path: Path) -> None:
    fake(tmp_path, cgroup="4:cpu,cpuacct:/a:b\n1:name=systemd:/c\n0::/d\nwithout colons\n\n")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    expected = (("cpu", "/a:b"), ("cpuacct", "/a:b"), ("name=systemd", "/c"), ("", "/d"), ("", ""))
    assert expected == found[1].cgroups


@pytest.mark.parametrize("init", [True, False], ids=["of the init", "of this process, where those may not be read"])
def test_namespaces_count_where_they_differ(tmp_path: Path, init: bool) -> None:
    names = [*NAMESPACES]
    first = fake(tmp_path, 1 if init else os.getpid())
    place = fake(tmp_path)
    for number, name in enumerate(names):
        (first / "ns" / name).symlink_to(f"{name}:[1]")
        if number < len(names) - 1:  # the last one cannot be read
            (place / "ns" / name).symlink_to(f"{name}:[{1 + number % 2}]")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert sum(NAMESPACES[name] for name in names[1:-1:2]) == found[1].namespaces


def test_a_program_in_memory_or_gone_is_named_by_its_link(tmp_path: Path) -> None:
    place = fake(tmp_path)
    (place / "exe").symlink_to("/memfd:secret (deleted)")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert ("/memfd:secret (deleted)", 4, 0, -1) == (
        found[1].exepath, found[1].exe_flags, found[1].exe_ino, found[1].exe_mode,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("link", "mode", "kind"),
    [
        ("anon_inode:[eventfd]", 0, "event"),
        ("anon_inode:[from the future]", 0, "unknown"),
        ("/memfd:x (deleted)", stat.S_IFREG, "memfd"),
        ("pipe:[5]", stat.S_IFIFO, "pipe"),
        ("socket:[5]", stat.S_IFSOCK, "unknown"),
        ("/tmp", stat.S_IFDIR, "directory"),
        ("/tmp/x", stat.S_IFREG, "file"),
        ("/dev/null", stat.S_IFCHR, "file"),
    ],
)
def test_a_descriptor_is_of_the_kind_of_its_link_and_mode(link: str, mode: int, kind: str) -> None:
    assert kind == _kind(link, mode)


def test_a_descriptor_has_its_device_inode_and_flags(tmp_path: Path) -> None:
    place = fake(tmp_path)
    (tmp_path / "file").write_text("")
    (place / "fd").mkdir()
    (place / "fdinfo").mkdir()
    for fd, target in ((3, tmp_path / "file"), (4, tmp_path / "gone"), (5, tmp_path)):
        (place / "fd" / str(fd)).symlink_to(target)
    (place / "fdinfo" / "3").write_text("pos:\t0\nflags:\t02100001\nmnt_id:\t1\n")
    found = dict(Procfs(str(tmp_path)).files(77))
    status = (tmp_path / "file").stat()
    device = os.major(status.st_dev) << 20 | os.minor(status.st_dev)
    assert {3, 5} == {*found}
    assert (
        File("file", name=str(tmp_path / "file"), flags=convert_open_flags(0o2100001), dev=device, ino=status.st_ino)
        == found[3]
    )
    assert ("directory", convert_open_flags(0)) == (found[5].kind, found[5].flags)
    assert [] == list(Procfs(str(tmp_path)).files(78))


def test_a_task_without_memory_of_its_own_has_sizes_of_0(tmp_path: Path) -> None:
    fake(tmp_path, status=re.sub(r"Vm\w+:.*\n", "", STATUS))
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert (0, 0, 0, 3) == (found[1].vm_size, found[1].vm_rss, found[1].vm_swap, found[1].cap_inheritable)
