"""Alerts on their way to Kafka while brokers are killed, stopped, hung and started in turn, and mozu is killed too.

What arrived is read by Kafka's own console consumer, and completeness is proved by the numbers in the headers.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import Message, consume, create
from tests.support.requirements import ROOT
from tests.support.starvation import SLOWER, mozu_command

FULL = os.environ.get("MOZU_CHAOS") == "full"
ALERTS, PER_SECOND = (100_000, 500) if FULL else (2_500, 100)
KILLS = 50 if FULL else 4
PATIENCE = SLOWER * (600.0 if FULL else 90.0)

pytestmark = pytest.mark.timeout(SLOWER * (3600 if FULL else 280))

CONFIG = """
stop_deadline: 60
plugins: [far_end]
sources: [numbers: {{total: {total}, pause: {pause}, hosts: 5}}]
enrichers: []
evaluators: []
sinks:
  - kafka:
      bootstrap_servers: {servers}
      topic: {topic}
      timeout: 5
      format: json
      retry: {{first: 0.1, longest: 1.0}}
      spool: {{path: {spool}}}
"""


class Site:
    """A folder with the plugin, a configuration and the spool."""

    def __init__(self, folder: Path, kafka: Cluster, topic: str) -> None:
        self.spool, self._config, self.log = folder / "spool.db", folder / "mozu.yaml", folder / "log"
        self._kafka, self.topic = kafka, topic
        plugins = folder / "site"
        metadata = plugins / "mozu_far_end-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-far-end\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mozu]\nfar_end = far_end\n")
        shutil.copy(ROOT / "tests/support/far_end.py", plugins)
        self._env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{plugins}"}
        create(kafka, topic, partitions=6)

    def run(self, total: int) -> "subprocess.Popen[str]":
        self._config.write_text(
            CONFIG.format(
                total=total, pause=10 / PER_SECOND, servers=self._kafka.servers, topic=self.topic, spool=self.spool
            )
        )
        command = mozu_command("run", "-c", str(self._config))
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, text=True, env=self._env)

    def last(self) -> tuple[int, int]:
        """Return (the highest assigned number, the count of waiting alerts)."""
        spool = Spool(self.spool)
        try:
            return spool.last(), spool.status().waiting
        finally:
            spool.close()


class Trouble(threading.Thread):
    """A thread that kills, stops or hangs one broker at a time and brings it back."""

    def __init__(self, kafka: Cluster) -> None:
        super().__init__(daemon=True)
        self._kafka, self._end = kafka, threading.Event()
        self.rounds = 0

    def run(self) -> None:
        while not self._end.is_set():
            for broker, way in zip(self._kafka.brokers, ("kill", "stop", "pause"), strict=True):
                getattr(broker, way)()
                self._end.wait(5)
                broker.resume() if way == "pause" else broker.start()
                self._end.wait(3)
            self.rounds += 1

    def end(self) -> None:
        self._end.set()
        self.join(PATIENCE)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka"), brokers=3) as made:
        yield made


def proved(site: Site, last: int) -> tuple[list[Message], int]:
    """Check that no number is missing or out of order; return the first message of each number, and the count of
    repeated ones."""
    messages = consume(site._kafka, site.topic, quiet_ms=8000)
    first: dict[int, Message] = {}
    for message in messages:
        first.setdefault(int(message.headers["mozu-sequence"]), message)
    assert set(range(1, last + 1)) == set(first)
    assert 1 == len({message.headers["mozu-epoch"] for message in messages})
    ids: dict[str, set[str]] = {}
    for message in messages:
        ids.setdefault(message.headers["mozu-sequence"], set()).add(json.loads(message.value)["uuid"])
    assert [] == [number for number, several in ids.items() if len(several) > 1]
    by_key: dict[str | None, list[int]] = {}
    for number, message in first.items():
        by_key.setdefault(message.key, []).append(number)
    assert {f"host-{number}" for number in range(5)} <= by_key.keys()
    assert [] == [key for key, numbers in by_key.items() if numbers != sorted(numbers)]
    return list(first.values()), len(messages) - len(first)


def test_every_alert_arrives_in_order_while_brokers_come_and_go(kafka: Cluster, tmp_path: Path) -> None:
    site, trouble = Site(tmp_path, kafka, "brokers"), Trouble(kafka)
    process = site.run(ALERTS)
    trouble.start()
    try:
        assert 0 == process.wait(ALERTS / PER_SECOND + PATIENCE), site.log.read_text()
    finally:
        process.kill()
        trouble.end()
    last, waiting = site.last()
    assert ALERTS <= last
    assert 0 == waiting, site.log.read_text()
    _, again = proved(site, last)
    assert 0 == again or "the client is rebuilt" in site.log.read_text()
    assert 1 <= trouble.rounds


def test_no_spooled_alert_is_missing_when_mozu_is_killed_meanwhile(kafka: Cluster, tmp_path: Path) -> None:
    site, trouble, moments = Site(tmp_path, kafka, "kills"), Trouble(kafka), random.Random(2)
    trouble.start()
    try:
        for _ in range(KILLS):
            process = site.run(1_000_000_000)
            time.sleep(moments.uniform(2, 8))
            process.send_signal(signal.SIGKILL)
            process.wait()
    finally:
        trouble.end()
    process = site.run(0)
    assert 0 == process.wait(PATIENCE), site.log.read_text()
    last, waiting = site.last()
    assert 0 == waiting, site.log.read_text()
    assert last > 0
    proved(site, last)
