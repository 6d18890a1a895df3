"""The listener on a path; the one on addresses is tested with the source falco_http (tests/plugins/sources)."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from mozu.core.common.http.listen_address import ListenAddress
from mozu.core.common.http.listener import ConnectionLimits, Listener, try_bind

LIMITS = ConnectionLimits(connections=4, per_peer=4, seconds=5.0)


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"here")
        transport.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "http.sock"


def listener(path: Path) -> Listener:
    return Listener(ListenAddress(path=str(path)), LIMITS, Echo, lambda reason: None)


def test_a_socket_is_for_its_owner_alone_and_goes_with_the_listener(path: Path) -> None:
    async def scenario() -> None:
        one = listener(path)
        await one.open(None)
        assert 0o600 == stat.S_IMODE(os.stat(path).st_mode)
        reader, writer = await asyncio.open_unix_connection(path)
        assert b"here" == await reader.read()
        writer.close()
        await writer.wait_closed()
        await one.close()

    asyncio.run(scenario())
    assert not path.exists()


def test_a_socket_that_a_run_has_left_behind_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    try_bind(ListenAddress(path=str(path)))

    assert not path.exists()


def test_a_socket_at_which_another_listens_is_not_touched(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(OSError, match="another process listens there"):
            try_bind(ListenAddress(path=str(path)))
    assert path.exists()


def test_a_file_that_is_no_socket_is_not_touched(path: Path) -> None:
    path.write_text("mine")

    with pytest.raises(FileExistsError):
        try_bind(ListenAddress(path=str(path)))

    assert "mine" == path.read_text()
