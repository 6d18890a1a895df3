"""accept, accept4 and the calls that send and receive."""

import errno
import socket
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.event import SockTuple
from tests.support.acts import sockets
from tests.support.live import Live

pytestmark = pytest.mark.ebpf

INET, INET6 = int(socket.AF_INET), int(socket.AF_INET6)


def client_first(family: int, client: tuple[str, int], server: tuple[str, int]) -> SockTuple:
    """Return both ends of a connection, the client's first."""
    (a, p), (b, q) = client, server
    return SockTuple(family, socket.inet_pton(family, a), p, socket.inet_pton(family, b), q)


def of_server(family: int, truth: dict[str, Any]) -> SockTuple:
    """Return the tuple of a server's end."""
    return client_first(family, truth["remote"], truth["local"])


@pytest.mark.parametrize("name", ["accept", "accept4"])
@pytest.mark.parametrize(("family", "host"), [(INET, "127.0.0.1"), (INET6, "::1")])
def test_an_accepted_connection_tells_both_ends_client_first_and_its_queue(
    live: Live, name: str, family: int, host: str
) -> None:
    act = live.act(sockets.accept, name, family, host)

    event, both = act.last(name), of_server(family, act.value)
    assert event.args[:5] == (act.value["fd"], both, 25, 1, 4)
    assert event.file is not None
    assert (event.file.sock, event.file.role, event.file.connected) == (both, "server", True)


def test_accept4_tells_its_flags(live: Live) -> None:
    event = live.act(sockets.accept, "accept4", INET, "127.0.0.1").last("accept4")

    assert event.args[5] == int(socket.SOCK_CLOEXEC)


def test_an_accepted_unix_connection_tells_the_server_s_path(live: Live, tmp_path: Path) -> None:
    event = live.act(sockets.accept_unix, str(tmp_path / "socket")).last("accept")

    assert event.file is not None
    assert (event.args[1].path, event.file.kind) == (str(tmp_path / "socket"), "unix")


def test_a_failed_accept_has_neither_ends_nor_a_queue(live: Live) -> None:
    event = live.act(sockets.accept_nothing, 0).last("accept")

    assert event.args == (-errno.ENOTSOCK, None, 0, 0, 0)


def test_sendto_tells_data_size_and_the_address_it_names(live: Live) -> None:
    act = live.act(sockets.send, b"hello\0world")

    event, truth = act.last("sendto"), act.value
    both = client_first(INET, truth["local"], truth["remote"])
    assert event.args == (11, b"hello\0world", truth["fd"], 11, both)


def test_data_is_cut_after_eighty_bytes(live: Live) -> None:
    event = live.act(sockets.send, b"x" * 500).last("sendto")

    assert (event.args[0], event.args[1], event.args[3]) == (500, b"x" * 80, 500)


def test_recvfrom_tells_data_and_the_sender(live: Live) -> None:
    act = live.act(sockets.receive, b"hello")

    event, truth = act.last("recvfrom"), act.value
    both = client_first(INET, truth["local"], truth["remote"])
    assert event.args == (5, b"hello", both, truth["fd"], 1000)


def test_sendmsg_tells_the_length_of_all_parts_and_both_ends(live: Live) -> None:
    act = live.act(sockets.send_message, [b"one", b"three", b""])

    event, truth = act.last("sendmsg"), act.value
    both = client_first(INET, truth["local"], truth["remote"])
    assert event.args == (8, b"onethree", truth["fd"], 8, both)


def test_recvmsg_tells_what_arrived(live: Live) -> None:
    act = live.act(sockets.receive_message, [b"one", b"three"])

    event, truth = act.last("recvmsg"), act.value
    assert (event.args[0], event.args[1], event.args[2], event.args[3], event.args[5]) == (
        8, 300, truth["data"], of_server(INET, truth), truth["fd"],
    )  # fmt: skip


def test_a_failed_sendto_tells_what_was_to_be_sent(live: Live) -> None:
    event = live.act(sockets.send_nowhere).last("sendto")

    assert event.args == (-errno.ENOTSOCK, b"x", 0, 1, None)
