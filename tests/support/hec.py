"""A collector that accepts and refuses events as Splunk's HTTP Event Collector does."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from tests.support.https import listening

_KEYS: Final = {"time", "host", "source", "sourcetype", "index", "event", "fields"}
PATH: Final = "/services/collector/event"


class Collector:
    """A collector that keeps the accepted envelopes."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.url = ""
        self.envelopes: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        """Accept all events of a request, or none."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Splunk":
            return self._refuse(401, 3, "Invalid authorization")
        if token != self._token:
            return self._refuse(403, 4, "Invalid token")
        try:
            envelopes = _several(await request.text())
        except ValueError:
            return self._refuse(400, 6, "Invalid data format")
        if not envelopes:
            return self._refuse(400, 5, "No data")
        for envelope in envelopes:
            if "event" not in envelope:
                return self._refuse(400, 12, "Event field is required")
            if not envelope["event"]:
                return self._refuse(400, 13, "Event field cannot be blank")
            if envelope.keys() - _KEYS or not _is_time(envelope.get("time", 0)):
                return self._refuse(400, 6, "Invalid data format")
        self.envelopes += envelopes
        return web.json_response({"text": "Success", "code": 0})

    def _refuse(self, status: int, code: int, text: str) -> web.Response:
        self.refused.append({"text": text, "code": code})
        return web.json_response(self.refused[-1], status=status)


def _several(text: str) -> list[dict[str, Any]]:
    """Return JSON objects that follow one another, with or without white space between them. Raises ValueError."""
    found, decoder, text = list[dict[str, Any]](), json.JSONDecoder(), text.strip()
    while text:
        item, end = decoder.raw_decode(text)
        if not isinstance(item, dict):
            raise ValueError("an event is an object")
        found.append(item)
        text = text[end:].lstrip()
    return found


def _is_time(value: Any) -> bool:
    """Return True for seconds since 1970; milliseconds would lie in the far future."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11


@asynccontextmanager
async def collecting(token: str) -> AsyncIterator[Collector]:
    """Yield a collector on a free port of the loopback."""
    collector = Collector(token)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post(PATH, collector.handle)
    async with listening(app) as port:
        collector.url = f"http://127.0.0.1:{port}{PATH}"
        yield collector
