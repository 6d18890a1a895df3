"""gRPC over a unix socket, against a server of the same library."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from mozu.core.common.grpc_calls import GrpcCalls, _Bytes
from mozu.core.common.unix_socket import Unimplemented

Answer = Callable[[Any], Awaitable[None]]


class Service:
    """A service with one method of each kind."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __mapping__(self) -> dict[str, Handler]:
        return {
            "/x.X/One": Handler(self._answer, Cardinality.UNARY_UNARY, bytes, bytes),
            "/x.X/Many": Handler(self._answer, Cardinality.UNARY_STREAM, bytes, bytes),
        }


async def echo(stream: Any) -> None:
    await stream.send_message(await stream.recv_message())


def failing(status: Status) -> Answer:
    async def answer(stream: Any) -> None:
        await stream.recv_message()
        raise GRPCError(status, "it says so")

    return answer


async def silent(stream: Any) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def calls_to(path: Path, answer: Answer, *, seconds: float = 20.0) -> AsyncIterator[GrpcCalls]:
    server = Server([Service(answer)], codec=_Bytes())
    await server.start(path=str(path))
    calls = GrpcCalls(path, seconds)
    try:
        yield calls
    finally:
        calls.close()
        server.close()
        await server.wait_closed()


def test_an_answer_comes_back_as_it_was_given(tmp_path: Path) -> None:
    async def main() -> tuple[bytes | None, list[bytes]]:
        async with calls_to(tmp_path / "sock", echo) as calls:
            return await calls.call("/x.X/One", b"\0\1"), [one async for one in calls.answers("/x.X/Many", b"2")]

    assert (b"\0\1", [b"2"]) == asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.UNIMPLEMENTED, Unimplemented),
        (Status.PERMISSION_DENIED, PermissionError),
        (Status.UNAVAILABLE, ConnectionError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_status_is_an_oserror_that_says_why(tmp_path: Path, status: Status, error: type[OSError]) -> None:
    async def main() -> None:
        async with calls_to(tmp_path / "sock", failing(status)) as calls:
            with pytest.raises(error, match="it says so"):
                await calls.call("/x.X/One", b"")
            with pytest.raises(error, match="it says so"):
                [one async for one in calls.answers("/x.X/Many", b"")]

    asyncio.run(main())


def test_not_found_is_no_error(tmp_path: Path) -> None:
    async def main() -> bytes | None:
        async with calls_to(tmp_path / "sock", failing(Status.NOT_FOUND)) as calls:
            return await calls.call("/x.X/One", b"")

    assert asyncio.run(main()) is None


def test_a_server_that_does_not_answer_in_time_costs_the_next_call_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with calls_to(tmp_path / "sock", silent, seconds=0.05) as calls:
            with pytest.raises(TimeoutError):
                await calls.call("/x.X/One", b"")
            with pytest.raises(TimeoutError, match="a moment ago"):
                await calls.call("/x.X/One", b"")

    asyncio.run(main())


def test_a_socket_that_was_replaced_is_connected_to_anew(tmp_path: Path) -> None:
    async def main() -> list[bytes | None]:
        async with calls_to(tmp_path / "sock", failing(Status.NOT_FOUND)) as calls:
            found = [await calls.call("/x.X/One", b"1")]
            async with calls_to(tmp_path / "new", echo):
                (tmp_path / "new").rename(tmp_path / "sock")
                found.append(await calls.call("/x.X/One", b"2"))
        return found

    assert [None, b"2"] == asyncio.run(main())


def test_without_a_server_a_call_raises_oserror(tmp_path: Path) -> None:
    async def main() -> None:
        calls = GrpcCalls(tmp_path / "none", 5.0)
        with pytest.raises(OSError, match="No such file"):
            await calls.call("/x.X/One", b"")
        calls.close()

    asyncio.run(main())
