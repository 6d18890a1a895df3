"""The source `kafka` against a real Apache Kafka."""

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from mozu.core.api import Alert, DataEvent, Demand, Event
from mozu.core.delivery.encode.cloudevents import CloudEvents
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.testing import alert, context
from mozu.plugins.sources.kafka.record_number import RecordNumbers
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings
from mozu.plugins.sources.kafka.source import KafkaSource
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import consume, create
from tests.support.split import needs_live

PATIENCE = 40.0

Item = Event | Alert


pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
@needs_live
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka")) as made:
        yield made


def source(kafka: Cluster, *topics: str, **settings: Any) -> KafkaSource:
    given = {"topics": topics, "timeout": 5, "session_timeout": 6, **settings}
    chosen = {"bootstrap_servers": tuple(kafka.servers), **given}
    return KafkaSource(KafkaSourceSettings(**chosen), context("reader"))


async def put(kafka: Cluster, topic: str, *values: bytes, key: bytes = b"k") -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key)
    finally:
        await producer.stop()


async def read(made: KafkaSource, count: int, *, settle: bool = True) -> list[Item]:
    """Read `count` items, then stop; return the items."""
    await made.start(Demand())
    seen: list[Item] = []

    async def take() -> None:
        async for batch in made.batches():
            seen.extend(batch)
            if settle:
                await made.ack(batch)
            if len(seen) >= count:
                await made.stop()

    await asyncio.wait_for(take(), PATIENCE)
    return seen


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return asyncio.run(main())


def numbers(items: Sequence[Item]) -> list[int]:
    return [item.data["n"] for item in items if isinstance(item, DataEvent)]


def test_records_become_events_in_order(kafka: Cluster) -> None:
    create(kafka, "plain", partitions=3)

    async def work() -> list[Item]:
        await put(kafka, "plain", *(b'{"n": %d}' % n for n in range(50)))
        return await read(source(kafka, "plain"), 50)

    items = run(work)
    assert list(range(50)) == numbers(items)
    first = items[0]
    assert ("json", "pluginevent") == (first.source, first.type)
    assert 50 == len({item.num for item in items})


def test_the_same_record_has_the_same_number_for_every_reader(kafka: Cluster) -> None:
    create(kafka, "again", partitions=4)

    async def work() -> tuple[list[Item], list[Item]]:
        await put(kafka, "again", *(b'{"n": %d}' % n for n in range(10)))
        return await read(source(kafka, "again", group="a"), 10), await read(source(kafka, "again", group="b"), 10)

    one, two = run(work)
    assert [(item.num, item.time) for item in one] == [(item.num, item.time) for item in two]


def test_what_is_not_settled_is_read_again(kafka: Cluster) -> None:
    create(kafka, "unsettled", partitions=1)

    async def work() -> tuple[list[Item], list[Item], list[Item]]:
        await put(kafka, "unsettled", b'{"n": 1}', b'{"n": 2}')
        first = await read(source(kafka, "unsettled"), 2, settle=False)
        second = await read(source(kafka, "unsettled"), 2)
        await put(kafka, "unsettled", b'{"n": 3}')
        return first, second, await read(source(kafka, "unsettled"), 1)

    first, second, third = run(work)
    assert ([1, 2], [1, 2], [3]) == (numbers(first), numbers(second), numbers(third))


def test_alerts_of_mozu_go_on_as_alerts_with_their_ids(kafka: Cluster) -> None:
    create(kafka, "ready", partitions=1)
    one, two = alert("A rule", name="x"), alert("Another rule")

    async def work() -> list[Item]:
        await put(kafka, "ready", FalcoJson().encode(one), CloudEvents().encode(two))
        return await read(source(kafka, "ready"), 2)

    items = run(work)
    assert [(one.id, one.rule), (two.id, two.rule)] == [(item.id, item.rule) for item in items]


def test_alerts_stay_records_where_that_is_wanted(kafka: Cluster) -> None:
    create(kafka, "raw", partitions=1)

    async def work() -> list[Item]:
        await put(kafka, "raw", FalcoJson().encode(alert("A rule")))
        return await read(source(kafka, "raw", alerts=False), 1)

    (item,) = run(work)
    assert "A rule" == item.data["rule"]


def test_records_that_are_no_json_go_to_a_topic_of_its_own_with_its_place_and_reason(kafka: Cluster) -> None:
    create(kafka, "sick", partitions=1)

    async def work() -> list[Item]:
        await put(kafka, "sick", b'{"n": 1}', b"{not json", b'{"n": 2}')
        return await read(source(kafka, "sick"), 2)

    assert [1, 2] == numbers(run(work))
    (message,) = consume(kafka, "sick.dlq", count=1)
    assert ("{not json", "k") == (message.value, message.key)
    reason = message.headers.pop("__connect.errors.exception.message")
    assert reason.startswith("no JSON: ")
    expected = {"topic": "sick", "partition": "0", "offset": "1", "stage": "VALUE_CONVERTER"}
    assert {f"__connect.errors.{name}": value for name, value in expected.items()} == message.headers


