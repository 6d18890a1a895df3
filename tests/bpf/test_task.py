"""Data of a task in records of an exec or a clone (bpf/task.h), with the structs of the running kernel."""

import ctypes
import struct
from typing import Final

import pytest

from tests.support.kernel_machine import EXT4, PARENT, PID, REGULAR, TID, TMPFS, Machine, pointer
from tests.support.kernel_memory import Kernel

pytestmark = pytest.mark.live

NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NEVER: Final = (1 << 32) - 1
QUERIED: Final = 1 << 31
"""I_CTIME_QUERIED in nanoseconds (Linux 6.13)."""
NOFILE: Final = 7
"""RLIMIT_NOFILE."""


@pytest.fixture(params=[False, True], ids=["", "older kernel"])
def machine(memory_model: Kernel, older_model: Kernel, request: pytest.FixtureRequest) -> Machine:
    """Return a task with the structs of the running kernel, or with those of Linux 5.15."""
    model = older_model if request.param else memory_model
    model.clear()
    return Machine(model)


def recorded(machine: Machine) -> dict[str, int | bytes]:
    record = machine.begin("process")
    machine.library.process_of_task(pointer(machine.s), pointer(record), pointer(machine.task))
    return machine.kernel.wire("process", record)


def part(machine: Machine, name: str) -> int:
    """Return a pointer of the task."""
    return machine.of("task_struct", machine.task, name)


def executable(machine: Machine, **inode: int | bytes) -> None:
    """Let the task run /srv/tool with this inode, by default of mode 0700 and of another user and group."""
    mode = int(inode.pop("mode", 0o100700))
    members = {"i_uid": 1, "i_gid": 1, **inode}
    file = machine.file(machine.dentry(machine.srv, "tool", machine.inode(mode, 1, **members)))
    machine.put("mm_struct", part(machine, "mm"), exe_file=file)


def test_a_process_is_recorded_with_all_that_it_is(machine: Machine) -> None:
    kernel = machine.kernel
    for kind, pages in {"file": 100, "anon": 20, "swap": 7, "shmem": 3}.items():
        machine.set_pages(kind, pages)
    machine.put("mm_struct", part(machine, "mm"), total_vm=5000, start_stack=1 << 46)
    kernel.write(
        part(machine, "signal") + kernel.offset("signal_struct", "rlim") + NOFILE * 16, struct.pack("<QQ", 1024, 4096)
    )
    cred = {"cap_effective": 5 << 40, "cap_permitted": 6 << 40, "cap_inheritable": 7 << 40}
    machine.put("cred", part(machine, "cred"), **cred)
    machine.put("task_struct", machine.task, maj_flt=11, min_flt=12)
    if kernel.has("task_struct__loginuid"):
        machine.put("task_struct", machine.task, loginuid=1234)
    kernel.put("task_struct", machine.task, {"comm": b"tool-name"})
    queried = QUERIED * kernel.has("inode__i_ctime_sec")
    executable(machine, i_ino=4712, i_uid=33, **machine.times((7, 8 | queried), (9, 10)))
    node = machine.node(machine.node(0, ""), "a", 9)
    machine.put("task_struct", machine.task, cgroups=machine.css_set((node, 0)))

    found = recorded(machine)

    known = {
        "file_ino": 4712, "file_dev": 0x800001, "file_magic": EXT4, "file_mode": 0o100700, "file_uid": 33,
        "start": 5_000_000_000, "pidns_start": 1, "effective": 5 << 40, "permitted": 6 << 40, "inheritable": 7 << 40,
        "major_faults": 11, "minor_faults": 12, "fdlimit": 1024, "flags": 0, "change_time": 7_000_000_008,
        "modify_time": 9_000_000_010, "vm_pages": 5000, "rss_pages": 123, "swap_pages": 7, "stack": 1 << 46,
        "parent": PARENT, "pgid": 50, "vpgid": 50, "vsid": 40, "vpid": PID, "vtid": TID, "tty": 0,
        "loginuid": 1234 if kernel.has("task_struct__loginuid") else NEVER,
        "uid": 1005, "gid": 1006, "ruid": 1001, "suid": 1003, "rgid": 1002, "sgid": 1004, "old_tid": 0, "namespaces": 0,
        "comm": b"tool-name".ljust(16, b"\0"), "exe": 9, "cwd": 4, "cgroups": 6, "trust": 0, "script": 0, "standard": 0,
    }  # fmt: skip
    assert known == {name: found[name] for name in known}
    assert b"/srv/tool/srv" + struct.pack("<HH", 0, 2) + b"/a" == machine.strings("process")
    assert set() == machine.marks()


