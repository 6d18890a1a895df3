"""A worker with the sink `webhook` at its end, and deliveries through it to a server with chosen answers."""

import asyncio
from typing import Any

from mozu.core.api import Context
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, context
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from tests.support.https import Answers, Certificates, serving
from tests.support.packing import packed

PATIENCE = 60.0


class WebhookWorker:
    """A worker with the sink at its end, as the engine makes it from a configured entry."""

    def __init__(self, **settings: Any) -> None:
        self.metrics = Metrics()
        isolation = Isolation("sink", "hook", self.metrics)
        given = Context(id="hook", log=isolation.log, metrics=isolation.metrics, fields=context().fields)
        hook: Any = build(WebhookSettings.model_validate(settings), given)
        isolated = Isolated("sink", "hook", hook, self.metrics)
        self.sink_worker = SinkWorker(
            isolated,
            FalcoJson(),
            MemoryQueue(1 << 30, isolated.metrics),
            agent="host",
            on_closed=lambda reason: None,
            retry=RetryPolicy(first=0.01, longest=0.05, attempts=20),
        )

    async def deliver(self, count: int) -> list[str]:
        """Make `count` alerts and deliver them; return their ids."""
        alerts = [alert(f"Rule {number}", **{"proc.name": "ö\n\udc80"}) for number in range(count)]
        await self.sink_worker.start()
        for item in alerts:
            self.sink_worker.accept(packed(item))
        self.sink_worker.queue.close()
        async with asyncio.timeout(PATIENCE):
            await self.sink_worker.run()
        await self.sink_worker.stop()
        return [item.id for item in alerts]

    def requests(self) -> float:
        """Return the count of requests, whatever their results."""
        return sum(value for name, _, value in self.metrics.collect() if name == "webhook_requests_total")

    def numbers(self) -> dict[str, float]:
        """Return the counters by name or reason."""
        return {
            labels.get("reason") or name: value
            for name, labels, value in self.metrics.collect()
        }


def play(
    certificates: Certificates | None, answers: Answers, count: int, **settings: Any
) -> tuple[list[str], WebhookWorker]:
    """Deliver `count` alerts to a server with these answers."""
    made: list[WebhookWorker] = []

    async def scenario() -> list[str]:
        tls = None if certificates is None else certificates.context()
        async with serving(answers, tls):
            trusted = {} if certificates is None else {"tls": {"ca": certificates.ca}}
            given = {"url": answers.url, "allow_private": True, "circuit_seconds": 0.1, **trusted, **settings}
            worker = WebhookWorker(**given)
            made.append(worker)
            return await worker.deliver(count)

    return run_loop(scenario()), made[0]
