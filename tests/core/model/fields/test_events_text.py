from typing import Any

import pytest

from mozu.core.errors import UnknownField
from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.fields import FieldType, Lookups
from mozu.core.state.observed import Bases, Opened
from tests.core.model.fields.making import connection, event, file, named, process, registry, value

FILE = {3: file(), 1: file(), 0: file("/dev/pts/1")}
DIRECTORY = {5: File(kind="directory", name="/var/d")}

ARGS: list[tuple[SyscallEvent, str]] = [
    (
        event("openat", 3, -100, "/tmp/f", 1, 0, 0x801, 4711, files=FILE),
        "fd=3(<f>/tmp/f) dirfd=-100(AT_FDCWD) name=/tmp/f flags=1(O_RDONLY) mode=0 dev=801 ino=4711",
    ),
    (event("lseek", 5, 3, 5, 0, files=FILE), "res=5 fd=3(<f>/tmp/f) offset=5 whence=0(SEEK_SET)"),
    (event("read", 3, b"abc", 3, 10, files=FILE), "res=3 data=abc fd=3(<f>/tmp/f) size=10"),
    (event("read", 3, b"a\n\xff", 3, 10, files=FILE), "res=3 data=a.. fd=3(<f>/tmp/f) size=10"),
    (
        event("pread", -5, b"", 3, 10, 1099511627776, files=FILE),
        "res=-5(EIO) data=NULL fd=3(<f>/tmp/f) size=10 pos=1099511627776",
    ),
    (event("write", -9, b"x", 44, 1, files=FILE), "res=-9(EBADF) data=x fd=44 size=1"),
    (event("dup", 4, 3, files=FILE | {4: file()}), "res=4(<f>/tmp/f) oldfd=3(<f>/tmp/f)"),
    (event("dup2", -9, 77, 1, files=FILE), "res=-9(EBADF) oldfd=77 newfd=1(<f>/tmp/f)"),
    (event("fcntl", 0, 3, 3, 1, files=FILE), "res=0(<f>/dev/pts/1) fd=3(<f>/tmp/f) cmd=3(F_SETFD) arg=1"),
    (event("flock", 0, 3, 6, files=FILE), "res=0 fd=3(<f>/tmp/f) operation=6(LOCK_EX|LOCK_NB)"),
    (
        event("ioctl", 0, 3, 0x5401, 0x7FFDEADBEEF0, files=FILE),
        "res=0 fd=3(<f>/tmp/f) request=5401 argument=7FFDEADBEEF0",
    ),
    (
        event("mmap", -12, 0, 0, 0, 0, 0, 0, 9, -1, 0),
        "res=-12(ENOMEM) vm_size=0 vm_rss=0 vm_swap=0 addr=0 length=0 prot=0(PROT_NONE) "
        "flags=9(MAP_SHARED|MAP_ANONYMOUS) fd=-1(EPERM) offset=0",
    ),
    (event("brk", 0x55550000, 0, 0, 0, 0), "res=55550000 vm_size=0 vm_rss=0 vm_swap=0 addr=0"),
    (event("kill", -3, 99999, 9), "res=-3(ESRCH) pid=99999 sig=9(SIGKILL)"),
    (event("tgkill", 0, 1210, 1210, 11), "res=0 pid=1210(bash) tid=1210(bash) sig=11(SIGSEGV)"),
    (event("kill", 0, -1210, 64), "res=0 pid=-1210 sig=64"),
    (event("kill", 0, 5000, 0), "res=0 pid=5000(a) sig=0"),
    (event("nanosleep", 0, 1_500_000_000), "res=0 interval=1500000000(1.5s)"),
    (event("nanosleep", 0, (1 << 64) - 1), "res=0 interval=none"),
    (event("futex", 0, 0xDEAD, 0, 1), "res=0 addr=DEAD op=0(FUTEX_WAIT) val=1"),
    (event("getrlimit", 0, 1024, -1, 7), "res=0 cur=1024 max=-1 resource=7(RLIMIT_NOFILE)"),
    (event("unshare", 0, 0x100010), "res=0 flags=1048592(CLONE_NEWNET|CLONE_NEWUSER)"),
    (event("setns", 0, 3, 0, files=FILE), "res=0 fd=3(<f>/tmp/f) nstype=0"),
    (event("rename", 0, "a", "/b"), "res=0 oldpath=a(/home/mira/a) newpath=/b"),
    (
        event("renameat2", 0, 5, "a", -100, "b", 1, files=DIRECTORY),
        "res=0 olddirfd=5(<d>/var/d) oldpath=a(/var/d/a) newdirfd=-100(AT_FDCWD) newpath=b(/home/mira/b) "
        "flags=1(RENAME_NOREPLACE)",
    ),
    (
        event("linkat", -17, 5, "a", 5, "../b", 0, files=DIRECTORY),
        "res=-17(EEXIST) olddir=5(<d>/var/d) oldpath=a(/var/d/a) newdir=5(<d>/var/d) newpath=../b(/var/b) flags=0",
    ),
    (event("symlink", 0, "../t", "l"), "res=0 target=../t linkpath=l(/home/mira/l)"),
    (
        event("unlinkat", 0, 5, "u", 0x200, files=DIRECTORY),
        "res=0 dirfd=5(<d>/var/d) name=u(/var/d/u) flags=512(AT_REMOVEDIR)",
    ),
    (event("unlinkat", 0, 9, "u", 0), "res=0 dirfd=9 name=u flags=0"),
    (event("mkdir", 0, "m", 0o700), "res=0 path=m(/home/mira/m) mode=1C0"),
    (
        event("chmod", 0, "c", 0o4711),
        "res=0 filename=c(/home/mira/c) mode=04711(S_IXOTH|S_IXGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID)",
    ),
    (event("lchown", 0, "c", 0xFFFFFFFF, 0), "res=0 path=c(/home/mira/c) uid=-1 gid=0"),
    (
        event("mount", 0, "/dev/sdb", "mnt", "ext4", 4097),
        "res=0 dev=/dev/sdb dir=mnt(/home/mira/mnt) type=ext4 flags=4097(RDONLY|BIND)",
    ),
    (event("socket", -1, 17, 3, 0, 0), "fd=-1(EPERM) domain=17(AF_PACKET) type=3 proto=0 flags=0(O_NONE)"),
    (
        event("socket", 4, 17, 3, 768, 0, files={4: File(kind="unknown")}),
        "fd=4(<o>) domain=17(AF_PACKET) type=3 proto=768 flags=0(O_NONE)",
    ),
    (
        event(
            "connect",
            0,
            SockTuple(2, bytes([10, 20, 30, 40]), 4, bytes([203, 0, 113, 2]), 2),
            5,
            SockAddr(2, bytes([203, 0, 113, 2]), 2),
            files={5: connection(name="10.20.30.40:4->203.0.113.1:1")},
        ),
        "res=0 tuple=10.20.30.40:4->203.0.113.2:2 fd=5(<4t>10.20.30.40:4->203.0.113.1:1) addr=203.0.113.2:2",
    ),
    (event("connect", -111, None, 5, None), "res=-111(ECONNREFUSED) tuple=NULL fd=5 addr=<NA>"),
    (
        event("poll", 1, ((3, 1), (4, 0x44), (9, 8)), -1, files={3: file("/tmp/a"), 4: connection()}),
        "res=1 fds=3:f1 4:444 9:?8 timeout=-1",
    ),
    (event("ppoll", 0, (), 1_000_000_000, 0), "res=0 fds= timeout=1000000000(1s) sigmask="),
    (event("ppoll", 0, (), 1, 0x101), "res=0 fds= timeout=1(1e-09s) sigmask=SIGHUP SIGKILL"),
    (
        event("openat", -14, -100, None, 1, 0, 0, 0),
        "fd=-14(EFAULT) dirfd=-100(AT_FDCWD) name=<NA> flags=1(O_RDONLY) mode=0 dev=0 ino=0",
    ),
    (
        event("ptrace", 0, ("uint64", 255), ("signal", 9), 16, 1210),
        "res=0 addr=FF data=9(SIGKILL) request=16(PTRACE_GETSIGINFO) pid=1210(bash)",
    ),
    (event("ptrace", 0, 255, None, 12, 7), "res=0 addr=FF data=NULL request=12(PTRACE_DETACH) pid=7"),
    (
        event("keyctl", 0, 1, "ring", 5, 0, 0),
        "res=0 operation=1(KEYCTL_JOIN_SESSION_KEYRING) arg2=ring arg3=5 arg4=0 arg5=0",
    ),
    (
        event("setsockopt", 0, 3, 1, 20, ("reltime", 2_000_000_000), 16),
        "res=0 fd=3 level=1(SOL_SOCKET) optname=20(SO_RCVTIMEO) val=2000000000(2s) optlen=16",
    ),
    (event("prctl", 0, 15, "renamed", 0), "res=0 option=15(PR_SET_NAME) arg2_str=renamed arg2_int=0"),
    (event("reboot"), ""),
    (event("getpeername"), ""),
]


