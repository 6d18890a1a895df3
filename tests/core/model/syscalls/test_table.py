import pytest

from mozu.core.model.syscalls import (
    call_name,
    call_number,
    capability_names,
    errno_name,
    event_of_call,
    event_type,
    event_types,
    flag_names,
    flag_tables,
    known_names,
    param_names,
    signal_name,
)
from mozu.core.model.syscalls.declare import call


def test_a_declaration_reads_its_short_notation() -> None:
    event = call("probe", "file", "res:errno dir:fd name:fsrelpath@1 flags:flags32:x:file_flags mode:uint32:o")
    expected = [
        ("res", "errno", "", "", None),
        ("dir", "fd", "", "", None),
        ("name", "fsrelpath", "", "", 1),
        ("flags", "flags32", "x", "file_flags", None),
        ("mode", "uint32", "o", "", None),
    ]
    assert expected == [(p.name, p.type, p.format, p.table, p.dirfd) for p in event.params]


def test_a_parameter_of_several_types_lists_them() -> None:
    event = call("probe", "other", "value:dynamic(uint64.x|signal)")
    assert ("uint64.x", "signal") == event.params[0].choices


def test_a_malformed_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="'res' is not of the form"):
        call("probe", "other", "res")


def test_every_table_that_a_parameter_names_exists() -> None:
    named = {param.table for event in event_types().values() for param in event.params if param.table}
    assert set() == named - flag_tables()


def test_every_directory_parameter_is_a_descriptor_of_the_same_event() -> None:
    wrong = [
        (event.name, param.name)
        for event in event_types().values()
        for param in event.params
        if param.dirfd is not None and event.params[param.dirfd].type != "fd"
    ]
    assert [] == wrong


def test_parameters_are_found_by_name() -> None:
    openat = event_type("openat")
    assert openat is not None
    assert (3, None) == (openat.index("flags"), openat.index("resolve"))


def test_an_event_of_an_unknown_name_is_none() -> None:
    assert event_type("no_such_call") is None


@pytest.mark.parametrize(
    ("kernel", "event"),
    [("pread64", "pread"), ("prlimit64", "prlimit"), ("openat", "openat"), ("reboot", "reboot")],
)
def test_a_call_leads_to_its_event(kernel: str, event: str) -> None:
    found = event_of_call(kernel)
    assert found is not None
    assert event == found.name


@pytest.mark.parametrize("name", ["openat", "reboot", "pread64", "container", "socketcall", "setxattrat"])
def test_rules_may_name_every_event_and_every_call(name: str) -> None:
    assert name in known_names()


def test_names_of_parameters_are_known_and_others_are_not() -> None:
    assert (True, True, False) == tuple(name in param_names() for name in ("flags", "ID", "flagz"))


@pytest.mark.parametrize(
    ("name", "number"), [("read", 0), ("openat", 257), ("rseq", 334), ("pidfd_send_signal", 424), ("mseal", 462)]
)
def test_calls_have_the_numbers_of_x86_64(name: str, number: int) -> None:
    assert (number, name) == (call_number(name), call_name(number))


@pytest.mark.parametrize(("name", "number"), [("open", 5), ("execve", 11), ("socketcall", 102), ("openat2", 437)])
def test_calls_have_the_numbers_of_i386(name: str, number: int) -> None:
    assert (number, name) == (call_number(name, "i386"), call_name(number, "i386"))


def test_unknown_calls_have_no_number_and_unknown_numbers_no_name() -> None:
    assert (None, None) == (call_number("no_such_call"), call_name(9999))


FLAG_NAMES = [
    ("file_flags", 0, "O_NONE"),
    ("file_flags", 1, "O_RDONLY"),
    ("file_flags", 3, "O_RDWR"),
    ("file_flags", 0x1001, "O_RDONLY|O_CLOEXEC"),
    ("file_flags", 0x106, "O_TRUNC|O_CREAT|O_WRONLY"),
    ("file_flags", 0xF, "O_APPEND|O_CREAT|O_RDWR"),
    ("file_flags", 0x2401, "O_DIRECTORY|O_RDONLY|O_TMPFILE"),
    ("execve_flags", 0, ""),
    ("execve_flags", 5, "EXE_WRITABLE|EXE_FROM_MEMFD"),
    ("clone_flags", 0x100010, "CLONE_NEWNET|CLONE_NEWUSER"),
    ("mmap_flags", 9, "MAP_SHARED|MAP_ANONYMOUS"),
    ("prot_flags", 0, "PROT_NONE"),
    ("prot_flags", 7, "PROT_READ|PROT_WRITE|PROT_EXEC"),
    ("unlinkat_flags", 0x200, "AT_REMOVEDIR"),
    ("unlinkat_flags", 0x8000, ""),
    ("access_flags", 0, "F_OK"),
    ("access_flags", 4, "R_OK"),
    ("flock_flags", 6, "LOCK_EX|LOCK_NB"),
    ("futex_operations", 0, "FUTEX_WAIT"),
    ("socket_families", 1, "AF_LOCAL|AF_UNIX"),
    ("socket_families", 17, "AF_PACKET"),
    ("socket_families", 99, ""),
    ("lseek_whence", 0, "SEEK_SET"),
    ("rlimit_resources", 7, "RLIMIT_NOFILE"),
    ("bpf_commands", 10, "BPF_PROG_TEST_RUN|BPF_PROG_RUN"),
    ("prctl_options", 33, "PR_MCE_KILL|PR_MCE_KILL"),
    ("chmod_mode", 0o4711, "S_IXOTH|S_IXGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID"),
    ("chmod_mode", 0o200, "S_IWUSR"),
    ("mknod_mode", 0o20666, "S_IWOTH|S_IROTH|S_IWGRP|S_IRGRP|S_IWUSR|S_IRUSR|S_IFCHR"),
    ("mknod_mode", 0o60000, "S_IFCHR|S_IFBLK"),
    ("quotactl_cmds", 32, "Q_GETQUOTA"),
    ("close_range_flags", 6, "CLOSE_RANGE_UNSHARE|CLOSE_RANGE_CLOEXEC"),
    ("mount_flags", 0x1001, "RDONLY|BIND"),
]


@pytest.mark.parametrize(("table", "value", "expected"), FLAG_NAMES)
def test_numbers_have_the_names_of_their_table(table: str, value: int, expected: str) -> None:
    assert expected == flag_names(table, value)


def test_errors_are_named_for_either_sign() -> None:
    assert ("ENOENT", "ENOENT", None) == (errno_name(2), errno_name(-2), errno_name(-4000))


def test_signals_are_named_as_far_as_they_have_names() -> None:
    assert ("SIGKILL", "SIGSYS", None) == (signal_name(9), signal_name(31), signal_name(64))


def test_capabilities_come_in_the_order_of_their_bits() -> None:
    assert ("CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE") == capability_names(1 | 1 << 21 | 1 << 40 | 1 << 50)
