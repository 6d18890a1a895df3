"""Acts of many kinds: `python kinds.py DIRECTORY` does each in a child process whose working directory has its name.

Runs as root in private namespaces (mounts, network, host name). In its directory, each act makes the call that it is
about, and no other call of that type. The calls that the system must refuse are malformed.
"""

import ctypes
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
HERE, NEAR = "127.0.0.1", "203.0.113.9"
CALLS = {
    "open": 2, "access": 21, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87,
    "symlink": 88, "readlink": 89, "chmod": 90, "chown": 92, "lchown": 94, "accept": 43, "vfork": 58, "ptrace": 101,
    "capset": 126, "mknod": 133, "init_module": 175, "delete_module": 176, "tgkill": 234, "mkdirat": 258,
    "mknodat": 259, "fchownat": 260, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266,
    "readlinkat": 267, "fchmodat": 268, "faccessat": 269, "unshare": 272, "accept4": 288, "process_vm_readv": 310,
    "renameat2": 316, "memfd_create": 319, "pidfd_send_signal": 424, "pidfd_open": 434, "openat2": 437,
    "reboot": 169, "sethostname": 170, "kexec_load": 246, "swapoff": 168, "settimeofday": 164,
}  # fmt: skip
"""Numbers of system calls of x86-64."""
AT = -100
READ, WRITE, CREATE, EXCLUSIVE = os.O_RDONLY, os.O_WRONLY, os.O_CREAT, os.O_EXCL
Act = Callable[[], object]


def call(name: str, *arguments: Any) -> int:
    """Make a system call by its name in `CALLS`; return the result, -1 if it failed."""
    texts = [one.encode() if isinstance(one, str) else one for one in arguments]
    return int(LIBC.syscall(CALLS[name], *(ctypes.c_long(one) if isinstance(one, int) else one for one in texts)))


