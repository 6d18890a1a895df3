"""Readings of a /proc that a test has written, file by file and line by line."""

import os
import re
import stat
from pathlib import Path

import pytest

from mozu.core.model.event import File
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import convert_open_flags
from mozu.core.state.procfs import Procfs, _kind

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
CapInh:\t0000000000000013
CapPrm:\t0000000000000027
CapEff:\t00000000000001ff
"""


def test_each_number_of_stat_and_status_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    fields = ["S", *(str(number) for number in range(101, 150))]
    fields[6] = "0"  # flags: not a kernel thread
    (tmp_path / "77" / "stat").write_text(f"77 (a (b) c) {' '.join(fields)}\n")
    (tmp_path / "77" / "status").write_text(STATUS)

    procfs = Procfs(str(tmp_path))
    ((pid, known, others),) = procfs.processes()
    start = procfs._boot + 119 * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))
    expected = {
        "name": "a (b) c", "ptid": 101, "pgid": 102, "tty": 104, "pfminor": 107, "pfmajor": 109, "start": start,
        "stack": 125, "ruid": 1, "uid": 2, "suid": 3, "rgid": 5, "gid": 6, "sgid": 7, "vpid": 77, "vtid": 77,
        "vpgid": 78, "sid": 79, "vm_size": 90, "vm_rss": 91, "vm_swap": 92, "cap_inheritable": 0x13,
        "cap_permitted": 0x27, "cap_effective": 0x1FF,
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
    """Write a process into a directory that looks like /proc, with files such as `cmdline` by name; return its
    directory.
    """
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


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(0x00200040, ("", (), "")), (0x00400041, ("sh", ("-c",), "/bin/gone"))],
    ids=["PF_KTHREAD", "PF_VCPU and others"],
)
def test_a_thread_of_the_kernel_is_known_by_its_flag_and_has_no_arguments(
    tmp_path: Path, flags: int, expected: tuple[str, tuple[str, ...], str]
) -> None:
    place = fake(tmp_path, flags=flags, cmdline=b"sh\0-c\0")
    (place / "exe").symlink_to("/bin/gone")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert expected == (found[1].exe, found[1].args, found[1].exepath)


def test_a_file_that_cannot_be_read_is_empty_and_none_stays_open(tmp_path: Path) -> None:
    (fake(tmp_path) / "loginuid").mkdir()
    before = os.listdir("/proc/self/fd")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert (-1, len(before)) == (found[1].loginuid, len(os.listdir("/proc/self/fd")))


def test_an_environment_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    fake(tmp_path, environ=b"A=1\0B=2\0")
    procfs = Procfs(str(tmp_path))
    found = [procfs.task(77), procfs.task(77, env=True), *procfs.processes(), *procfs.processes(env=True)]
    assert [None, ("A=1", "B=2")] * 2 == [one and one[1].env for one in found]


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
        if number < len(names) - 1:  # the last one is unreadable
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


@pytest.mark.parametrize(("mode", "flags"), [(0o644, 0), (0o4646, 1)])
def test_a_program_has_the_owner_mode_and_times_of_its_file(tmp_path: Path, mode: int, flags: int) -> None:
    place, program = fake(tmp_path), tmp_path / "program"
    program.write_text("")
    program.chmod(mode)
    os.utime(program, ns=(5, 7))
    (place / "exe").symlink_to(program)
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    status = program.stat()
    expected = {
        "exepath": str(program), "exe_flags": flags, "exe_ino": status.st_ino, "exe_ctime": status.st_ctime_ns,
        "exe_mtime": 7, "exe_uid": os.getuid(), "exe_mode": mode,
    }  # fmt: skip
    assert expected == {name: getattr(found[1], name) for name in expected}


@pytest.mark.parametrize(("target", "flags"), [("/gone", 0), ("/memfd:x", 4)])
def test_a_program_whose_file_is_gone_is_not_writable(tmp_path: Path, target: str, flags: int) -> None:
    (fake(tmp_path) / "exe").symlink_to(target)
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert (target, flags) == (found[1].exepath, found[1].exe_flags)


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


def test_a_descriptor_has_its_device_inode_and_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "major", lambda _: 8)  # file systems without a disk have major number 0
    place = fake(tmp_path)
    (tmp_path / "file").write_text("")
    (place / "fd").mkdir()
    (place / "fdinfo").mkdir()
    for fd, target in ((3, tmp_path / "file"), (4, tmp_path / "gone"), (5, tmp_path)):
        (place / "fd" / str(fd)).symlink_to(target)
    (place / "fdinfo" / "3").write_text("pos:\t0\nflags:\t02100001\nmnt_id:\t1\n")
    found = dict(Procfs(str(tmp_path)).files(77))
    status = (tmp_path / "file").stat()
    device = 8 << 20 | os.minor(status.st_dev)
    assert {3, 5} == {*found}
    assert (
        File("file", name=str(tmp_path / "file"), flags=convert_open_flags(0o2100001), dev=device, ino=status.st_ino)
        == found[3]
    )
    assert ("directory", convert_open_flags(0)) == (found[5].kind, found[5].flags)
    assert [] == list(Procfs(str(tmp_path)).files(78))


def test_a_task_that_is_gone_has_no_limit_of_descriptors(tmp_path: Path) -> None:
    beyond = (1 << 22) + 1  # more than any kernel's highest number
    fake(tmp_path, beyond)
    found = Procfs(str(tmp_path)).task(beyond)
    assert found is not None
    assert -1 == found[1].fdlimit


def test_a_task_without_memory_of_its_own_has_sizes_of_0(tmp_path: Path) -> None:
    fake(tmp_path, status=re.sub(r"Vm\w+:.*\n", "", STATUS))
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert (0, 0, 0, 0x13) == (found[1].vm_size, found[1].vm_rss, found[1].vm_swap, found[1].cap_inheritable)


@pytest.mark.parametrize(
    ("uids", "namespace", "is_trusted"),
    [
        ("0\t0", "", True), ("0\t0", "user", False), ("0\t0", "pid", False), ("1000\t0", "", False),
        ("0\t1000", "", False),
    ],
)  # fmt: skip
def test_of_what_ran_before_only_the_host_s_root_s_programs_are_trusted_for_their_names(
    tmp_path: Path, uids: str, namespace: str, is_trusted: bool
) -> None:
    first = fake(tmp_path, 1)
    place = fake(tmp_path, status=re.sub(r"Uid:\t\d+\t\d+", f"Uid:\t{uids}", STATUS))
    for name in NAMESPACES:
        (first / "ns" / name).symlink_to(f"{name}:[1]")
        (place / "ns" / name).symlink_to(f"{name}:[{1 + (name == namespace)}]")
    (place / "exe").symlink_to("/bin/sh")
    found = Procfs(str(tmp_path)).task(77)
    assert found is not None
    assert (is_trusted, None if is_trusted else "") == (found[1].exe_genuine, found[1].script)
