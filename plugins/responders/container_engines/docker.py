"""Control of docker's containers through the API of its engine: https://docs.docker.com/reference/api/engine."""

from pathlib import Path
from urllib.parse import quote

import msgspec

from mozu.core.common.http.over_unix_socket import BrokenAnswer, request
from mozu.plugins.responders.container_engines.control import EngineContainer

_LIMIT = 16 << 20


class _State(msgspec.Struct, rename="pascal"):
    running: bool = False
    """True also for a paused container."""
    paused: bool = False
    pid: int = 0


class _Inspected(msgspec.Struct, rename="pascal"):
    state: _State


class _Refusal(msgspec.Struct):
    message: str = ""


class DockerControl:
    """A client of one engine. Paths without a version mean the newest that the engine has."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self._socket, self._timeout = socket, timeout

    async def state(self, full_id: str) -> EngineContainer | None:
        """Return the container's state; see `EngineControl`."""
        status, body = await self._asked("GET", full_id, "json")
        if status == 404:
            return None
        _check(status, body)
        found = msgspec.json.decode(body, type=_Inspected).state
        return EngineContainer(found.pid, found.paused) if found.running else None

    async def pause(self, full_id: str) -> None:
        """Pause the container; see `EngineControl`."""
        _check(*await self._asked("POST", full_id, "pause"))

    async def resume(self, full_id: str) -> None:
        """Resume the container; see `EngineControl`."""
        _check(*await self._asked("POST", full_id, "unpause"))

    async def kill(self, full_id: str) -> None:
        """Kill the container; see `EngineControl`."""
        _check(*await self._asked("POST", full_id, "kill?signal=SIGKILL"))

    async def _asked(self, method: str, full_id: str, what: str) -> tuple[int, bytes]:
        path = f"/containers/{quote(full_id, safe='')}/{what}"
        try:
            async with request(self._socket, method, path, self._timeout) as answer:
                return answer.status, await answer.whole(_LIMIT)
        except BrokenAnswer as error:
            raise RuntimeError(str(error)) from error


def _check(status: int, body: bytes) -> None:
    if status < 400:
        return
    try:
        message = msgspec.json.decode(body, type=_Refusal).message
    except msgspec.DecodeError:
        message = ""
    raise RuntimeError(f"docker answers with status {status}: {message[:500]}")
