"""Descriptors: of every kind, copied, inherited, handed over, used again; sockets of every family and direction.

The acts use readv and writev, which are seldom called: read and write of a whole machine may be a flood.
"""

import array
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.acts.raw import call
from tests.support.acts.sockets import packed
from tests.support.calls.making import give, iovecs
from tests.support.edges.shown import Shown, shown

STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM


def _write(edge: str, fd: int, data: bytes, **fields: object) -> Shown:
    call("writev", fd, iovecs(data), 1)
    shown_ = {name.replace("_", ".", 1): value for name, value in fields.items()}
    return shown(edge, "writev", {"evt.buffer": data, "fd.num": fd, **shown_})


def kinds(at: Path) -> Iterator[Shown]:
    _, writer = os.pipe()
    yield _write("a pipe", writer, b"into-pipe", fd_type="pipe", fd_typechar="p")
    one, _ = socket.socketpair()
    yield _write("a pair of sockets", one.fileno(), b"into-pair", fd_type="unix", fd_typechar="u")
    memory = os.memfd_create("thing")
    yield _write("memory", memory, b"into-memory", fd_type="memfd", fd_name="thing")
    call("writev", call("eventfd2", 0, 0), iovecs(b"\1\0\0\0\0\0\0\0"), 1)
    yield shown("an event", "writev", {"fd.type": "event", "evt.res": "SUCCESS"})
    call("readv", call("timerfd_create", 1, 0o4000), iovecs(8), 1)
    yield shown("a timer", "readv", {"fd.type": "timerfd", "evt.res": "EAGAIN"})
    call("readv", call("inotify_init1", 0o4000), iovecs(8), 1)
    yield shown("inotify", "readv", {"fd.type": "inotify", "evt.res": "EAGAIN"})
    call("readv", call("epoll_create1", 0), iovecs(8), 1)
    yield shown("epoll", "readv", {"fd.type": "eventpoll", "evt.res": "EINVAL"})
    call("readv", call("pidfd_open", os.getpid(), 0), iovecs(8), 1)
    yield shown("a process", "readv", {"fd.type": "pidfd", "evt.res": "EINVAL"})
    call("readv", os.open(at, os.O_RDONLY), iovecs(8), 1)
    yield shown("a directory", "readv", {"fd.type": "directory", "fd.name": str(at), "evt.res": "EISDIR"})


def copies(at: Path) -> Iterator[Shown]:
    fd, name = give(at / "file"), str(at / "file")
    yield _write("a copy", os.dup(fd), b"by-copy", fd_name=name, fd_type="file")
    pid = os.fork()
    if pid == 0:
        call("writev", fd, iovecs(b"by-child"), 1)
        os._exit(0)
    os.waitpid(pid, 0)
    yield shown("an inherited one", "writev", {"evt.buffer": b"by-child", "fd.name": name, "proc.pid": pid})
    os.set_inheritable(fd, True)
    code = f"import os; os.writev({fd}, [b'by-program'])"
    subprocess.run([sys.executable, "-S", "-c", code], close_fds=False, check=True)
    yield shown("one that an exec kept", "writev", {"evt.buffer": b"by-program", "fd.name": name})
    os.close(fd)
    again = os.open(at / "other", os.O_CREAT | os.O_RDWR, 0o600)
    assert again == fd
    yield _write("a number that is used again", again, b"again", fd_name=str(at / "other"))
    os.unlink(at / "other")
    yield _write("a file without a name", again, b"nameless", fd_type="file")


def handed(at: Path) -> Iterator[Shown]:
    """Pass a descriptor through a socket, from a process that has opened the file to one that has not."""
    here, there = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        file = give(at / "passed")
        here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
        os._exit(0)
    os.waitpid(pid, 0)
    _, ancillary, _, _ = there.recvmsg(1, socket.CMSG_SPACE(4))
    fd = array.array("i", ancillary[0][2])[0]
    yield _write("one that was handed over", fd, b"handed-over", fd_name=str(at / "passed"))


