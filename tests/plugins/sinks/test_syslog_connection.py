"""Behaviour of a connection if the other side closes, hangs, or is absent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mozu.core.api import Record
from mozu.core.runtime.loop import run
from mozu.core.testing import alert, check_sink, context, records
from mozu.plugins.sinks.syslog import SyslogSettings, SyslogSink
from tests.support.rfc5424 import frames, parse


class Receiver:
    """Server that takes connections; `streams` has the bytes of each."""

    def __init__(self) -> None:
        self.streams: list[bytearray] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = bytearray()
        self.streams.append(stream)
        self.writers.append(writer)
        while data := await reader.read(1 << 16):
            stream += data
        writer.close()

    async def has(self, *counts: int) -> None:
        """Wait until the connections have got `counts` messages, one number for each connection."""
        async with asyncio.timeout(10):
            while [len(numbers) for numbers in self.numbers()] != list(counts):
                await asyncio.sleep(0.005)

    async def ended(self) -> None:
        """Wait until the first connection has been closed by the sink."""
        async with asyncio.timeout(10):
            while not self.writers or not self.writers[0].is_closing():
                await asyncio.sleep(0.005)

    def numbers(self) -> list[list[str]]:
        return [
            [parse(frame).data["mozu@32473"]["sequence"] for frame in frames(bytes(stream))] for stream in self.streams
        ]


@asynccontextmanager
async def receiver(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.take, host, 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
        for writer in made.writers:
            writer.close()


def sink(port: int, **settings: Any) -> SyslogSink:
    made = SyslogSettings(**{"transport": "tcp", "host": "127.0.0.1", "port": port, "timeout": 5, **settings})
    return SyslogSink(made, context("siem"))


def batch(count: int) -> list[Record]:
    return records(*(alert(f"rule {number}") for number in range(count)))


async def until_delivered(under_test: SyslogSink, batch: Sequence[Record]) -> int:
    """Deliver the batch; return how often the delivery failed before."""
    failures = 0
    while True:
        try:
            await under_test.deliver(batch)
        except OSError:
            failures += 1
            await asyncio.sleep(0.01)
        else:
            return failures


@pytest.mark.parametrize("framing", ["octets", "lines"])
def test_the_sink_keeps_the_contract_and_its_frames_are_whole(framing: str) -> None:
    async def main() -> bytes:
        async with receiver() as there:
            await check_sink(sink(there.port, framing=framing))
            await there.ended()
            return bytes(there.streams[0])

    stream = run(main())
    found = frames(stream) if framing == "octets" else stream.splitlines()
    assert [parse(frame).msgid for frame in found] == ["A-rule", "Another-rule"]


def test_a_receiver_without_a_number_of_version_4_is_reached() -> None:
    async def main() -> None:
        async with receiver("::1") as there:
            await check_sink(sink(there.port, host="::1"))
            await there.has(2)

    run(main())


def test_a_closed_connection_is_noticed_before_anything_is_written_into_it() -> None:
    async def main() -> tuple[int, list[list[str]]]:
        async with receiver() as there:
            under_test, records = sink(there.port, resend=0), batch(4)
            await under_test.deliver(records[:2])
            await there.has(2)
            there.writers[0].close()
            await there.writers[0].wait_closed()
            failures = await until_delivered(under_test, records[2:])
            await there.has(2, 2)
            await under_test.stop()
            return failures, there.numbers()

    assert run(main()) == (1, [["1", "2"], ["3", "4"]])


def test_the_last_messages_are_sent_again_after_a_connection_that_broke() -> None:
    async def main() -> list[list[str]]:
        async with receiver() as there:
            under_test, records = sink(there.port, resend=3), batch(6)
            await under_test.deliver(records[:5])
            await there.has(5)
            there.writers[0].transport.abort()
            await there.writers[0].wait_closed()
            await until_delivered(under_test, records[5:])
            await there.has(5, 4)
            await under_test.stop()
            return there.numbers()

    assert run(main()) == [["1", "2", "3", "4", "5"], ["3", "4", "5", "6"]]


def test_they_are_sent_again_also_if_nothing_else_is_to_be_sent() -> None:
    async def main() -> None:
        async with receiver() as there, asyncio.TaskGroup() as group:
            tasks = []
            settings = SyslogSettings(transport="tcp", host="127.0.0.1", port=there.port)
            made = context("siem", spawn=lambda work, name: tasks.append(group.create_task(awaited(work))))
            under_test = SyslogSink(settings, made)
            await under_test.deliver(batch(2))
            await there.has(2)
            there.writers[0].transport.abort()
            await there.has(2, 2)
            await under_test.stop()
            tasks[0].cancel()

    run(main())


def test_they_are_sent_again_at_the_latest_when_mozu_stops() -> None:
    async def main() -> None:
        async with receiver() as there:
            under_test = sink(there.port)
            await under_test.deliver(batch(2))
            await there.has(2)
            there.writers[0].transport.abort()
            await there.writers[0].wait_closed()
            await under_test.stop()
            await there.has(2, 2)

    run(main())


async def awaited(work: Awaitable[None]) -> None:
    await work


def test_a_receiver_that_reads_nothing_is_given_up() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            under_test = sink(silent.getsockname()[1], timeout=0.3)
            item = batch(1)[0]
            item.body = b"x" * 60_000
            for _ in range(200):
                await under_test.deliver([item] * 100)

    with pytest.raises(TimeoutError):
        run(main())


def test_a_port_where_nobody_listens_is_an_error_to_try_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        run(sink(port).deliver(batch(1)))


def test_a_name_without_an_address_is_an_error_to_try_again() -> None:
    with pytest.raises(OSError, match=r"(?i)name|address|resol"):
        run(sink(1, host="nowhere.invalid").deliver(batch(1)))


def test_a_certificate_file_that_is_missing_is_an_error_to_try_again() -> None:
    async def main() -> None:
        async with receiver() as there:
            await sink(there.port, transport="tls", tls={"ca": "/nowhere.pem"}).deliver(batch(1))

    with pytest.raises(OSError, match=r"tls\.ca: /nowhere\.pem cannot be used: No such file"):
        run(main())


def test_a_local_daemon_that_is_missing_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"/nowhere/log: No such file"):
        run(SyslogSink(SyslogSettings(path="/nowhere/log"), context()).deliver(batch(1)))


def test_a_local_daemon_that_reads_slowly_gets_everything(tmp_path: Any) -> None:
    async def main(listening: socket.socket) -> list[bytes]:
        under_test = SyslogSink(SyslogSettings(path=tmp_path / "log"), context("siem"))
        reading = asyncio.to_thread(lambda: [listening.recv(1 << 16) for _ in range(2000)])
        _, seen = await asyncio.gather(under_test.deliver(batch(2000)), reading)
        await under_test.stop()
        return seen

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "log"))
        assert len(run(main(listening))) == 2000


def test_a_key_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="a key needs its certificate"):
        SyslogSettings(transport="tls", tls={"key": "/k.pem"})


def test_the_password_of_a_key_never_prints() -> None:
    made = SyslogSettings(transport="tls", tls={"certificate": "/c.pem", "key_password": "hunter2"})
    assert "hunter2" not in f"{made!r} {made.model_dump_json()}"
