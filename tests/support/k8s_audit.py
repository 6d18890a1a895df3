"""The source `k8s_audit` between a client and an engine that acknowledges when the test allows it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from mozu.core.api import Context, DataEvent, Demand
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import context
from mozu.plugins.sources.k8s_audit.settings import K8sAuditSettings
from mozu.plugins.sources.k8s_audit.source import K8sAuditSource

PATIENCE = 60.0


def event(number: int = 0, **values: Any) -> dict[str, Any]:
    """Return an event in the form that it has in a list."""
    return {
        "level": "Metadata", "auditID": f"id-{number}", "stage": "ResponseComplete", "verb": "get",
        "requestURI": f"/api/v1/pods/{number}", "stageTimestamp": "2026-12-02T14:22:56.366113Z", **values,
    }  # fmt: skip


def event_list(*numbers: int) -> dict[str, Any]:
    """Return a list in the form in which an API server posts it."""
    items = [event(number) for number in numbers]
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items}


def settings_of(**settings: Any) -> K8sAuditSettings:
    """Return settings for files, or for a free port without a token, unless one is passed."""
    if "files" in settings:
        return K8sAuditSettings.model_validate(settings)
    given = {} if {"token", "tokens", "tls"} & settings.keys() else {"token": "none"}
    return K8sAuditSettings.model_validate({"listen": "127.0.0.1:0", **given, **settings})


class Play:
    """A source, an engine and a client."""

    def __init__(
        self, session: aiohttp.ClientSession, source: K8sAuditSource, scheme: str, used: Context, settling: bool
    ) -> None:
        self._session, self.source, self._used = session, source, used
        self.url = f"{scheme}://127.0.0.1:{source.port}/k8s-audit"
        self.seen: list[str] = []
        """The auditIDs of the events, in order."""
        self.batches: list[Sequence[Any]] = []
        self.settling = asyncio.Event()
        """Event that is set while batches are acknowledged."""
        if settling:
            self.settling.set()

    async def pump(self) -> None:
        """Read and acknowledge, as the engine does."""
        async for batch in self.source.batches():
            self.batches.append(batch)
            self.seen += [str(one.data["auditID"]) for one in batch if isinstance(one, DataEvent)]
            await self.settling.wait()
            await self.source.ack(batch)

    async def post(self, document: Any, url: str = "", **keywords: Any) -> tuple[int, str]:
        """Post a document; return status and text."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        async with self._session.post(url or self.url, data=data, **keywords) as answer:
            return answer.status, await answer.text()

    async def until(self, count: int) -> None:
        """Wait until `count` events have come through."""
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < count:
                await asyncio.sleep(0.005)

    def metrics(self, name: str) -> dict[str, float]:
        """Return the values of a metric by reason; a value without a reason has the empty text as key."""
        found = self._used.metrics.collect()
        return {labels.get("reason", ""): value for one, labels, value in found if one == name}


@asynccontextmanager
async def playing(
    client: ssl.SSLContext | None = None, used: Context | None = None, *, settling: bool = True, **settings: Any
) -> AsyncIterator[Play]:
    used = used or context()
    source = K8sAuditSource(settings_of(**settings), used)
    await source.start(Demand())
    connector = aiohttp.TCPConnector(limit=0, ssl=client if client is not None else True)
    async with aiohttp.ClientSession(connector=connector) as session:
        play = Play(session, source, "http" if client is None else "https", used, settling)
        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(play.pump())
            yield play
            await source.stop()
            play.settling.set()
            await pump


def run(scenario: Callable[[Play], Awaitable[None]], client: ssl.SSLContext | None = None, **settings: Any) -> None:
    async def main() -> None:
        async with playing(client, **settings) as play:
            await scenario(play)

    run_loop(main())
