"""Notifications to a service manager by sd_notify(3)."""

import asyncio
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.runtime.service_manager import ServiceManager
from tests.core.runtime.engine.playing import Memory, Numbers, Play


class Listener:
    """The manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def reported(self) -> list[str]:
        """Return all received messages."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def listener(address: str) -> Iterator[Listener]:
    found = Listener(address)
    yield found
    found.socket.close()


def test_a_run_tells_when_it_watches_and_when_it_stops(tmp_path: Path, address: str, listener: Listener) -> None:
    play = Play(Numbers(1), Memory(), manager=ServiceManager(address))
    play.run(tmp_path, announces=True)

    ready, stopping = listener.reported()
    assert ready == "READY=1\nSTATUS=watching by numbers; alerts go to memory0"
    assert stopping == "STOPPING=1\nSTATUS=the sources have ended"


def test_a_reload_is_reported_with_its_time_and_followed_by_ready(
    tmp_path: Path, address: str, listener: Listener
) -> None:
    async def reload() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        while not seen or not any("RELOADING" in one for one in seen[:-1]):
            seen.extend(listener.reported())
            await asyncio.sleep(0.01)

    seen: list[str] = []
    Play(Numbers(1, then=reload), Memory(), manager=ServiceManager(address)).run(tmp_path)
    seen += listener.reported()

    begins = [number for number, one in enumerate(seen) if one.startswith("RELOADING=1\n")]
    assert [re.sub(r"\d+$", "N", seen[at]) for at in begins] == ["RELOADING=1\nMONOTONIC_USEC=N"]
    assert seen[begins[0] + 1].startswith("READY=1\n")


def test_the_loop_gives_signs_of_life_only_where_a_watchdog_waits_for_them(address: str, listener: Listener) -> None:
    with closing(ServiceManager(address)) as unwatched:
        unwatched.loop_answers()
    assert listener.reported() == []

    with closing(ServiceManager(address, watchdog_seconds=20)) as watched:
        watched.loop_answers()
    assert listener.reported() == ["WATCHDOG=1"]


def test_the_environment_is_taken_so_that_no_child_speaks_for_the_service(address: str, listener: Listener) -> None:
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid()), "A": "b"}
    with closing(ServiceManager.of(environment)) as manager:
        manager.loop_answers()

    assert environment == {"A": "b"}
    assert listener.reported() == ["WATCHDOG=1"]


def test_a_watchdog_that_is_meant_for_another_process_is_not_fed(address: str, listener: Listener) -> None:
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}
    with closing(ServiceManager.of(environment)) as manager:
        manager.loop_answers()

    assert listener.reported() == []


def test_an_abstract_socket_is_one() -> None:
    name = f"mozu-test-{os.getpid()}"
    listener = Listener(f"\0{name}")
    with closing(ServiceManager(f"@{name}")) as manager:
        manager.stopping("a reason\nof two lines")
    assert listener.reported() == ["STOPPING=1\nSTATUS=a reason of two lines"]
    listener.socket.close()


def test_a_manager_that_is_gone_is_one_line_of_the_log(address: str, caplog: pytest.LogCaptureFixture) -> None:
    manager = ServiceManager(address)
    with caplog.at_level(logging.WARNING):
        manager.ready([], [])
        manager.ready([], [])

    assert [record.getMessage() for record in caplog.records] == [
        f"notifications to the service manager at {address} stop: [Errno 2] No such file or directory"
    ]
