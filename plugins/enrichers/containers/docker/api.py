"""The docker engine's API over its unix socket: five calls, no client library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from mozu.core.common.http.over_unix_socket import Answer, BrokenAnswer, request
from mozu.core.model.containers.image import ImageNames
from mozu.plugins.enrichers.containers.docker.documents import Described, EngineEvent, Inspected, InspectedImage, Listed

UNREACHABLE: Final = (OSError, BrokenAnswer, TimeoutError, msgspec.DecodeError)
"""Errors that a call raises if the engine is absent, slow, stops in the middle, or answers anything but JSON."""

_NEWEST: Final = (1, 45)
"""The newest version of the API whose documents are known here; with an older engine its own version is used."""

_LIMIT: Final = 16 << 20
_MAX_REQUESTS: Final = 16
"""The most requests at the same time."""
_FILTERS: Final = '{"type":["container"],"event":["create","start","rename","destroy"]}'

_listed = msgspec.json.Decoder(list[Listed])
_inspected = msgspec.json.Decoder(Inspected)
_image = msgspec.json.Decoder(InspectedImage)
_event = msgspec.json.Decoder(EngineEvent)
_info = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)


class EngineApi:
    """A client of one docker engine. `timeout` (seconds) bounds every call but the stream of events."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self.socket = socket
        self._timeout = timeout
        self._is_open = False
        self._version = ""
        self._requests = asyncio.Semaphore(_MAX_REQUESTS)

    async def open(self) -> None:
        """Connect and negotiate the version of the API. Raises one of UNREACHABLE."""
        await self.close()
        async with request(self.socket, "GET", "/_ping", self._timeout) as answer:
            answer.check()
            offered = answer.headers.get("api-version", "")
        self._version, self._is_open = _negotiated(offered), True

    async def close(self) -> None:
        """Send no further requests. Idempotent."""
        self._is_open = False

    async def data_root(self) -> Path | None:
        """Return the directory of the engine's files (`DockerRootDir`); None if unknown."""
        body = await self._get("/info")
        root = None if body is None else _info.decode(body).get("DockerRootDir")
        return None if root is None else Path(_text.decode(root))

    async def containers(self) -> list[str]:
        """Return the full ids of all containers, stopped ones included."""
        body = await self._get("/containers/json?all=1")
        return [] if body is None else [container.id for container in _listed.decode(body)]

    async def container(self, full_id: str) -> Described | None:
        """Return one container; None if the engine knows none of that id."""
        body = await self._get(f"/containers/{quote(full_id, safe='')}/json")
        return None if body is None else _inspected.decode(body).described()

    async def image_names(self, image_id: str) -> ImageNames | None:
        """Return the engine's names of an image; None if it has none of that id."""
        body = await self._get(f"/images/{quote(image_id, safe='')}/json")
        return None if body is None else _image.decode(body).names()

    @asynccontextmanager
    async def events(self, since: int) -> AsyncIterator[AsyncIterator[EngineEvent]]:
        """Yield an iterator of containers' events (created, started, renamed, destroyed) from `since` on (ns since the
        epoch; 0: from now)."""
        query = {"filters": _FILTERS}
        if since:
            query["since"] = f"{since // 1_000_000_000}.{since % 1_000_000_000:09d}"
        self._check_open()
        async with request(self.socket, "GET", f"{self._version}/events?{urlencode(query)}", self._timeout) as answer:
            answer.check()
            yield _lines(answer)

    async def _get(self, path: str) -> bytes | None:
        """Return the body; None for 404."""
        self._check_open()
        one = request(self.socket, "GET", self._version + path, self._timeout)
        async with asyncio.timeout(self._timeout), self._requests, one as answer:
            if answer.status == 404:
                return None
            answer.check()
            return await answer.whole(_LIMIT)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ConnectionError(f"no connection to the engine at {self.socket}")


def _negotiated(offered: str) -> str:
    """Return the prefix of paths for the version to use; empty if the engine does not name its versions."""
    try:
        major, minor = offered.split(".")
        version = min((int(major), int(minor)), _NEWEST)
    except ValueError:
        return ""
    return f"/v{version[0]}.{version[1]}"


async def _lines(answer: Answer) -> AsyncIterator[EngineEvent]:
    rest = b""
    async for part in answer.pieces():
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > _LIMIT:
            raise BrokenAnswer(f"the engine's event exceeds {_LIMIT} bytes")
        for line in whole:
            if line.strip():
                yield _event.decode(line)
