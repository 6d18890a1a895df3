"""Sockets and copied descriptors. Addresses are those that the sockets report."""

import os
import socket
import struct
from typing import Any

from tests.support.acts.raw import call

AF_INET, AF_INET6, AF_UNIX = int(socket.AF_INET), int(socket.AF_INET6), int(socket.AF_UNIX)


def packed(family: int, host: str, port: int = 0) -> bytes:
    """Return a struct sockaddr."""
    if family == AF_INET:
        return struct.pack("<H", family) + struct.pack(">H", port) + socket.inet_pton(family, host) + bytes(8)
    if family == AF_INET6:
        return struct.pack("<H", family) + struct.pack(">HI", port, 0) + socket.inet_pton(family, host) + bytes(4)
    return struct.pack("<H", family) + host.encode()


def _ends(sock: socket.socket) -> dict[str, Any]:
    return {"fd": sock.fileno(), "local": sock.getsockname()[:2], "remote": sock.getpeername()[:2]}


def connect(family: int, kind: int, host: str, asked: str = "") -> dict[str, Any]:
    """Connect to a server in this process; return both ends. `asked`: the address to connect to, if it is not
    `host`."""
    server = socket.socket(family, kind)
    server.bind((host, 0))
    if kind == socket.SOCK_STREAM:
        server.listen()
    port = server.getsockname()[1]
    client = socket.socket(family, kind)
    assert call("connect", client.fileno(), packed(family, asked or host, port), 28 if family == AF_INET6 else 16) == 0
    return {**_ends(client), "port": port}


def refused(family: int, host: str) -> dict[str, Any]:
    """Connect to a port where nobody listens."""
    probe = socket.socket(family)
    probe.bind((host, 0))
    port = probe.getsockname()[1]
    client = socket.socket(family)
    result = call("connect", client.fileno(), packed(family, host, port), 28 if family == AF_INET6 else 16)
    return {"fd": client.fileno(), "port": port, "result": result}


def pending() -> dict[str, Any]:
    """Connect without waiting to a server whose queue is full."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    port = server.getsockname()[1]
    kept = []
    while True:
        client = socket.socket()
        client.setblocking(False)
        kept.append(client)
        result = call("connect", client.fileno(), packed(AF_INET, "127.0.0.1", port), 16)
        if len(kept) > 3:
            return {"fd": client.fileno(), "port": port, "result": result, "local": client.getsockname()}


def connect_unix(path: str, listening: bool) -> dict[str, Any]:
    """Connect to a unix socket; the path of an abstract one begins with NUL."""
    server = socket.socket(socket.AF_UNIX)
    if listening:
        server.bind(path)
        server.listen()
    client = socket.socket(socket.AF_UNIX)
    address = packed(AF_UNIX, path)
    result = call("connect", client.fileno(), address, len(address))
    return {"fd": client.fileno(), "result": result}


def make(domain: int, kind: int, protocol: int) -> int:
    """Call socket; return the result."""
    return call("socket", domain, kind, protocol)


def bind(family: int, host: str, listen: bool) -> dict[str, Any]:
    """Call bind, and listen if wanted."""
    server = socket.socket(family)
    length = 28 if family == AF_INET6 else 16
    assert call("bind", server.fileno(), packed(family, host, 0), length) == 0
    if listen:
        assert call("listen", server.fileno(), 7) == 0
    return {"fd": server.fileno(), "local": server.getsockname()[:2]}


def copy_connection(name: str, target: int) -> dict[str, Any]:
    """Call dup2 or dup3 on a connected socket."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    keep = os.dup(target)
    found = _ends(client)
    result = call(name, client.fileno(), target, *([os.O_CLOEXEC] if name == "dup3" else []))
    os.dup2(keep, target)
    return {**found, "result": result}


def copy(kind: str, path: str) -> dict[str, Any]:
    """Call dup on a descriptor of the kind."""
    fd = descriptor(kind, path)
    result = call("dup", fd)
    return {"fd": fd, "result": result, "link": os.readlink(f"/proc/self/fd/{result}") if result >= 0 else ""}


def descriptor(kind: str, path: str) -> int:
    """Return a descriptor of the kind."""
    if kind == "file" or kind == "directory":
        return os.open(path, os.O_RDONLY)
    if kind == "pipe":
        return os.pipe()[0]
    if kind == "memfd":
        return os.memfd_create("thing")
    if kind == "none":
        return 999
    return call(*_MAKERS[kind])


_MAKERS: dict[str, tuple[Any, ...]] = {
    "event": ("eventfd2", 0, 0),
    "eventpoll": ("epoll_create1", 0),
    "signalfd": ("signalfd4", -1, bytes(8), 8, 0),
    "timerfd": ("timerfd_create", 1, 0),
    "inotify": ("inotify_init1", 0),
    "pidfd": ("pidfd_open", os.getpid(), 0),
    "netlink": ("socket", 16, 3, 0),
    "packet": ("socket", 17, 3, 0),
}


