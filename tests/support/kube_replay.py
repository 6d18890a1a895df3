"""An API server that repeats the recorded answers of a real one (tests/data/kubernetes), step by step, with faults on
demand.

A recording has a line for each step of the scenario (`{"step": …}`), each answer to a request for an object or a list
(`{"get": URL, "status": …, "body": …}`), and each line of a watch (`{"watch": PATH, "line": …}`), in the order in which
they came. Answers and lines of steps that were not reached yet are those of the future.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web

from tests.support.https import listening
from tests.support.requirements import DATA

RECORDING: Final = DATA / "kubernetes" / "scenario.jsonl"
_GONE: Final = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


class ReplayedApi:
    """A server that replays a recording."""

    def __init__(self, recording: Path = RECORDING) -> None:
        self.steps: list[str] = []
        self._answers: dict[str, list[tuple[int, int, Any]]] = {}
        """Path → (step, status, body), in order."""
        self._lines: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for text in recording.read_text().splitlines():
            self._take(json.loads(text))
        self._step = 0
        self._changed = asyncio.Event()
        self._broken = 0
        self.requests: list[tuple[str, str]] = []
        """(path with parameters, token) of each request, in order."""
        self.refused: dict[str, tuple[int, str]] = {}
        """End of a path → (status, message) with which requests for it are refused."""
        self.expired = 0
        """Count of watches that still get 410 Gone."""
        self.token = ""
        """The only accepted token; if empty, every token is accepted."""
        self.url = ""

    def _take(self, item: dict[str, Any]) -> None:
        step = len(self.steps)
        if "step" in item:
            self.steps.append(item["step"])
        elif "get" in item:
            self._answers.setdefault(item["get"], []).append((step, item["status"], item["body"]))
        else:
            self._lines.setdefault(item["watch"], []).append((step, item["line"]))

    def reach(self, step: str, *, quietly: bool = False) -> None:
        """Let everything up to and with this step have happened. With `quietly`, open watches do not report it."""
        self._step = 1 + self.steps.index(step)
        if not quietly:
            self._wake()

    def break_watches(self) -> None:
        """Close the connection of every open watch, in the middle."""
        self._broken += 1
        self._wake()

    def watched(self, plural: str) -> int:
        """Return how often a watch of this kind was opened."""
        return sum("watch=true" in path for path, _ in self.requests if path.partition("?")[0].endswith(plural))

    def listed(self, plural: str) -> int:
        """Return how often the first page of this kind was requested."""
        mine = [path for path, _ in self.requests if path.partition("?")[0].endswith(plural)]
        return sum("limit=" in path and "continue=" not in path for path in mine)

    def lines(self, plural: str) -> list[dict[str, Any]]:
        """Return every line of the watches of a kind, with those of the future."""
        return [line for path, found in self._lines.items() if path.endswith(plural) for _, line in found]

    def said(self, end: str) -> Any:
        """Return the newest answer to a request for an object whose path ends like this."""
        return next(found[-1][2] for path, found in self._answers.items() if path.endswith(end))

    def said_in(self, end: str, name: str) -> Any:
        """Return the object of this name in the newest list."""
        return next(one for one in self.said(end)["items"] if one["metadata"]["name"] == name)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.requests.append((request.path_qs, token))
        if self.token and token != self.token:
            return _status(401, "Unauthorized")
        for end, (status, message) in self.refused.items():
            if request.path.endswith(end):
                return _status(status, message)
        if request.query.get("watch") == "true":
            return await self._watch(request)
        known = [found for step, *found in self._answers.get(request.path, []) if step <= self._step]
        return _answer(*known[-1]) if known else _status(404, f"{request.path} not found")

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        if self.expired:
            self.expired -= 1
            await response.write(orjson.dumps({"type": "ERROR", "object": _GONE}) + b"\n")
            return response
        version, broken = int(request.query["resourceVersion"]), self._broken
        while True:
            if broken != self._broken:
                if request.transport is not None:  # the client may have gone
                    request.transport.abort()
                return response
            changed = self._changed
            for step, line in self._lines.get(request.path, []):
                mine = int(line["object"]["metadata"]["resourceVersion"])
                if step <= self._step and mine > version:
                    version = mine
                    await response.write(orjson.dumps(line) + b"\n")
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _answer(status: int, body: Any) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _status(code: int, message: str) -> web.Response:
    return _answer(code, {**_GONE, "code": code, "reason": "", "message": message})


@asynccontextmanager
async def replayed(*, port: int = 0, context: ssl.SSLContext | None = None) -> AsyncIterator[ReplayedApi]:
    """Yield a replaying server on a port of the loopback, by default a free one."""
    api = ReplayedApi()
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", api.handle)
    async with listening(app, context, port) as port:
        api.url = f"{'http' if context is None else 'https'}://127.0.0.1:{port}"
        try:
            yield api
        finally:
            api.break_watches()
