"""connect, socket, bind, listen and the dups: both ends, addresses as given, kinds of descriptors."""

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.syscalls import flag_names
from tests.support.acts import sockets
from tests.support.live import Live

pytestmark = pytest.mark.ebpf

INET, INET6, UNIX = int(socket.AF_INET), int(socket.AF_INET6), int(socket.AF_UNIX)
STREAM, DGRAM = int(socket.SOCK_STREAM), int(socket.SOCK_DGRAM)


def ip(family: int, text: str) -> bytes:
    """Return the bytes of an address."""
    return socket.inet_pton(family, text)


def pair(family: int, truth: dict[str, Any]) -> SockTuple:
    """Return both ends as the socket itself reports them."""
    (source, sport), (dest, dport) = truth["local"], truth["remote"]
    return SockTuple(family, ip(family, source), sport, ip(family, dest), dport)


def of(event: SyscallEvent) -> File:
    """Return the event's file."""
    assert event.file is not None
    return event.file


@pytest.mark.parametrize(
    ("family", "kind", "host", "name"),
    [
        (INET, STREAM, "127.0.0.1", "tcp"),
        (INET, DGRAM, "127.0.0.1", "udp"),
        (INET6, STREAM, "::1", "tcp"),
        (INET6, DGRAM, "::1", "udp"),
    ],
)
def test_a_connection_tells_both_ends_and_the_address_asked_for(
    live: Live, family: int, kind: int, host: str, name: str
) -> None:
    act = live.act(sockets.connect, family, kind, host)

    event, both = act.last("connect"), pair(family, act.value)
    assert event.args == (0, both, act.value["fd"], SockAddr(family, ip(family, host), act.value["port"]))
    file = of(event)
    assert (file.kind, file.sock, file.role, file.l4proto, file.connected) == (
        "ipv4" if family == INET else "ipv6", both, "client", name, True,
    )  # fmt: skip


def test_the_name_of_a_connection_is_client_to_server(live: Live) -> None:
    act = live.act(sockets.connect, INET, STREAM, "127.0.0.1")

    (a, p), (b, q) = act.value["local"], act.value["remote"]
    assert of(act.last("connect")).name == f"{a}:{p}->{b}:{q}"


def test_ipv4_in_ipv6_is_ipv4(live: Live) -> None:
    act = live.act(sockets.connect, INET6, STREAM, "::", "::ffff:127.0.0.1")

    event = act.last("connect")
    sport, dport = act.value["local"][1], act.value["remote"][1]
    loopback = ip(INET, "127.0.0.1")
    assert (of(event).kind, event.args[1]) == ("ipv4", SockTuple(INET, loopback, sport, loopback, dport))


@pytest.mark.parametrize(("family", "host"), [(INET, "127.0.0.1"), (INET6, "::1")])
def test_a_refused_connection_has_no_tuple_but_a_file_with_the_address(live: Live, family: int, host: str) -> None:
    act = live.act(sockets.refused, family, host)

    event, port = act.last("connect"), act.value["port"]
    assert event.args == (-errno.ECONNREFUSED, None, act.value["fd"], SockAddr(family, ip(family, host), port))
    sock = of(event).sock
    assert sock is not None
    assert (sock.dest, sock.dport, of(event).connected) == (ip(family, host), port, False)


def test_a_pending_connection_has_a_tuple_and_is_not_connected(live: Live) -> None:
    act = live.act(sockets.pending)

    event = act.last("connect")
    both = pair(INET, {"local": act.value["local"], "remote": ("127.0.0.1", act.value["port"])})
    assert (event.args[0], event.args[1], of(event).connected) == (-errno.EINPROGRESS, both, False)


