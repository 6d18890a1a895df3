"""An engine that records its requests, and an alert about one of its containers."""

from collections.abc import Mapping

from mozu.core.api import AlertProcess, Container, Incident
from mozu.core.testing import alert
from mozu.plugins.responders.container_engines.control import EngineContainer

IDENT = "ab" * 32


class Target:
    """Process that exists."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def name(self) -> str:
        return "sleep"

    def signal(self, number: int) -> bool:
        return True


class Engine:
    """Engine with one container, whose first process is `pid`; 0 if it has ended."""

    def __init__(self, pid: int = 7, *, is_paused: bool = False, refuses: bool = False) -> None:
        self._pid, self._is_paused, self._refuses = pid, is_paused, refuses
        self.asked: list[str] = []

    def control(self, detail: Mapping[str, str]) -> "Engine":
        assert detail == {"engine": "docker", "container": IDENT}
        return self

    async def state(self, full_id: str) -> EngineContainer | None:
        return EngineContainer(self._pid, self._is_paused) if self._pid else None

    async def pause(self, full_id: str) -> None:
        self.asked.append("pause")
        self._is_paused = True
        if self._refuses:
            raise RuntimeError("it is paused already")

    async def resume(self, full_id: str) -> None:
        self.asked.append("resume")
        self._is_paused = False

    async def kill(self, full_id: str) -> None:
        self.asked.append("kill")


def of_runtime(runtime: str) -> Incident:
    return Incident(alert(), AlertProcess(9, name="sh", container=Container(IDENT, runtime)))