def accept(name: str, family: int, host: str) -> dict[str, Any]:
    """Call accept or accept4 on a connection; return both ends and the limit of the queue."""
    server = socket.socket(family)
    server.bind((host, 0))
    server.listen(4)
    first = socket.create_connection(server.getsockname()[:2])
    second = socket.create_connection(server.getsockname()[:2])
    flags = [int(socket.SOCK_CLOEXEC)] if name == "accept4" else []
    result = call(name, server.fileno(), None, None, *flags)
    accepted = socket.socket(fileno=result)
    return {**_ends(accepted), "clients": (first.fileno(), second.fileno())}


def accept_unix(path: str) -> int:
    """Call accept for a unix connection."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    result = call("accept", server.fileno(), None, None)
    client.close()
    return result


def accept_nothing(fd: int) -> int:
    """Call accept on a descriptor that is no socket."""
    return call("accept", fd, None, None)


def send(data: bytes) -> dict[str, Any]:
    """Call sendto with the address of a datagram socket in this process."""
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    client = socket.socket(type=socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", 0))
    address = packed(AF_INET, "127.0.0.1", server.getsockname()[1])
    result = call("sendto", client.fileno(), data, len(data), 0, address, 16)
    return {
        "fd": client.fileno(),
        "result": result,
        "local": client.getsockname(),
        "remote": server.getsockname(),
    }


def receive(data: bytes) -> dict[str, Any]:
    """Call recvfrom, with the sender's address, on a datagram socket."""
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    client = socket.socket(type=socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", 0))
    client.sendto(data, server.getsockname())
    got, _ = server.recvfrom(1000)
    return {"fd": server.fileno(), "data": got, "local": client.getsockname(), "remote": server.getsockname()}


def send_message(parts: list[bytes]) -> dict[str, Any]:
    """Call sendmsg on a connected stream."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    return {**_ends(client), "result": client.sendmsg(parts)}


def receive_message(parts: list[bytes]) -> dict[str, Any]:
    """Call recvmsg on an accepted stream."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    client.sendmsg(parts)
    accepted, _ = server.accept()
    data = accepted.recvmsg(300)[0]
    return {**_ends(accepted), "data": data}


def send_nowhere() -> int:
    """Call sendto on a descriptor that is no socket."""
    return call("sendto", 0, b"x", 1, 0, None, 0)


def connect_and_send() -> None:
    """Send over a TCP connection, from a datagram socket that names its peer, and over a connected datagram socket."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    assert call("sendto", client.fileno(), b"x", 1, 0, 0, 0) == 1
    assert call("sendto", client.fileno(), b"x", 1, 0, 0, 0) == 1
    listener = socket.socket(AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    sender = socket.socket(AF_INET, socket.SOCK_DGRAM)
    peer = packed(AF_INET, *listener.getsockname())
    assert call("sendto", sender.fileno(), b"x", 1, 0, peer, len(peer)) == 1
    assert call("sendto", socket.socket().fileno(), b"x", 1, 0, 0, 0) < 0


def send_without_address() -> list[int]:
    """Send through connections of every kind, one of them half closed, and through a socket without one; return the
    results."""
    results = []
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        other, _ = server.accept()
        results.append(call("sendto", client.fileno(), b"x", 1, 0, None, 0))
        other.shutdown(socket.SHUT_WR)
        client.recv(1)
        results.append(call("sendto", client.fileno(), b"x", 1, 0, None, 0))  # in CLOSE_WAIT
        other.close()
    with socket.socketpair()[0] as pair:
        results.append(call("sendto", pair.fileno(), b"x", 1, 0, None, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        results.append(call("sendto", datagrams.fileno(), b"x", 1, 0, None, 0))
        datagrams.connect(("127.0.0.1", 9))
        results.append(call("sendto", datagrams.fileno(), b"x", 1, 0, None, 0))
    return results


def connect_each(kind: int, targets: list[tuple[str, int]]) -> list[int]:
    """Connect a socket of this kind to each address and port; return the results of connect, negative errors."""
    found = []
    for host, port in targets:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, kind) as sock:
            found.append(-sock.connect_ex((host, port)))
    return found


def connect_oddly() -> list[int]:
    """Make connects whose ends are in doubt; return their results."""
    datagram, listening, sixth = socket.socket(AF_INET, socket.SOCK_DGRAM), socket.socket(), socket.socket(AF_INET6)
    datagram.bind(("127.0.0.1", 0))
    listening.listen()
    there = packed(AF_INET, "127.0.0.7", 9)
    return [
        call("connect", datagram.fileno(), there, 16),
        call("connect", datagram.fileno(), bytes(16), 16),  # AF_UNSPEC: it is disconnected
        call("connect", datagram.fileno(), there, 4),
        call("connect", datagram.fileno(), 1, 16),
        call("connect", listening.fileno(), there, 16),
        call("connect", sixth.fileno(), there, 16),
        call("connect", os.open("/dev/null", os.O_RDONLY), there, 16),
        call("connect", 9999, there, 16),
    ]