@pytest.mark.parametrize(
    ("made", "expected"), ARGS, ids=lambda item: item.type if isinstance(item, SyscallEvent) else ""
)
def test_all_parameters_print_in_order(made: SyscallEvent, expected: str) -> None:
    assert expected == value("evt.args", made)


def test_evt_info_is_the_same_text() -> None:
    made = event("kill", -3, 99999, 9)
    assert value("evt.args", made) == value("evt.info", made)


def test_times_of_files_print_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = event("execve", *[0] * 24, 1_757_225_600_000_000_007)
    assert value("evt.arg.exe_ino_ctime", made).endswith(":20.000000007")


def test_ids_resolve_through_whoever_knows_names() -> None:
    names = Lookups()
    names.user = lambda uid, _: {1000: "mira"}.get(uid)
    names.group = lambda gid, _: {1000: "staff"}.get(gid)
    texts = [
        value("evt.args", event("setuid", 0, 1000), names),
        value("evt.args", event("setgid", 0, 1000), names),
        value("evt.args", event("setuid", 0, 7), names),
        value("evt.args", event("setuid", 0, 0xFFFFFFFF), names),
    ]
    assert [
        "res=0 uid=1000(mira)",
        "res=0 gid=1000(staff)",
        "res=0 uid=7(<NA>)",
        "res=0 uid=-1(<NONE>)",
    ] == texts


