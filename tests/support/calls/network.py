"""Sockets: made, bound, connected, written to, queried. Both ends are those that the sockets report."""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from mozu.core.model.event import SockAddr, SockTuple
from tests.support.acts.sockets import packed
from tests.support.calls.making import call, iovecs, place, room
from tests.support.calls.reported import ANY, Names, Reported, reported

BAD = 999
INET, STREAM, DGRAM = int(socket.AF_INET), int(socket.SOCK_STREAM), int(socket.SOCK_DGRAM)
HOME = socket.inet_aton("127.0.0.1")


def _address(port: int) -> bytes:
    return packed(INET, "127.0.0.1", port)


def _tuple(source: int, dest: int) -> SockTuple:
    return SockTuple(INET, HOME, source, HOME, dest)


def _port(fd: int) -> int:
    with socket.socket(fileno=os.dup(fd)) as copy:
        return int(copy.getsockname()[1])


def connections(at: Path) -> Iterator[Reported]:
    server = call("socket", INET, STREAM, 0)
    yield reported("socket", server, Names("AF_INET"), STREAM, 0, 0, fd="ipv4")
    yield reported("socket", call("socket", INET, 99, 0), Names("AF_INET"), 99, 0, 0)
    yield reported("bind", call("bind", server, _address(0), 16), SockAddr(INET, HOME, 0), server, fd="ipv4")
    yield reported("bind", call("bind", BAD, _address(7), 16), SockAddr(INET, HOME, 7), BAD)
    yield reported("listen", call("listen", server, 5), server, 5)
    yield reported("listen", call("listen", BAD, 5), BAD, 5)
    port = _port(server)
    client = call("socket", INET, STREAM | 0o2000000, 0)
    yield reported("socket", client, Names("AF_INET"), STREAM | 0o2000000, 0, Names("O_CLOEXEC"))
    done = call("connect", client, _address(port), 16)
    own = _port(client)
    name = f"127.0.0.1:{own}->127.0.0.1:{port}"
    yield reported("connect", done, _tuple(own, port), client, SockAddr(INET, HOME, port), fd="ipv4", name=name)
    yield reported("connect", call("connect", BAD, _address(port), 16), None, BAD, SockAddr(INET, HOME, port))
    accepted = call("accept", server, 0, 0)
    yield reported("accept", accepted, _tuple(own, port), ANY, ANY, 5, fd="ipv4", name=name)
    yield reported("accept", call("accept", BAD, 0, 0), None, 0, 0, 0)
    other = call("socket", INET, STREAM, 0)
    call("connect", other, _address(port), 16)
    taken = call("accept4", server, 0, 0, 0o2000000)
    yield reported("accept4", taken, _tuple(_port(other), port), ANY, ANY, 5, 0o2000000, fd="ipv4")
    yield reported("accept4", call("accept4", BAD, 0, 0, 0), None, 0, 0, 0, 0)
    header = _header(iovecs(b"one", b"two"), 2)
    yield reported("sendmsg", call("sendmsg", client, header, 0), b"onetwo", client, 6, _tuple(own, port), fd="ipv4")
    yield reported("sendmsg", call("sendmsg", BAD, header, 0), b"onetwo", BAD, 6, None)
    into = _header(iovecs(2, 100), 2)
    result = call("recvmsg", accepted, into, 0)
    yield reported("recvmsg", result, 102, b"onetwo", _tuple(own, port), None, accepted, fd="ipv4")
    yield reported("recvmsg", call("recvmsg", BAD, into, 0), 102, b"", None, None, BAD)
    yield reported("shutdown", call("shutdown", client, 1), client, Names("SHUT_WR"))
    yield reported("shutdown", call("shutdown", BAD, 2), BAD, Names("SHUT_RDWR"))


def _header(vectors: int, count: int, name: int = 0, length: int = 0) -> int:
    """Make a struct msghdr; return its address."""
    return room(struct.pack("<QIIQQQQII", name, length, 0, vectors, count, 0, 0, 0, 0))


def _many(*headers: int) -> int:
    """Make an array of struct mmsghdr; return its address."""
    return room(b"".join(ctypes.string_at(header, 56) + bytes(8) for header in headers))


