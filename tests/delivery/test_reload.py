"""Reloads without a gap: under load every numbered alert arrives once, at a webhook and in Kafka; memory and
descriptors stay level."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.delivery.destinations import webhook
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import consume, create
from tests.support.reloading import Load, Sample, Variants, reloaded_run
from tests.support.requirements import ebpf
from tests.support.starvation import SLOWER

FULL = os.environ.get("MOZU_CHAOS") == "full"
RELOADS = int(os.environ.get("MOZU_RELOADS", "1000" if FULL else "12"))
SECONDS = float(os.environ.get("MOZU_RELOAD_SECONDS", "1150" if FULL else "60"))
"""Seconds after which no further reload is begun; those done by then are checked all the same."""
RATE = int(os.environ.get("MOZU_RATE", "20000"))
EVERY = 400
"""Calls for each that has a number."""
AHEAD = 200
"""Numbered calls whose alerts may be on their way: the load waits for them, so that losses are caused by a reload, and
not by a busy machine. All the calls between them take less than half of the ring buffer."""

pytestmark = [pytest.mark.ebpf, pytest.mark.kafka, pytest.mark.timeout(SLOWER * (3600 if FULL else 280))]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    ebpf()
    with cluster(tmp_path_factory.mktemp("kafka")) as made:
        yield made


@pytest.mark.parametrize("broken", [0, 5], ids=["whole", "every fifth broken"])
def test_every_alert_arrives_once_whatever_is_reloaded(tmp_path: Path, kafka: Cluster, broken: int) -> None:
    topic = f"reload-{broken}"
    create(kafka, topic)
    with webhook() as receiver:
        url = receiver.settings["url"]
        variants = Variants(tmp_path, webhook=url, kafka=kafka.servers, topic=topic, broken=broken)
        with reloaded_run(variants) as run:
            load = Load(variants.load, RATE, EVERY, AHEAD)
            receiver.on_body = partial(_acknowledge, load)
            try:
                end, number = time.monotonic() + SECONDS, 0
                while number < RELOADS and time.monotonic() < end:
                    number += 1
                    run.reload(number)
                    if number % max(1, RELOADS // 20) == 0:
                        print(run.sample(), flush=True)
                hits, calls, seconds = load.end()
            finally:
                load.kill()
            statistics = run.stop()
        arrived = {"webhook": _numbers(document["output"] for document in receiver.documents())}
    arrived["kafka"] = _numbers(json.loads(message.value)["output"] for message in consume(kafka, topic))
    print(f"{run.reloads} reloads, {run.refused} refused, {calls} calls in {seconds:.0f} s, {hits} numbered")

    assert {"lost": 0, "missed": 0} == _lost(statistics)
    assert hits > number, "so that the test can fail: alerts were on their way in each reload"
    for name, numbers in arrived.items():
        twice = [number for number, times in numbers.items() if times > 1]
        missing = sorted(set(range(1, hits + 1)) - set(numbers))
        assert (name, [], []) == (name, missing[:20], twice[:20])
    assert run.reloads + run.refused == number
    assert (run.refused > 0) == (broken > 0)
    if FULL:
        _check_level(run.samples)


def _acknowledge(load: Load, body: bytes) -> None:
    numbers = [int(number) for number in re.findall(rb"/hit-(\d+)", body)]
    if numbers:
        load.arrived(max(numbers))


def _numbers(outputs: Iterator[str]) -> Counter[int]:
    found = (re.search(r"/hit-(\d+)", output) for output in outputs)
    return Counter(int(match[1]) for match in found if match)


def _lost(statistics: dict[str, dict[str, dict[str, dict[str, dict[str, int]]]]]) -> dict[str, int]:
    types = statistics["sources"]["ebpf"]["types"].values()
    return {name: sum(count[name] or 0 for count in types) for name in ("lost", "missed")}


def _check_level(samples: list[Sample]) -> None:
    """Check that after the first fifth nothing grows with the number of reloads."""
    early, late = samples[len(samples) // 5], samples[-1]
    assert late.descriptors <= early.descriptors + 4
    assert late.threads <= early.threads + 4
    assert late.rss < early.rss * 1.1 + 8