def test_a_count_of_pages_below_zero_is_none(machine: Machine) -> None:
    """The sum of the CPUs' counters may be incomplete."""
    for kind, pages in {"file": -5, "anon": 1, "shmem": -1}.items():
        machine.set_pages(kind, pages)

    assert (1, 0) == (recorded(machine)["rss_pages"], recorded(machine)["swap_pages"])


def test_a_process_of_a_pid_namespace_has_its_numbers_there_as_well(machine: Machine) -> None:
    numbers = [0, machine.pid(PID, 7), machine.pid(50, 5), machine.pid(40)]
    at = part(machine, "signal") + machine.kernel.offset("signal_struct", "pids")
    machine.kernel.write(at, struct.pack("<4Q", *numbers))
    machine.put("task_struct", machine.task, thread_pid=machine.pid(TID, 8))

    found = recorded(machine)

    known = {"vtid": 8, "vpid": 7, "pgid": 50, "vpgid": 5, "vsid": 0, "pidns_start": 1001, "namespaces": NEWPID}
    assert known == {name: found[name] for name in known}
    assert {"PIDNS"} == machine.marks()


def test_a_pid_has_no_number_below_its_own_namespace(machine: Machine) -> None:
    pid = machine.pid(100, 20, 3)
    assert [100, 20, 3, 0, 0] == [machine.library.number_at(pointer(pid), level) for level in range(5)]


def test_each_namespace_that_is_not_the_hosts_has_its_flag(machine: Machine) -> None:
    found = []
    for members in ({}, {"mnt_ns": 9}, {"net_ns": 9}, {"ipc_ns": 9}, {"mnt_ns": 0, "net_ns": 0, "ipc_ns": 0}):
        own = machine.kernel.new("nsproxy", {"mnt_ns": 1, "net_ns": 2, "ipc_ns": 3, **members})
        machine.put("task_struct", machine.task, nsproxy=own)
        found.append(recorded(machine)["namespaces"])
    users = machine.kernel.new("user_namespace", level=1)
    machine.put("cred", part(machine, "cred"), user_ns=users)

    assert [0, NEWNS, NEWNET, NEWIPC, 0] == found
    assert recorded(machine)["namespaces"] == NEWUSER


@pytest.mark.parametrize(
    ("major", "first", "index", "expected"),
    [
        (136, 0, 5, 136 << 8 | 5),
        (136, 0, 256, 136 << 8 | 1 << 20),
        (4, 64, 3, 4 << 8 | 67),
        (136, 256, 257, 136 << 8 | 1 | 2 << 20),
    ],
)
def test_a_terminal_is_known_by_its_device_number(
    machine: Machine, major: int, first: int, index: int, expected: int
) -> None:
    """The number has the form of new_encode_dev()."""
    driver = machine.kernel.new("tty_driver", major=major, minor_start=first)
    machine.put(
        "signal_struct", part(machine, "signal"), tty=machine.kernel.new("tty_struct", driver=driver, index=index)
    )

    assert expected == recorded(machine)["tty"]


OWN_USER, OWN_GROUP, READONLY, IMMUTABLE, DAC_OVERRIDE = 1007, 1008, 1, 8, 2
MNT_READONLY: Final = 64