def datagrams(at: Path) -> Iterator[Reported]:
    server, client = call("socket", INET, DGRAM, 0), call("socket", INET, DGRAM, 0)
    call("bind", server, _address(0), 16)
    call("bind", client, _address(0), 16)
    there, here = _port(server), _port(client)
    both = _tuple(here, there)
    sent = call("sendto", client, b"hello", 5, 0, _address(there), 16)
    yield reported("sendto", sent, b"hello", client, 5, both, fd="ipv4")
    yield reported("sendto", call("sendto", BAD, b"hello", 5, 0, 0, 0), b"hello", BAD, 5, None)
    got = call("recvfrom", server, room(100), 100, 0, room(16), room(struct.pack("<I", 16)))
    yield reported("recvfrom", got, b"hello", both, server, 100, fd="ipv4")
    yield reported("recvfrom", call("recvfrom", BAD, room(100), 100, 0, 0, 0), b"", None, BAD, 100)
    name = room(_address(there))
    two = _many(_header(iovecs(b"one"), 1, name, 16), _header(iovecs(b"second", b"!"), 2, name, 16))
    assert call("sendmmsg", client, two, 2, 0) == 2
    yield reported("sendmmsg", 3, client, 3, b"one", both, fd="ipv4")
    yield reported("sendmmsg", 7, client, 7, b"second!", both, fd="ipv4")
    yield reported("sendmmsg", call("sendmmsg", BAD, two, 2, 0), BAD, 0, b"", None)
    peers = room(16), room(16)
    into = _many(_header(iovecs(50), 1, peers[0], 16), _header(iovecs(50), 1, peers[1], 16))
    assert call("recvmmsg", server, into, 2, 0, 0) == 2
    yield reported("recvmmsg", 3, server, 3, b"one", both, None, fd="ipv4")
    yield reported("recvmmsg", 7, server, 7, b"second!", both, None, fd="ipv4")
    yield reported("recvmmsg", call("recvmmsg", BAD, into, 2, 0, 0), BAD, 0, b"", None, None)


def options(at: Path) -> Iterator[Reported]:
    fd = call("socket", INET, STREAM, 0)
    value, length = room(struct.pack("<I", 1)), room(struct.pack("<I", 4))
    level = Names("SOL_SOCKET")
    done = call("setsockopt", fd, 1, 2, value, 4)
    yield reported("setsockopt", done, fd, level, Names("SO_REUSEADDR"), ("uint32", 1), 4, fd="ipv4")
    result = call("setsockopt", BAD, 1, 2, value, 4)
    yield reported("setsockopt", result, BAD, level, Names("SO_REUSEADDR"), ("uint32", 1), 4)
    time = room(struct.pack("<qq", 2, 500_000))
    done = call("setsockopt", fd, 1, 20, time, 16)
    yield reported("setsockopt", done, fd, level, Names("SO_RCVTIMEO"), ("reltime", 2_500_000_000), 16)
    done = call("setsockopt", fd, 6, 1, value, 4)
    yield reported("setsockopt", done, fd, Names("SOL_TCP"), 0, ("bytes", struct.pack("<I", 1)), 4)
    done = call("getsockopt", fd, 1, 3, room(4), length)
    yield reported("getsockopt", done, fd, level, Names("SO_TYPE"), ("uint32", STREAM), 4, fd="ipv4")
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    port = refused.getsockname()[1]
    call("fcntl", fd, 4, os.O_NONBLOCK)
    call("connect", fd, _address(port), 16)
    error = room(4)
    done = call("getsockopt", fd, 1, 4, error, length)
    yield reported("getsockopt", done, fd, level, Names("SO_ERROR"), ("errno", -place(error, "i")[0]), 4)
    failed = call("getsockopt", BAD, 1, 3, value, length)
    yield reported("getsockopt", failed, BAD, level, Names("SO_TYPE"), ("uint32", 1), 4)


def pairs_of_names(at: Path) -> Iterator[Reported]:
    fd = call("socket", INET, STREAM, 0)
    for kind in ("getsockname", "getpeername"):
        call(kind, fd, room(16), room(struct.pack("<I", 16)))
        yield reported(kind)


def unix(at: Path) -> Iterator[Reported]:
    path = str(at / "socket")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    client = call("socket", 1, STREAM, 0)
    yield reported("socket", client, Names("AF_LOCAL|AF_UNIX"), STREAM, 0, 0, fd="unix")
    address = packed(1, path)
    done = call("connect", client, address, len(address))
    yield reported("connect", done, ANY, client, SockAddr(1, path=path), fd="unix")
    nobody = packed(1, str(at / "nobody"))
    failed = call("connect", call("socket", 1, STREAM, 0), nobody, len(nobody))
    assert failed == -errno.ENOENT
    yield reported("connect", failed, None, ANY, SockAddr(1, path=str(at / "nobody")))


TRIGGERS = [connections, datagrams, options, pairs_of_names, unix]