def test_records_that_are_no_json_go_to_a_file(kafka: Cluster, tmp_path: Path) -> None:
    create(kafka, "ill", partitions=1)

    async def work() -> list[Item]:
        await put(kafka, "ill", b"\xff", b'{"n": 2}')
        return await read(source(kafka, "ill", dead_letters="file", dead_letter_file=tmp_path / "dead"), 1)

    assert [2] == numbers(run(work))
    line = json.loads((tmp_path / "dead").read_text())
    assert ("ill", 0, 0, b"\xff") == (line["topic"], line["partition"], line["offset"], base64.b64decode(line["value"]))


def test_a_group_shares_the_partitions_and_loses_nothing_when_a_member_leaves(kafka: Cluster) -> None:
    create(kafka, "shared", partitions=6)
    total = 600

    async def work() -> tuple[set[int], set[int]]:
        one, two = source(kafka, "shared", group="both"), source(kafka, "shared", group="both")
        seen: dict[str, set[int]] = {"one": set(), "two": set()}

        async def member(name: str, made: KafkaSource) -> None:
            async for batch in made.batches():
                seen[name].update(numbers(batch))
                await made.ack(batch)

        async def feed() -> None:
            while len(one._assigned()) != 3 or len(two._assigned()) != 3:
                await asyncio.sleep(0.05)
            for n in range(total):
                if n == total // 2:
                    await until(lambda: bool(seen["one"]) and bool(seen["two"]))
                    await one.stop()
                await put_one(n)
            await until(lambda: len(seen["one"] | seen["two"]) == total)
            await two.stop()

        producer = AIOKafkaProducer(bootstrap_servers=kafka.servers)
        await producer.start()

        async def put_one(n: int) -> None:
            await producer.send_and_wait("shared", b'{"n": %d}' % n, b"%d" % n)

        async def until(test: Callable[[], bool]) -> None:
            while not test():
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as group:
            group.create_task(member("one", one))
            group.create_task(member("two", two))
            group.create_task(feed())
        await producer.stop()
        return seen["one"], seen["two"]

    one, two = run(lambda: asyncio.wait_for(work(), 100))
    assert set(range(total)) == one | two
    assert one
    assert two - one


def test_lag_is_what_is_not_settled(kafka: Cluster) -> None:
    create(kafka, "behind", partitions=1)

    async def work() -> tuple[float, float]:
        await put(kafka, "behind", *(b'{"n": %d}' % n for n in range(30)))
        made = source(kafka, "behind", batch_records=10)
        lags: list[float] = []
        async for batch in made.batches():
            await made.ack(batch)
            lags.append(made._lag())
            if len(lags) == 3:
                await made.stop()
        return lags[0], lags[-1]

    assert (20.0, 0.0) == run(work)


def test_brokers_that_come_late_and_go_again_are_waited_for(tmp_path: Path) -> None:
    with cluster(tmp_path) as own:
        create(own, "late", partitions=1)
        own.brokers[0].kill()

        async def work() -> list[Item]:
            made = source(own, "late")
            seen: list[Item] = []

            async def member() -> None:
                async for batch in made.batches():
                    seen.extend(batch)
                    await made.ack(batch)

            async def world() -> None:
                await asyncio.to_thread(own.brokers[0].start)
                await put(own, "late", b'{"n": 1}')
                while len(seen) < 1:
                    await asyncio.sleep(0.05)
                await asyncio.to_thread(own.brokers[0].kill)
                await asyncio.to_thread(own.brokers[0].start)
                await put(own, "late", b'{"n": 2}')
                while len(seen) < 2:
                    await asyncio.sleep(0.05)
                await made.stop()

            async with asyncio.TaskGroup() as group:
                group.create_task(member())
                group.create_task(world())
            return seen

        assert [1, 2] == numbers(run(lambda: asyncio.wait_for(work(), 100)))


def test_numbers_tell_topic_partition_and_offset_apart() -> None:
    numbers_of = RecordNumbers(["b", "a"])
    places = list(itertools.product("ab", (0, 1, 65535), (0, 1, 2**41 - 1)))
    made = {numbers_of.number(*place) for place in places}
    assert len(places) == len(made)
    assert 0 < min(made) <= max(made) < 2**63
    assert "kafka/a,b" == numbers_of.origin
