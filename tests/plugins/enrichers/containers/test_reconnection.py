"""The back-off between connections, which ends at once if a socket appears."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mozu.plugins.enrichers.containers import runtime_api
from mozu.plugins.enrichers.containers.runtime_api import Reconnection

PATIENCE = 20.0
LONG = 3600.0


@pytest.fixture(autouse=True)
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pauses so long that a wait that is not ended is noticed."""
    monkeypatch.setattr(runtime_api, "_PAUSES", (LONG, LONG))
    monkeypatch.setattr(runtime_api, "LOOK_INTERVAL", LONG)


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def waited(path: Path, act: Callable[[], None]) -> None:
    """Call `act` during a wait. Raises TimeoutError if the wait does not end."""

    async def main() -> None:
        with closing(Reconnection(path)) as pauses:
            pauses.begin()
            asyncio.get_running_loop().call_soon(act)
            await asyncio.wait_for(pauses.wait(), PATIENCE)

    asyncio.run(main())


def test_a_server_that_was_killed_left_its_socket_and_the_next_one_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    bind(path)

    def restarted() -> None:
        path.unlink()
        bind(path)

    waited(path, restarted)


def test_a_socket_comes_where_none_was(tmp_path: Path) -> None:
    waited(tmp_path / "sock", lambda: bind(tmp_path / "sock"))


def test_a_directory_comes_with_the_socket_in_it(tmp_path: Path) -> None:
    def made() -> None:
        (tmp_path / "run").mkdir()
        bind(tmp_path / "run/sock")

    waited(tmp_path / "run/sock", made)


def test_one_that_came_while_a_connection_was_tried_is_tried_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        with closing(Reconnection(tmp_path / "sock")) as pauses:
            pauses.begin()
            bind(tmp_path / "sock")
            await asyncio.wait_for(pauses.wait(), PATIENCE)

    asyncio.run(main())


def test_a_server_that_ends_after_a_connection_and_comes_back_is_tried_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    bind(path)

    async def main() -> None:
        with closing(Reconnection(path)) as pauses:
            pauses.begin()
            pauses.succeeded()
            path.unlink()
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                group.create_task(pauses.wait())
                await asyncio.sleep(0)  # let it wait
                bind(path)

    asyncio.run(main())


def test_a_socket_that_refuses_and_stays_is_tried_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_api, "_PAUSES", (0.001, 0.001))
    bind(tmp_path / "sock")
    waited(tmp_path / "sock", lambda: None)
