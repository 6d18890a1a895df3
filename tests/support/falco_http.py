"""The source `falco_http` between a client and an engine that acknowledges when the test allows it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from mozu.core.api import Alert, Context, Demand, Dropped
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import context
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings
from mozu.plugins.sources.falco_http.source import FalcoHttpSource

PATIENCE = 60.0


def payload(number: int = 0) -> dict[str, Any]:
    return {
        "hostname": "web-1",
        "output": f"14:13:20.123456789: Warning number {number}",
        "output_fields": {"evt.time": 1_700_000_000_123_456_789, "number": number},
        "priority": "Warning",
        "rule": "A rule",
        "source": "syscall",
        "tags": [],
        "time": "2023-11-14T22:13:20.123456789Z",
    }


def settings_of(**settings: Any) -> FalcoHttpSettings:
    """Return settings for a free port; without a token, unless one is passed."""
    given = {} if {"token", "tokens"} & settings.keys() else {"token": "none"}
    return FalcoHttpSettings.model_validate({"listen": "127.0.0.1:0", **given, **settings})


class Play:
    """A source, a client, and an engine that settles when the test allows it."""

    def __init__(self, session: aiohttp.ClientSession, source: FalcoHttpSource, scheme: str = "http") -> None:
        self._session, self.source = session, source
        self.url = f"{scheme}://127.0.0.1:{source.port}/"
        self.seen: list[Alert] = []
        self.batches: list[Sequence[Any]] = []
        self.dropped: dict[int, Dropped] = {}
        """Position → drops that the engine reports for every batch."""
        self.settling = asyncio.Event()
        self.settling.set()

    async def pump(self) -> None:
        """Act as the engine: read batches and acknowledge them."""
        async for batch in self.source.batches():
            self.batches.append(batch)
            self.seen += [item for item in batch if isinstance(item, Alert)]
            await self.settling.wait()
            await self.source.ack_alerts(batch, self.dropped)

    async def post(self, document: Any, **keywords: Any) -> tuple[int, str]:
        """Post a document; return the status and the text of the answer."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        async with self._session.post(self.url, data=data, **keywords) as answer:
            return answer.status, await answer.text()

    async def until(self, count: int) -> None:
        """Wait until `count` alerts have come through."""
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def playing(
    client: ssl.SSLContext | None = None, metrics_context: Context | None = None, **settings: Any
) -> AsyncIterator[Play]:
    source = FalcoHttpSource(settings_of(**settings), metrics_context or context())
    await source.start(Demand())
    connector = aiohttp.TCPConnector(limit=0, ssl=client if client is not None else True)
    async with aiohttp.ClientSession(connector=connector) as session:
        play = Play(session, source, "http" if client is None else "https")
        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(play.pump())
            yield play
            await source.stop()
            await source.stop()
            play.settling.set()
            await pump


def run(scenario: Callable[[Play], Awaitable[None]], client: ssl.SSLContext | None = None, **settings: Any) -> None:
    async def main() -> None:
        async with playing(client, **settings) as play:
            await scenario(play)

    run_loop(main())
