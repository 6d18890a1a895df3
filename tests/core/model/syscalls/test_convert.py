import fcntl
import mmap
import os
import resource
import select
import socket

import pytest

from mozu.core.model.syscalls import (
    convert_clone_flags,
    convert_flags,
    convert_open_flags,
    convert_socket_option,
    creat_flags,
    flag_names,
    flag_table,
    native_codes,
    open_mode,
    quota_command,
)
from mozu.core.model.syscalls.convert import KERNEL_BITS, KERNEL_CODES

OPENS = [
    (os.O_RDONLY, "O_RDONLY"),
    (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "O_TRUNC|O_CREAT|O_WRONLY"),
    (os.O_RDWR | os.O_APPEND | os.O_CREAT, "O_APPEND|O_CREAT|O_RDWR"),
    (os.O_RDONLY | os.O_CLOEXEC, "O_RDONLY|O_CLOEXEC"),
    (os.O_RDONLY | os.O_NONBLOCK | os.O_EXCL, "O_NONBLOCK|O_EXCL|O_RDONLY"),
    (os.O_RDONLY | os.O_DIRECT, "O_DIRECT|O_RDONLY"),
]


@pytest.mark.parametrize(("native", "expected"), OPENS)
def test_open_flags_are_those_of_this_system(native: int, expected: str) -> None:
    assert expected == flag_names("file_flags", convert_open_flags(native))


def test_opening_a_directory_also_shows_the_temporary_file() -> None:
    assert "O_DIRECTORY|O_RDONLY|O_TMPFILE" == flag_names("file_flags", convert_open_flags(os.O_DIRECTORY))


def test_synchronous_data_also_shows_synchronous() -> None:
    assert "O_SYNC|O_DSYNC|O_RDONLY" == flag_names("file_flags", convert_open_flags(os.O_DSYNC))


def test_what_the_kernel_found_out_joins_the_flags() -> None:
    flags = convert_open_flags(os.O_WRONLY | os.O_CREAT, created=True, upper=True)
    assert "O_CREAT|O_WRONLY|O_F_CREATED|FD_UPPER_LAYER" == flag_names("file_flags", flags)


def test_the_lower_layer_has_a_bit_of_its_own() -> None:
    assert 0x10001 == convert_open_flags(0, lower=True)


def test_creat_has_its_own_layer_flags() -> None:
    assert (0, 1, 2) == (creat_flags(), creat_flags(upper=True), creat_flags(lower=True))


@pytest.mark.parametrize(("flags", "expected"), [(0, 0), (os.O_CREAT, 0o4755), (os.O_TMPFILE, 0o4755), (os.O_TRUNC, 0)])
def test_a_mode_counts_only_where_a_file_can_be_made(flags: int, expected: int) -> None:
    assert expected == open_mode(flags, 0o104755)


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        (0x10900, "CLONE_SIGHAND|CLONE_THREAD|CLONE_VM"),
        (0x40000000 | 0x10000000, "CLONE_NEWNET|CLONE_NEWUSER"),
        (0x20000, "CLONE_NEWNS"),
        (0x2000000, "CLONE_NEWCGROUP"),
        (17, ""),
    ],
)
def test_clone_flags_are_renumbered(native: int, expected: str) -> None:
    assert expected == flag_names("clone_flags", convert_clone_flags(native))


def test_a_child_in_a_pid_namespace_is_marked() -> None:
    assert "CLONE_CHILD_IN_PIDNS" == flag_names("clone_flags", convert_clone_flags(0, in_pidns=True))