def _server(family: int, host: str) -> tuple[socket.socket, int]:
    server = socket.socket(family)
    server.bind((host, 0))
    server.listen()
    return server, int(server.getsockname()[1])


def connections(at: Path) -> Iterator[Shown]:
    server, port = _server(socket.AF_INET, "127.0.0.1")
    client = socket.socket()
    call("connect", client.fileno(), packed(int(socket.AF_INET), "127.0.0.1", port), 16)
    own = client.getsockname()[1]
    name = f"127.0.0.1:{own}->127.0.0.1:{port}"
    ends = {"fd.name": name, "fd.type": "ipv4", "fd.sport": port, "fd.cport": own, "fd.l4proto": "tcp"}
    yield shown("a client", "connect", {**ends, "evt.res": "SUCCESS"})
    accepted = call("accept4", server.fileno(), None, None, 0)
    yield shown("a server", "accept4", {**ends, "fd.is_server": True, "fd.num": accepted})
    yield _write("what a client writes", client.fileno(), b"by-client", fd_name=name, fd_type="ipv4")
    yield _write("what a server writes", accepted, b"by-server", fd_name=name, fd_type="ipv4")


def sixes(at: Path) -> Iterator[Shown]:
    _, port = _server(socket.AF_INET6, "::1")
    client = socket.socket(socket.AF_INET6)
    call("connect", client.fileno(), packed(int(socket.AF_INET6), "::1", port), 28)
    own = client.getsockname()[1]
    fields = {"fd.type": "ipv6", "fd.sport": port, "fd.cport": own, "fd.l4proto": "tcp"}
    yield shown("IPv6", "connect", {**fields, "fd.name": f"::1:{own}->::1:{port}"})
    _, port = _server(socket.AF_INET, "127.0.0.1")
    client = socket.socket(socket.AF_INET6)
    call("connect", client.fileno(), packed(int(socket.AF_INET6), "::ffff:127.0.0.1", port), 28)
    own = client.getsockname()[1]
    name = f"127.0.0.1:{own}->127.0.0.1:{port}"
    yield shown("a mapped address", "connect", {"fd.name": name, "fd.type": "ipv4", "fd.sport": port})


def datagrams(at: Path) -> Iterator[Shown]:
    server = socket.socket(type=DGRAM)
    server.bind(("127.0.0.1", 0))
    port = server.getsockname()[1]
    client = socket.socket(type=DGRAM)
    client.bind(("127.0.0.1", 0))
    own = client.getsockname()[1]
    call("sendto", client.fileno(), b"loose", 5, 0, packed(int(socket.AF_INET), "127.0.0.1", port), 16)
    fields = {"fd.name": f"127.0.0.1:{own}->127.0.0.1:{port}", "fd.l4proto": "udp", "evt.buffer": b"loose"}
    yield shown("a datagram to whom it may concern", "sendto", fields)
    call("connect", client.fileno(), packed(int(socket.AF_INET), "127.0.0.1", port), 16)
    yield _write("a connected datagram", client.fileno(), b"bound", fd_l4proto="udp", fd_sport=port)


def locals_(at: Path) -> Iterator[Shown]:
    path = str(at / "socket")
    abstract = f"mozu-{os.getpid()}"
    for edge, address, name in (("a path", path, path), ("an abstract name", "\0" + abstract, "@" + abstract)):
        server = socket.socket(socket.AF_UNIX)
        server.bind(address)
        server.listen()
        client = socket.socket(socket.AF_UNIX)
        raw = packed(int(socket.AF_UNIX), address)
        call("connect", client.fileno(), raw, len(raw))
        fields: dict[str, object] = {"fd.type": "unix", "fd.num": client.fileno(), "evt.res": "SUCCESS"}
        yield shown(edge, "connect", {**fields, "evt.arg.addr": name})


EDGES = [kinds, copies, handed, connections, sixes, datagrams, locals_]