@pytest.mark.parametrize(
    ("inode", "effective", "is_writable"),
    [
        ({"mode": 0o100200, "i_uid": OWN_USER}, 0, True),
        ({"mode": 0o100577, "i_uid": OWN_USER, "i_gid": OWN_GROUP}, 0, False),
        ({"mode": 0o100020, "i_gid": OWN_GROUP}, 0, True),
        ({"mode": 0o100757, "i_gid": OWN_GROUP}, 0, False),
        ({"mode": 0o100002}, 0, True),
        ({"mode": 0o100775}, 0, False),
        ({"mode": 0o100755}, ~DAC_OVERRIDE, False),
        ({"mode": 0o100000}, DAC_OVERRIDE, True),
        ({"mode": 0o100777, "i_flags": IMMUTABLE}, DAC_OVERRIDE, False),
        ({"mode": 0o100777, "i_flags": ~IMMUTABLE}, 0, True),
    ],
)
def test_whether_a_process_may_write_its_executable_is_decided_as_by_the_kernel(
    machine: Machine, inode: dict[str, int], effective: int, is_writable: bool
) -> None:
    machine.put("cred", part(machine, "cred"), cap_effective=effective)
    executable(machine, **inode)
    recorded(machine)
    assert is_writable is ("WRITABLE" in machine.marks())


@pytest.mark.parametrize(
    ("mount", "block", "is_writable"),
    [(0, 0, True), (MNT_READONLY, 0, False), (~MNT_READONLY, 0, True), (0, READONLY, False), (0, ~READONLY, True)],
)
def test_nothing_is_written_on_a_mount_or_file_system_that_is_read_only(
    machine: Machine, mount: int, block: int, is_writable: bool
) -> None:
    machine.put("vfsmount", machine.mounted, mnt_flags=mount)
    machine.put("super_block", machine.blocks[1], s_flags=block)
    executable(machine, mode=0o100777)
    recorded(machine)
    assert is_writable is ("WRITABLE" in machine.marks())


@pytest.mark.parametrize(
    ("parent", "magic", "expected"),
    [("", TMPFS, {"PSEUDO", "MEMFD"}), ("", EXT4, {"PSEUDO"}), ("/srv", TMPFS, set()), ("/srv", EXT4, set())],
)
def test_an_executable_in_no_directory_of_a_tmpfs_is_a_memfd(
    machine: Machine, parent: str, magic: int, expected: set[str]
) -> None:
    machine.put("super_block", machine.blocks[2], s_magic=magic)
    dentry = machine.dentry(machine.srv if parent else 0, "memfd:x", machine.inode(REGULAR, 2))
    mount = machine.mounted if parent else machine.mount(0, 0, machine.dentry(0, "/", 0), 2)
    machine.put("mm_struct", part(machine, "mm"), exe_file=machine.file(dentry, mount))

    recorded(machine)

    assert expected == machine.marks()


@pytest.mark.parametrize(("length", "cut"), [(1, False), (4095, False), (4096, True)])
def test_arguments_are_what_the_process_has_in_its_memory(machine: Machine, length: int, cut: bool) -> None:
    text = (b"sh\0-c\0" * 1000)[:length]
    ctypes.memmove(machine.kernel.users, text, length)
    start = machine.kernel.users
    memory = machine.kernel.new("mm_struct", arg_start=start, arg_end=start + length)
    record = machine.begin("process")

    found = machine.library.command_line(pointer(machine.s), pointer(record), pointer(memory))

    assert (min(length, 4095), text[:4095]) == (found, machine.strings("process"))
    assert length == machine.kernel.wire("process", record)["args_length"]
    assert ({"ARGS_CUT"} if cut else set()) == machine.marks()


@pytest.mark.parametrize(("asked", "expected"), [(1, b"A=1\0B=2\0"), (0, b"")])
def test_the_environment_is_recorded_where_a_rule_reads_it(machine: Machine, asked: int, expected: bytes) -> None:
    machine.settings.put("environment", asked)
    ctypes.memmove(machine.kernel.users, b"A=1\0B=2\0", 8)
    start = machine.kernel.users
    memory = machine.kernel.new("mm_struct", env_start=start, env_end=start + 8)
    machine.begin("process")

    assert len(expected) == machine.library.environment(pointer(machine.s), pointer(memory))
    assert expected == machine.strings("process")
