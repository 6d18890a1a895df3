"""A fleet of agents after an outage: its backlog drains within the brokers' quota, and no agent is starved.

Every agent is a worker with its own sink and therefore its own connections; they share a process. What arrived is read
by Kafka's own console consumer.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mozu.core.api import Metrics
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.testing import alert, context
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from tests.support.kafka.attempts import Attempts
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import Message, consume, create, throttle
from tests.support.packing import packed
from tests.support.starvation import SLOWER

FULL = os.environ.get("MOZU_CHAOS") == "full"
AGENTS, BACKLOG, QUOTA, OUTAGE = (800, 40, 500_000, 20.0) if FULL else (30, 30, 50_000, 5.0)
PATIENCE = SLOWER * (900.0 if FULL else 120.0)
CLIENT = "fleet"

pytestmark = pytest.mark.timeout(PATIENCE + 120)


class Agent:
    """A worker with its queue and its sink."""

    def __init__(self, number: int, servers: list[str]) -> None:
        self.name, self._metrics, self._made = f"agent-{number}", Metrics(), 0
        settings = KafkaSettings(
            bootstrap_servers=tuple(servers), topic="fleet", client_id=CLIENT, timeout=10, compression="none",
            batch_bytes=8_000,
        )
        scope = context(self.name)
        scope.metrics = self._metrics
        self.queue = MemoryQueue(1 << 30, self._metrics)
        isolated = Isolated("sink", self.name, KafkaSink(settings, scope), self._metrics)
        self.worker = SinkWorker(isolated, FalcoJson(), self.queue, agent=self.name, on_closed=print)

    def raise_alerts(self, count: int) -> None:
        for _ in range(count):
            item = alert("A rule", number=self._made, padding="x" * 300)
            item.hostname = self.name
            self._made += 1
            self.worker.accept(packed(item))

    def count(self, name: str) -> float:
        return sum(value for found, _, value in self._metrics.collect() if found == name)


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as made:
        create(made, "fleet", partitions=12)
        throttle(made, CLIENT, QUOTA)
        yield made


async def until(test: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not test():
            await asyncio.sleep(0.1)


def delivered(agents: list[Agent]) -> float:
    return sum(agent.count("sink_alerts_delivered_total") for agent in agents)


async def outage(kafka: Cluster, agents: list[Agent], attempts: Attempts) -> dict[str, float]:
    """Kill the broker, let alerts gather, bring the broker back and drain the backlog; return measurements."""
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            agent.raise_alerts(1)
            group.create_task(agent.worker.run())
        await until(lambda: delivered(agents) == len(agents))
        await asyncio.to_thread(kafka.brokers[0].kill)
        gone, before = time.monotonic(), len(attempts.at)
        for agent in agents:
            agent.raise_alerts(BACKLOG)
        await asyncio.sleep(OUTAGE)
        in_vain = len(attempts.at) - before
        lasted = time.monotonic() - gone
        await asyncio.to_thread(kafka.brokers[0].start)
        back = time.monotonic()
        await until(lambda: delivered(agents) == len(agents) * (BACKLOG + 1))
        drained = time.monotonic() - back
        for agent in agents:
            agent.queue.close()
    for agent in agents:
        await agent.worker.stop()
    return {
        "attempts": in_vain, "outage": lasted, "drained": drained,
        "busiest": attempts.busiest(back, 0.1), "busiest second": attempts.busiest(back, 1.0),
        "throttled ms": sum(agent.count("kafka_throttled_milliseconds_total") for agent in agents),
        "resent": sum(agent.count("sink_alerts_resent_total") for agent in agents),
    }  # fmt: skip


def by_agent(messages: list[Message]) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for message in messages:
        found.setdefault(message.key, []).append(int(json.loads(message.value)["output_fields"]["number"]))
    return found


def test_a_fleet_that_comes_back_drains_within_the_quota_and_in_order(
    kafka: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = Attempts(monkeypatch)

    async def run() -> dict[str, float]:
        return await outage(kafka, [Agent(number, kafka.servers) for number in range(AGENTS)], attempts)

    seen = asyncio.run(run())
    messages = consume(kafka, "fleet", count=AGENTS * (BACKLOG + 1), quiet_ms=8000)
    print(seen, len(messages), "alerts", sum(len(message.value) for message in messages), "bytes")
    expected = {f"agent-{number}": list(range(BACKLOG + 1)) for number in range(AGENTS)}
    assert expected == by_agent(messages)
    assert 0 == seen["resent"]
    assert seen["attempts"] <= AGENTS * (8 + seen["outage"]), "more than back-off admits (aiokafka: 10 a second)"
    assert seen["busiest"] <= AGENTS / 2, "half of the fleet knocked in the same tenth of a second"
    assert seen["throttled ms"] > 0
    assert "the brokers throttle mozu (a quota is exceeded)" in caplog.text