def test_bytes_print_as_base64_on_demand() -> None:
    names = Lookups()
    names.base64_bytes = True
    assert "AAE=" == value("evt.arg.data", event("write", 2, b"\0\1", 3, 2), names)


@pytest.mark.parametrize(
    ("sock", "expected"),
    [
        (SockTuple(10, bytes(15) + b"\1", 5, bytes(15) + b"\2", 6), "::1:5->::2:6"),
        (
            SockTuple(10, bytes(10) + b"\xff\xff\x0a\0\0\1", 5, bytes(10) + b"\xff\xff\x0a\0\0\2", 6),
            "10.0.0.1:5->10.0.0.2:6",
        ),
        (SockTuple(1, path="/run/x", source_pointer=0xABC, dest_pointer=0xDEF), "abc->def /run/x"),
        (SockTuple(16), "family 16"),
    ],
)
def test_both_ends_of_a_socket_print_by_family(sock: SockTuple, expected: str) -> None:
    assert expected == value("evt.arg.tuple", event("connect", 0, sock, 3, None))


@pytest.mark.parametrize(
    ("addr", "expected"),
    [
        (SockAddr(2, bytes([127, 0, 0, 1]), 80), "127.0.0.1:80"),
        (SockAddr(10, bytes(16), 80), ":::80"),
        (SockAddr(1, path="/run/x"), "/run/x"),
        (SockAddr(1, path="\0name"), "@name"),
        (SockAddr(38), "family 38"),
    ],
)
def test_an_address_prints_by_family(addr: SockAddr, expected: str) -> None:
    assert expected == value("evt.arg.addr", event("bind", 0, addr, 3))


OPENED = event("openat", 4, -100, "Notes.TXT", 0x106, 0o640, 0x812, 4711, files={4: file("/home/mira/Notes.TXT")}, fd=4)
REFUSED = event("openat", -13, -100, "/root/secret", 1, 0, 0, 0, fd=-1)

SINGLE = [
    ("evt.arg.fd", OPENED, "<f>/home/mira/Notes.TXT"),
    ("evt.arg[0]", OPENED, "<f>/home/mira/Notes.TXT"),
    ("evt.arg[1]", OPENED, "AT_FDCWD"),
    ("evt.arg.name", OPENED, "/home/mira/Notes.TXT"),
    ("evt.arg.flags", OPENED, "O_TRUNC|O_CREAT|O_WRONLY"),
    ("evt.arg.mode", OPENED, "0640"),
    ("evt.arg.dev", OPENED, "812"),
    ("evt.arg[6]", OPENED, "4711"),
    ("evt.arg[7]", OPENED, None),
    ("evt.arg.resolve", OPENED, None),
    ("evt.arg[0]", REFUSED, "EACCES"),
    ("evt.arg.flags", event("unshare", 0, 0), "0"),
    ("evt.arg.ID", OPENED, None),
    ("evt.rawarg.fd", OPENED, 4),
    ("evt.rawarg.flags", OPENED, 0x106),
    ("evt.rawarg.name", OPENED, "Notes.TXT"),
    ("evt.rawarg.name", event("openat", -14, -100, None, 1, 0, 0, 0), "<NA>"),
    ("evt.rawarg.data", event("write", 0, b"", 3, 0), None),
    ("evt.rawarg.data", event("write", 1, b"\0", 3, 1), b"\0"),
    ("evt.rawarg.fd", REFUSED, -13),
    ("evt.rawarg.resolve", OPENED, None),
    ("evt.rawarg.data", event("ptrace", 0, 1, ("signal", 9), 1, 2), 9),
    ("evt.rawarg.addr", event("bind", 0, SockAddr(2, bytes([127, 0, 0, 1]), 80), 3), "127.0.0.1:80"),
    ("evt.rawarg.type", named("mount", type="ext4"), "ext4"),
    ("evt.rawarg.type", event("syslog", 0, 5), "5"),
    ("evt.rawarg.addr", event("madvise", 0, 4096, 1, 4), "4096"),
    ("evt.rawarg.name", event("sethostname", 0, b"box\xff", 4), "box\ufffd"),
    ("evt.rawarg.tuple", event("connect", 0, SockTuple(16), 3, None), "family 16"),
    ("evt.rawarg.fds", event("poll", 1, ((3, 1), (4, 0x44)), -1), "3:1 4:44"),
]


