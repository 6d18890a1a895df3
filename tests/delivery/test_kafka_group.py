"""Several mozu that share the partitions of a topic; one is killed, one hangs, one comes late: every record is judged.

Their alerts are read by Kafka's own console consumer.
"""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import consume, create
from tests.support.requirements import ROOT
from tests.support.starvation import SLOWER, mozu_command

FULL = os.environ.get("MOZU_CHAOS") == "full"
RECORDS, PER_SECOND = (60_000, 500) if FULL else (1_500, 60)
BROKERS, HANGS = (3, 60.0) if FULL else (1, 0.0)
"""Count of brokers; least seconds for which a member hangs."""
PATIENCE = SLOWER * (300.0 if FULL else 90.0)

pytestmark = pytest.mark.timeout(SLOWER * (1200 if FULL else 200))

RULES = """
- rule: Number seen
  desc: every record
  condition: json.value[/n] exists
  output: number %json.value[/n]
  priority: NOTICE
  source: json
"""

CONFIG = """
sources: [kafka: {{bootstrap_servers: {servers}, topics: [events], group: judges, session_timeout: 6, timeout: 5}}]
enrichers: []
evaluators: [falco: {{rules: [{rules}]}}]
sinks: [kafka: {{bootstrap_servers: {servers}, topic: verdicts, format: json, timeout: 5, spool: {{path: {spool}}}}}]
"""


class Members:
    """Processes of a group, each with a spool that outlives it."""

    def __init__(self, folder: Path, kafka: Cluster) -> None:
        self._folder, self._kafka = folder, kafka
        self.running: dict[str, subprocess.Popen[str]] = {}
        (folder / "rules.yaml").write_text(RULES)

    def start(self, name: str) -> None:
        """Start a member, or start a killed one again."""
        if name in self.running:
            self.running[name].wait(PATIENCE)
        config = self._folder / f"{name}.yaml"
        config.write_text(
            CONFIG.format(
                servers=self._kafka.servers, rules=self._folder / "rules.yaml", spool=self._folder / f"{name}.db"
            )
        )
        with (self._folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                mozu_command("run", "-c", str(config)),
                stdin=subprocess.DEVNULL, stderr=log, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            )  # fmt: skip

    def signal(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    def stop(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        for process in self.running.values():
            process.wait(PATIENCE)

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in self._folder.glob("*.log"))


@pytest.fixture
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka"), brokers=BROKERS) as made:
        create(made, "events", partitions=12)
        create(made, "verdicts", partitions=4)
        yield made


async def feed(kafka: Cluster, members: Members) -> None:
    """Send records at an even pace, with trouble at a quarter, a third, half and three quarters of them."""
    trouble = {
        RECORDS // 4: lambda: members.signal("one", signal.SIGKILL),
        RECORDS // 3: lambda: members.start("four"),
        RECORDS // 2: lambda: members.signal("two", signal.SIGSTOP),
        RECORDS * 3 // 4: lambda: members.signal("two", signal.SIGCONT),
    }
    producer, hangs_since = AIOKafkaProducer(bootstrap_servers=kafka.servers), 0.0
    await producer.start()
    began = time.monotonic()
    try:
        for number in range(RECORDS):
            if number == RECORDS // 2:
                hangs_since = time.monotonic()
            if number == RECORDS * 3 // 4:
                await asyncio.sleep(max(0.0, hangs_since + HANGS - time.monotonic()))
            if number in trouble:
                trouble[number]()
            await producer.send("events", b'{"n": %d}' % number, b"%d" % number)
            if number % (PER_SECOND // 10) == 0:
                await producer.flush()
                await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
    finally:
        await producer.stop()


def test_every_record_is_judged_and_has_one_id(kafka: Cluster, tmp_path: Path) -> None:
    members = Members(tmp_path, kafka)
    try:
        for name in ("one", "two", "three"):
            members.start(name)
        asyncio.run(feed(kafka, members))
        members.start("one")  # so that the alerts in the member's spool are delivered
        deadline = time.monotonic() + PATIENCE
        while len(seen := verdicts(kafka)) < RECORDS and time.monotonic() < deadline:
            time.sleep(1)
        assert set(range(RECORDS)) == set(seen), members.logs()
        assert [] == [number for number, ids in seen.items() if len(ids) > 1]
        assert RECORDS == len(set.union(*seen.values()))
    finally:
        members.signal("two", signal.SIGCONT)
        members.stop()


def verdicts(kafka: Cluster) -> dict[int, set[str]]:
    """Return the ids of the alerts about each record, by the record's number."""
    seen: dict[int, set[str]] = {}
    for message in consume(kafka, "verdicts", quiet_ms=5000):
        document = json.loads(message.value)
        if document["rule"] == "Number seen":
            number = int(document["output_fields"]["json.value[/n]"])
            seen.setdefault(number, set()).add(document["uuid"])
    return seen