@pytest.mark.parametrize("abstract", [False, True])
def test_a_unix_connection_tells_the_server_s_path(live: Live, tmp_path: Path, abstract: bool) -> None:
    path = f"\0mozu-test-{os.getpid()}" if abstract else str(tmp_path / "socket")
    event = live.act(sockets.connect_unix, path, True).last("connect")

    both, plain = event.args[1], path.lstrip("\0")
    assert (event.args[0], both.family, both.path, event.args[3]) == (0, UNIX, plain, SockAddr(UNIX, path=path))
    assert (of(event).kind, of(event).connected, of(event).name.partition(" ")[2]) == ("unix", True, plain)
    assert both.source_pointer != 0 != both.dest_pointer


def test_a_failed_unix_connection_tells_the_address(live: Live) -> None:
    event = live.act(sockets.connect_unix, "/nonexistent/socket", False).last("connect")

    assert (event.args[0], event.args[1], event.args[3]) == (
        -errno.ENOENT, None, SockAddr(UNIX, path="/nonexistent/socket"),
    )  # fmt: skip


def test_socket_tells_domain_type_protocol_and_flags(live: Live) -> None:
    kind = STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    act = live.act(sockets.make, INET, kind, 6)

    event = act.last("socket")
    assert event.args[:4] == (act.value, INET, kind, 6)
    assert set(flag_names("file_flags", event.args[4]).split("|")) == {"O_CLOEXEC", "O_NONBLOCK"}
    assert (event.fd, of(event).kind, of(event).name) == (act.value, "ipv4", "")


def test_a_failed_socket_has_no_file(live: Live) -> None:
    event = live.act(sockets.make, 99, STREAM, 0).last("socket")

    assert (event.args, event.fd, event.file) == ((-errno.EAFNOSUPPORT, 99, STREAM, 0, 0), -errno.EAFNOSUPPORT, None)


@pytest.mark.parametrize(("family", "host"), [(INET, "127.0.0.1"), (INET6, "::1")])
def test_bind_tells_the_address_as_given(live: Live, family: int, host: str) -> None:
    act = live.act(sockets.bind, family, host, False)

    assert act.last("bind").args == (0, SockAddr(family, ip(family, host), 0), act.value["fd"])


def test_a_listening_socket_has_the_address_that_it_listens_on(live: Live) -> None:
    act = live.act(sockets.bind, INET, "127.0.0.1", True)

    event, (host, port) = act.last("listen"), act.value["local"]
    assert (event.args, of(event).role, of(event).name) == ((0, act.value["fd"], 7), "listening", f"{host}:{port}")


@pytest.mark.parametrize("name", ["dup2", "dup3"])
def test_a_copied_connection_is_the_same_connection(live: Live, name: str) -> None:
    act = live.act(sockets.copy_connection, name, 0)

    event = next(e for e in act.of(name) if e.args[1] == act.value["fd"])
    assert (event.args[:3], event.fd, of(event).kind, of(event).sock) == (
        (0, act.value["fd"], 0), 0, "ipv4", pair(INET, act.value),
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["file", "directory", "pipe", "memfd", "event", "eventpoll", "signalfd", "timerfd", "inotify", "pidfd", "netlink"],
)
def test_a_descriptor_s_kind_is_asked_of_the_kernel(live: Live, tmp_path: Path, kind: str) -> None:
    path = tmp_path
    if kind == "file":
        path = tmp_path / "file"
        path.touch()
    act = live.act(sockets.copy, kind, str(path))

    event = act.last("dup")
    assert (event.args, event.fd, of(event).kind) == ((act.value["result"], act.value["fd"]), act.value["result"], kind)


def test_a_copied_file_has_the_path_of_the_file(live: Live, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    act = live.act(sockets.copy, "file", str(tmp_path / "file"))

    file, link = of(act.last("dup")), act.value["link"]
    assert (file.name, file.realpath, file.ino) == (link, link, (tmp_path / "file").stat().st_ino)


def test_a_failed_dup_tells_the_error(live: Live) -> None:
    event = live.act(sockets.copy, "none", "").last("dup")

    assert (event.args, event.file) == ((-errno.EBADF, 999), None)