@pytest.mark.parametrize(("reference", "made", "expected"), SINGLE)
def test_one_parameter_reads_alone(reference: str, made: SyscallEvent, expected: Any) -> None:
    assert expected == value(reference, made)


def test_parameters_that_a_source_left_out_have_no_value() -> None:
    made = event("openat", 4)
    assert [None, None] == [value("evt.arg.flags", made), value("evt.rawarg.flags", made)]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("evt.rawarg.fd", (FieldType.INT, "")),
        ("evt.rawarg.flags", (FieldType.UINT, "hex")),
        ("evt.rawarg.mode", (FieldType.UINT, "octal")),
        ("evt.rawarg.dev", (FieldType.UINT, "hex")),
        ("evt.rawarg.ino", (FieldType.UINT, "")),
        ("evt.rawarg.name", (FieldType.PATH, "")),
        ("evt.rawarg.data", (FieldType.BYTES, "")),
        ("evt.rawarg.exe", (FieldType.STRING, "")),
        ("evt.rawarg.interval", (FieldType.RELTIME, "")),
        ("evt.rawarg.exe_ino_ctime", (FieldType.ABSTIME, "")),
        ("evt.rawarg.uid", (FieldType.UINT, "")),
        ("evt.rawarg.val", (FieldType.BYTES, "")),
        ("evt.rawarg.nativeID", (FieldType.UINT, "")),
    ],
)
def test_raw_parameters_have_the_type_of_the_parameter(reference: str, expected: tuple[FieldType, str]) -> None:
    resolved = registry().resolve(reference)
    assert expected == (resolved.type, resolved.field.format)


@pytest.mark.parametrize("reference", ["evt.arg.no_such", "evt.rawarg.no_such", "evt.rawarg.3"])
def test_parameters_that_no_event_has_are_refused(reference: str) -> None:
    with pytest.raises(UnknownField, match="nonexistent field"):
        registry().resolve(reference)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("evt.arg.flags", set()),
        ("evt.arg.fd", {"fds", "names", "files"}),
        ("evt.arg.filename", {"cwd", "fds"}),
        ("evt.arg.pid", {"tree", "comm"}),
        ("evt.arg.uid", {"enricher:users"}),
    ],
)
def test_a_parameter_needs_only_what_its_text_shows(reference: str, expected: set[str]) -> None:
    assert expected == registry().resolve(reference).needs


def test_an_event_without_process_still_prints() -> None:
    made = event("unlinkat", 0, -100, "u", 0)
    made.process = None
    assert "res=0 dirfd=-100(AT_FDCWD) name=u flags=0" == value("evt.args", made)


def test_what_the_kernel_said_of_the_directory_wins() -> None:
    made = event("unlinkat", 0, 9, "u", 0, observed=Opened(base="/srv"))
    assert "/srv/u" == value("evt.arg.name", made)


def test_each_path_of_a_call_has_its_own_directory() -> None:
    made = event("renameat", 0, 9, "a", 8, "b", observed=Bases(("/srv", None)), files={8: File("directory", "/var/d")})
    assert ["/srv/a", "/var/d/b"] == [value("evt.arg.oldpath", made), value("evt.arg.newpath", made)]


def test_a_closed_descriptor_still_has_its_name_in_the_event_that_closed_it() -> None:
    made = event("close", 0, 3, fd=3, file=file(), process=process())
    assert "res=0 fd=3(<f>/tmp/f)" == value("evt.args", made)


def test_parameters_of_mozus_own_are_shown_and_tested_by_their_names() -> None:
    made = event("fchmodat2", -1, -100, "su", 0o4711, 0x100)
    assert "S_ISUID" in str(value("evt.arg.mode", made))
    assert ("/home/mira/su", -1) == (value("evt.arg.filename", made), value("evt.rawarg.res", made))


def test_results_of_calls_whose_parameters_are_mozus_own_are_not_those_of_rules_for_others() -> None:
    made = event("fchmodat2", -1, -100, "su", 0o4711, 0)
    assert [None] * 3 == [value(name, made) for name in ("evt.res", "evt.rawres", "evt.failed")]


def test_a_capture_of_others_has_no_parameters_of_mozus_own() -> None:
    made = event("setxattr")
    assert ("", None, None) == (
        value("evt.args", made), value("evt.arg.path", made), value("evt.rawarg.size", made),
    )  # fmt: skip
