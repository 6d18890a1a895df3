"""A gRPC server that accepts connections and does not answer."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.common import grpc_calls
from mozu.core.common.grpc_calls import GrpcCalls

SOON = "a moment ago"


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(8)
        yield path


async def failures(calls: GrpcCalls, number: int) -> list[str]:
    """Return the errors of `number` simultaneous calls."""
    asked = (calls.call("/a.B/C", b"") for _ in range(number))
    return [str(one) for one in await asyncio.gather(*asked, return_exceptions=True)]


def test_a_server_that_did_not_answer_is_left_alone_for_a_while(silent: Path) -> None:
    async def main() -> list[str]:
        calls = GrpcCalls(silent, 0.05)
        found = [*await failures(calls, 1), *await failures(calls, 3)]
        calls.close()
        return found

    first, *others = asyncio.run(main())
    assert (False, True) == (SOON in first, all(SOON in text for text in others))


def test_then_one_call_tries_it_and_the_others_do_not_wait(silent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_calls, "_RETRY_INTERVALS", (0.0, 0.0))

    async def main() -> list[str]:
        calls = GrpcCalls(silent, 0.05)
        await failures(calls, 1)
        found = await failures(calls, 5)
        calls.close()
        return found

    found = asyncio.run(main())
    assert 1 == len([text for text in found if SOON not in text])


def test_one_that_was_slow_once_is_asked_again_soon_and_one_that_hangs_ever_less_often(silent: Path) -> None:
    async def main() -> list[bool]:
        asked, now = [], [0.0]
        calls = GrpcCalls(silent, 0.05, clock=lambda: now[0])
        for now[0] in (0.0, 0.4, 0.6, 1.2, 1.7):
            found = await failures(calls, 1)
            asked.append(SOON not in found[0])
        calls.close()
        return asked

    assert [True, False, True, False, True] == asyncio.run(main())


def test_a_socket_that_was_replaced_is_asked_at_once(silent: Path) -> None:
    async def main() -> list[str]:
        calls = GrpcCalls(silent, 0.05)
        await failures(calls, 1)
        silent.rename(silent.with_name("old"))  # noqa: ASYNC240  a rename in a test does not block
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(silent))
            server.listen(8)
            found = await failures(calls, 1)
        calls.close()
        return found

    assert SOON not in asyncio.run(main())[0]


def test_a_socket_that_was_taken_away_and_is_back_is_asked_at_once(silent: Path) -> None:
    """Check because a file system may give the inode of the removed socket to the new one."""

    async def main() -> list[str]:
        calls = GrpcCalls(silent, 0.05)
        await failures(calls, 1)
        silent.rename(silent.with_name("away"))  # noqa: ASYNC240  a rename in a test does not block
        silent.with_name("away").rename(silent)
        found = await failures(calls, 1)
        calls.close()
        return found

    assert SOON not in asyncio.run(main())[0]