TABLES = [
    ("mmap_flags", mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, "MAP_PRIVATE|MAP_ANONYMOUS"),
    ("mmap_flags", mmap.MAP_SHARED | mmap.MAP_POPULATE, "MAP_SHARED|MAP_POPULATE"),
    ("prot_flags", mmap.PROT_READ | mmap.PROT_EXEC, "PROT_READ|PROT_EXEC"),
    ("prot_flags", 0x1000001, "PROT_READ|PROT_GROWSDOWN"),
    ("file_flags", os.O_CLOEXEC | os.O_NONBLOCK, "O_NONBLOCK|O_CLOEXEC"),
    ("file_flags", 0, "O_NONE"),
    ("access_flags", os.R_OK | os.X_OK, "R_OK|X_OK"),
    ("unlinkat_flags", 0x200, "AT_REMOVEDIR"),
    ("fchownat_flags", 0x100, "AT_SYMLINK_NOFOLLOW"),
    ("openat2_flags", 0x08 | 0x01, "RESOLVE_BENEATH|RESOLVE_NO_XDEV"),
    ("socket_families", socket.AF_INET6, "AF_INET6"),
    ("fcntl_commands", fcntl.F_DUPFD, "F_DUPFD"),
    ("fcntl_commands", fcntl.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"),
    ("fcntl_commands", fcntl.F_SETFL, "F_SETFL"),
    ("fcntl_commands", fcntl.F_GETPIPE_SZ, "F_GETPIPE_SZ"),
    ("fcntl_commands", 9999, "UNKNOWN"),
    ("flock_flags", fcntl.LOCK_EX | fcntl.LOCK_NB, "LOCK_EX|LOCK_NB"),
    ("ptrace_requests", 0, "PTRACE_TRACEME"),
    ("ptrace_requests", 16, "PTRACE_ATTACH"),
    ("ptrace_requests", 0x4206, "PTRACE_SEIZE"),
    ("ptrace_requests", 5, "PTRACE_POKEDATA"),
    ("ptrace_requests", 777, "PTRACE_UNKNOWN"),
    ("rlimit_resources", resource.RLIMIT_NOFILE, "RLIMIT_NOFILE"),
    ("rlimit_resources", 99, "RLIMIT_UNKNOWN"),
    ("shutdown_how", socket.SHUT_RDWR, "SHUT_RDWR"),
    ("shutdown_how", 7, "SHUT_UNKNOWN"),
    ("sockopt_levels", socket.SOL_SOCKET, "SOL_SOCKET"),
    ("sockopt_levels", socket.SOL_TCP, "SOL_TCP"),
    ("sockopt_levels", 41, "UNKNOWN"),
    ("epoll_create1_flags", os.O_CLOEXEC, "EPOLL_CLOEXEC"),
    ("pidfd_open_flags", os.O_NONBLOCK, "PIDFD_NONBLOCK"),
    ("delete_module_flags", os.O_NONBLOCK | os.O_TRUNC, "O_NONBLOCK|O_TRUNC"),
    ("poll_flags", select.POLLIN | select.POLLHUP | select.POLLRDHUP, "POLLIN|POLLRDHUP|POLLHUP"),
    ("poll_flags", select.POLLERR | select.POLLNVAL | select.POLLWRBAND, "POLLERR|POLLNVAL|POLLWRBAND"),
    ("semget_flags", 0o3600, "IPC_EXCL|IPC_CREAT"),
    ("semop_flags", 0o4000, "IPC_NOWAIT"),
    ("semctl_commands", 0, "IPC_RMID"),
    ("semctl_commands", 16, "SETVAL"),
    ("io_uring_setup_flags", 6, "IORING_SETUP_SQPOLL|IORING_SETUP_SQ_AFF"),
    ("mount_flags", 0xC0ED1001, "RDONLY|BIND"),
    ("chmod_mode", 0o100644, "S_IROTH|S_IRGRP|S_IWUSR|S_IRUSR"),
    ("bpf_commands", 5, "BPF_PROG_LOAD"),
    ("quotactl_quota_fmts", 4, "QFMT_VFS_V1"),
    ("quotactl_dqi_flags", 0, "DQF_NONE"),
]


@pytest.mark.parametrize(("table", "native", "expected"), TABLES)
def test_the_kernels_numbers_keep_their_names(table: str, native: int, expected: str) -> None:
    assert expected == flag_names(table, convert_flags(table, native))


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (socket.SO_REUSEADDR, "SO_REUSEADDR"),
        (socket.SO_ERROR, "SO_ERROR"),
        (57, "SO_COOKIE"),
        (66, "SO_RCVTIMEO"),
        (55, "SO_MEMINFO"),
        (53, "UNKNOWN"),
    ],
)
def test_socket_options_keep_their_names(option: int, expected: str) -> None:
    assert expected == flag_names("sockopt_options", convert_socket_option(socket.SOL_SOCKET, option))


def test_options_of_other_levels_are_unknown() -> None:
    assert "UNKNOWN" == flag_names("sockopt_options", convert_socket_option(socket.SOL_TCP, 1))


@pytest.mark.parametrize(
    ("native", "expected"),
    [(0x80000200, ("Q_QUOTAON", "USRQUOTA")), (0x580301, ("Q_XGETQUOTA", "GRPQUOTA")), (0, ("", "USRQUOTA"))],
)
def test_a_quota_command_is_two_numbers_in_one(native: int, expected: tuple[str, str]) -> None:
    command, kind = quota_command(native)
    assert expected == (flag_names("quotactl_cmds", command), flag_names("quotactl_types", kind))


@pytest.mark.parametrize(
    ("table", "native", "expected"),
    [("memfd_create_flags", 0x40000007, 7), ("unlinkat_flags", 0x1200, 0x200), ("flock_flags", 0x26, 6)],
)
def test_bits_without_a_name_are_dropped(table: str, native: int, expected: int) -> None:
    assert expected == convert_flags(table, native)


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        (0x0, "PAGE_NOT_PRESENT|READ_ACCESS|SUPERVISOR_FAULT"),
        (0x7, "PROTECTION_VIOLATION|WRITE_ACCESS|USER_FAULT"),
        (0x14, "PAGE_NOT_PRESENT|READ_ACCESS|USER_FAULT|INSTRUCTION_FETCH"),
        (0x2B, "PROTECTION_VIOLATION|WRITE_ACCESS|SUPERVISOR_FAULT|RESERVED_PAGE"),
    ],
)
def test_the_processor_s_error_code_of_a_fault_names_both_sides_of_each_bit(native: int, expected: str) -> None:
    assert expected == flag_names("pf_flags", convert_flags("pf_flags", native))


def test_a_table_of_the_same_numbers_is_passed_through() -> None:
    assert (4096, 38) == (convert_flags("prctl_options", 4096), convert_flags("prctl_options", 38))


def test_every_name_that_is_converted_to_stands_in_its_table() -> None:
    names = {table: list(bits) for table, bits in KERNEL_BITS.items()}
    for table, (runs, _) in KERNEL_CODES.items():
        names[table] = " ".join(runs.values()).split()
    strangers = [
        (table, name) for table, wanted in names.items() for name in wanted if name not in dict(flag_table(table))
    ]
    assert [] == strangers


@pytest.mark.parametrize("table", ["ptrace_requests", "socket_families", "bpf_commands"])
def test_the_codes_behind_numbers_are_those_that_are_converted_to_them(table: str) -> None:
    end = 0x4300 if table == "ptrace_requests" else 256
    converted = [convert_flags(table, code) for code in range(end)]
    numbers = sorted({number for _, number in flag_table(table)})
    for wanted in ({numbers[0]}, {numbers[-1]}, set(numbers[:3]), set(numbers), {1 << 40}):
        expected = [code for code, number in enumerate(converted) if number in wanted]
        assert native_codes(table, wanted, end) == expected