def opened(path: str, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    return os.open(path, flags, 0o600)


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the client's and the server's end of a connection of this machine with itself."""
    server = socket.create_server((NEAR, 0))
    client = socket.create_connection(server.getsockname())
    return client, server.accept()[0]


def connecting(address: tuple[str, int], family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> Act:
    end = socket.socket(family, kind)
    return lambda: end.connect(address)


def listening(host: str, family: int = socket.AF_INET) -> tuple[str, int]:
    LIVING.append(server := socket.create_server((host, 0), family=family))
    return host, server.getsockname()[1]


def unfinished() -> Act:
    end, address = socket.socket(), listening(NEAR)
    end.setblocking(False)
    return lambda: end.connect_ex(address)


def refused() -> Act:
    return connecting((NEAR, 9))


def waiting(name: str) -> Act:
    server = socket.create_server((NEAR, 0))
    LIVING.append(socket.create_connection(server.getsockname()))
    return lambda: call(name, server.fileno(), None, None, *([0] if name == "accept4" else []))


def datagrams() -> tuple[socket.socket, socket.socket]:
    receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    receiver.bind((NEAR, 0))
    return receiver, sender


def received() -> Act:
    receiver, sender = datagrams()
    sender.sendto(b"x", receiver.getsockname())
    return lambda: receiver.recvfrom(1)


def sent() -> Act:
    receiver, sender = datagrams()
    return lambda: sender.sendto(b"x", receiver.getsockname())


def on_socket(act: Callable[[socket.socket], object], *, server: bool = False) -> Act:
    ends = pair()
    LIVING.extend(ends)
    return lambda: act(ends[1 if server else 0])


def answered(act: Callable[[socket.socket], object]) -> Act:
    client, server = pair()
    server.sendall(b"x")
    LIVING.extend((client, server))
    return lambda: act(client)


def on_unix(act: Callable[[int], object]) -> Act:
    ends = socket.socketpair()
    LIVING.extend(ends)
    return lambda: act(ends[0].fileno())


def on_pipe(act: Callable[[int, int], object]) -> Act:
    reader, writer = os.pipe()
    os.write(writer, b"y")
    return lambda: act(reader, writer)


def on_file(act: Callable[[int], object]) -> Act:
    fd = opened("file")
    os.write(fd, b"text")
    os.lseek(fd, 0, 0)
    return lambda: act(fd)


def with_file(act: Act) -> Act:
    os.close(opened("file"))
    return act


def after(preparation: Act, act: Act) -> Act:
    preparation()
    return act


def reads_its_memory() -> int:
    source, target = ctypes.create_string_buffer(b"text"), ctypes.create_string_buffer(4)
    vectors = [(ctypes.c_size_t * 2)(ctypes.addressof(one), 4) for one in (target, source)]
    return call("process_vm_readv", os.getpid(), vectors[0], 1, vectors[1], 1, 0)


def forks() -> None:
    if os.fork() == 0:
        os._exit(0)


def unix_server() -> str:
    LIVING.append(server := socket.socket(socket.AF_UNIX))
    server.bind("server")
    server.listen()
    return "server"


def unix() -> Act:
    end, path = socket.socket(socket.AF_UNIX), unix_server()
    return lambda: end.connect(path)


def bound() -> Act:
    end = socket.socket()
    return lambda: end.bind((NEAR, 0))


def heard() -> Act:
    end = socket.socket()
    end.bind((NEAR, 0))
    return end.listen


def how(flags: int) -> Any:
    return (ctypes.c_uint64 * 3)(flags, 0o600 if flags & CREATE else 0, 0)


def signalled() -> Act:
    fd = os.pidfd_open(os.getpid())
    return lambda: call("pidfd_send_signal", fd, 0, None, 0)


LIVING: list[Any] = []
ACTS: dict[str, Callable[[], Act]] = {
    "reads_a_file_by_openat": lambda: with_file(lambda: os.open("file", READ)),
    "opens_a_file_for_writing": lambda: with_file(lambda: os.open("file", WRITE)),
    "opens_a_file_for_both": lambda: with_file(lambda: os.open("file", os.O_RDWR)),
    "creates_a_file": lambda: lambda: os.open("made", WRITE | CREATE),
    "creates_a_file_again": lambda: with_file(lambda: os.open("file", WRITE | CREATE)),
    "opens_what_is_not_there": lambda: lambda: os.open("none", READ),
    "creates_what_is_there": lambda: with_file(lambda: os.open("file", WRITE | CREATE | EXCLUSIVE)),
    "opens_a_directory": lambda: lambda: os.open("..", os.O_DIRECTORY),
    "creates_by_creat": lambda: lambda: call("creat", "made", 0o600),
    "writes_by_open": lambda: with_file(lambda: call("open", "file", WRITE)),
    "creates_by_openat2": lambda: lambda: call("openat2", AT, "made", how(WRITE | CREATE), 24),
    "creates_in_memory": lambda: lambda: call("memfd_create", "made", 0),
    "reads_a_file": lambda: on_file(lambda fd: os.read(fd, 4)),
    "reads_a_connection": lambda: answered(lambda end: os.read(end.fileno(), 1)),
    "reads_a_pipe": lambda: on_pipe(lambda reader, _: os.read(reader, 1)),
    "reads_at_a_place": lambda: on_file(lambda fd: os.pread(fd, 1, 1)),
    "writes_a_file": lambda: on_file(lambda fd: os.write(fd, b"more")),
    "writes_a_connection": lambda: on_socket(lambda end: os.write(end.fileno(), b"x")),
    "writes_a_pipe": lambda: on_pipe(lambda _, writer: os.write(writer, b"x")),
    "writes_a_unix_socket": lambda: on_unix(lambda fd: os.write(fd, b"x")),
    "closes_a_file": lambda: on_file(os.close),
    "closes_a_connection": lambda: on_socket(lambda end: os.close(end.detach())),
    "renames": lambda: with_file(lambda: call("rename", "file", "moved")),
    "renames_by_renameat2": lambda: with_file(lambda: call("renameat2", AT, "file", AT, "moved", 0)),
    "renames_what_is_not_there": lambda: lambda: call("renameat", AT, "none", AT, "moved"),
    "changes_a_mode": lambda: with_file(lambda: call("chmod", "file", 0o640)),
    "changes_a_mode_by_fchmodat": lambda: with_file(lambda: call("fchmodat", AT, "file", 0o4755)),
    "changes_an_owner": lambda: with_file(lambda: call("chown", "file", 1, 1)),
    "changes_an_owner_by_fchownat": lambda: with_file(lambda: call("fchownat", AT, "file", 1, 1, 0)),
    "unlinks": lambda: with_file(lambda: call("unlink", "file")),
    "unlinks_by_unlinkat": lambda: with_file(lambda: call("unlinkat", AT, "file", 0)),
    "unlinks_what_is_not_there": lambda: lambda: call("unlink", "none"),
    "makes_a_directory": lambda: lambda: call("mkdir", "made", 0o755),
    "makes_what_is_there": lambda: lambda: call("mkdirat", AT, "..", 0o755),
    "removes_a_directory": lambda: after(lambda: os.mkdir("made"), lambda: call("rmdir", "made")),
    "makes_a_symbolic_link": lambda: lambda: call("symlink", "target", "made"),
    "makes_a_link": lambda: with_file(lambda: call("link", "file", "made")),
    "makes_a_fifo": lambda: lambda: call("mknod", "made", 0o010600, 0),
    "truncates": lambda: with_file(lambda: os.truncate("file", 0)),
    "sets_an_attribute": lambda: with_file(lambda: os.setxattr("file", "user.a", b"x")),
    "sets_the_times": lambda: with_file(lambda: os.utime("file", (1, 1))),
    "asks_for_access": lambda: with_file(lambda: call("access", "file", 4)),
    "reads_a_link": lambda: after(lambda: os.symlink("target", "made"), lambda: os.readlink("made")),
    "connects": lambda: connecting(listening(NEAR)),
    "connects_to_its_loopback": lambda: connecting(listening(HERE)),
    "connects_to_its_loopback_by_ipv6": lambda: connecting(listening("::1", socket.AF_INET6), socket.AF_INET6),
    "connects_later": unfinished,
    "is_refused": refused,
    "connects_a_datagram_socket": lambda: connecting((NEAR, 53), kind=socket.SOCK_DGRAM),
    "connects_to_a_unix_socket": unix,
    "accepts": lambda: waiting("accept4"),
    "accepts_by_accept": lambda: waiting("accept"),
    "binds": bound,
    "listens": heard,
    "sends_a_datagram": sent,
    "receives_a_datagram": received,
    "shuts_down": lambda: on_socket(lambda end: end.shutdown(2)),
    "answers_a_client": lambda: on_socket(lambda end: end.sendmsg([b"x"]), server=True),
    "executes": lambda: lambda: os.execv("/bin/true", ["true", "argument"]),
    "executes_what_is_not_there": lambda: lambda: os.execv("/no/such/program", ["none"]),
    "forks": lambda: forks,
    "ends": lambda: lambda: None,
    "becomes_another_user": lambda: lambda: os.setresuid(65534, 65534, 65534),
    "becomes_another_group": lambda: lambda: os.setgid(65534),
    "leads_a_session": lambda: os.setsid,
    "leaves_a_namespace": lambda: lambda: call("unshare", 0x04000000),
    "leaves_no_namespace": lambda: lambda: call("unshare", 1),
    "changes_its_root": lambda: lambda: os.chroot("."),
    "reads_memory": lambda: reads_its_memory,
    "signals": lambda: lambda: os.kill(os.getpid(), 0),
    "signals_by_pidfd": signalled,
    "is_not_traced": lambda: lambda: call("ptrace", 16, os.getppid(), 0, 0),
    "mounts": lambda: lambda: LIBC.mount(b"none", b".", b"tmpfs", 0, None),
    "unmounts_what_is_no_mount": lambda: lambda: LIBC.umount2(b".", 0),
    "names_the_host": lambda: lambda: call("sethostname", "other", 5),
    "loads_no_module": lambda: lambda: call("init_module", b"\0" * 64, 64, b""),
    "removes_no_module": lambda: lambda: call("delete_module", "no_such_module", 0),
    "restarts_nothing": lambda: lambda: call("reboot", 0, 0, 0),
    "sets_no_clock": lambda: lambda: call("settimeofday", ctypes.c_void_p(1), None),
    "loads_no_kernel": lambda: lambda: call("kexec_load", 0, 17, None, 0),
    "stops_no_swapping": lambda: lambda: call("swapoff", "none"),
}  # fmt: skip
"""Name → function that prepares an act in a directory of its own and returns the act."""


def main(folder: Path) -> None:
    """Run every act. While an act is prepared its directory has another name; it gets the act's name right before the
    act."""
    LIBC.syscall.restype = ctypes.c_long
    for name, prepare in ACTS.items():
        getting_ready = folder / "preparing"
        getting_ready.mkdir()
        if os.fork():
            os.wait()
            continue
        os.chdir(getting_ready)
        act = prepare()
        getting_ready.rename(folder / name)
        os.chdir(folder / name)
        with suppress(OSError):
            act()
        os._exit(0)


main(Path(sys.argv[1]))
