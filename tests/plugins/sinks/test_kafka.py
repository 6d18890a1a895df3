"""The sink `kafka` against a real Apache Kafka; records are read by Kafka's own console consumer."""

import asyncio
import json
import logging
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Alert, Metrics, Outcome, Record, Rejected, Retry, Severity
from mozu.core.cli import invoke
from mozu.core.delivery.encode.cloudevents import CloudEvents
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Stamp
from mozu.core.testing import alert, check_sink, context, records
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from tests.support.kafka.cluster import PASSWORD, USER, Cluster, cluster
from tests.support.kafka.console import consume, create, deny, describe, throttle
from tests.support.kafka.delivering import until_taken
from tests.support.packing import packed
from tests.support.split import needs_live

Json = dict[str, Any]


pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
@needs_live
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka")) as made:
        yield made


def sink(server: str, *, content_type: str = "application/json", **settings: Any) -> KafkaSink:
    chosen = KafkaSettings(bootstrap_servers=(server,), timeout=5, **settings)
    return KafkaSink(chosen, context(content_type=content_type))


def delivered(made: KafkaSink, batch: list[Record]) -> list[Outcome]:
    """Return the outcome of each record in the first delivery."""

    async def run() -> list[Outcome]:
        await made.start()
        try:
            return list(await made.deliver(batch))
        finally:
            await made.stop()

    return asyncio.run(run())


def alerts(count: int, **values: Any) -> list[Alert]:
    made = [alert(f"rule {number}", **values) for number in range(count)]
    for number, item in enumerate(made):
        item.hostname = f"host-{number % 3}"
    return made


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings in mozu's log; aiokafka's own lines reach the sink alone."""
    shown = (record for record in caplog.records if record.name.startswith("mozu"))
    return [record.getMessage() for record in shown if record.levelno >= logging.WARNING]


def ids(batch: list[Record]) -> list[str]:
    return [record.alert.id for record in batch]


def arrived(kafka: Cluster, topic: str, count: int) -> list[str]:
    return [json.loads(message.value)["uuid"] for message in consume(kafka, topic, count=count)]


def test_keeps_the_contract_of_sinks(kafka: Cluster) -> None:
    create(kafka, "contract")
    asyncio.run(check_sink(sink(kafka.servers[0], topic="contract")))


@pytest.mark.parametrize("compression", ["zstd", "lz4", "gzip", "none"])
def test_alerts_arrive_compressed_as_the_settings_say(kafka: Cluster, compression: str) -> None:
    topic = f"packed.{compression}"
    create(kafka, topic)
    batch = records(*alerts(50))
    outcomes = delivered(sink(kafka.servers[0], topic=topic, compression=compression), batch)
    assert [None] * 50 == outcomes
    assert sorted(ids(batch)) == sorted(arrived(kafka, topic, 50))


def test_alerts_of_one_host_stay_in_order(kafka: Cluster) -> None:
    create(kafka, "ordered", partitions=5)
    batch = records(*alerts(300))
    delivered(sink(kafka.servers[0], topic="ordered"), batch)
    messages = consume(kafka, "ordered", count=300)
    for host in ("host-0", "host-1", "host-2"):
        sent = [record.alert.id for record in batch if record.alert.hostname == host]
        seen = [message for message in messages if message.key == host]
        assert sent == [json.loads(message.value)["uuid"] for message in seen]
        assert 1 == len({message.partition for message in seen})


def test_a_compacted_topic_keeps_the_last_alert_of_each_host_and_rule(kafka: Cluster) -> None:
    quick = {"cleanup_policy": "compact", "segment_ms": "10", "min_cleanable_dirty_ratio": "0.01"}
    create(kafka, "fleet", partitions=1, max_compaction_lag_ms="200", **quick)
    repeated = [one for _ in range(4) for one in alerts(3)]
    made = sink(kafka.servers[0], topic="fleet", key="host_rule")
    delivered(made, records(*repeated))
    expected = [f"host-{number}/rule {number}" for number in range(3)]
    deadline = time.monotonic() + 60
    while expected != (found := [one.key for one in consume(kafka, "fleet") if one.key in expected]):
        assert time.monotonic() < deadline, found
        delivered(made, records(alert("rolls the segment")))  # a broker rolls at a record, 10 ms after the first one


def test_headers_say_what_the_record_is(kafka: Cluster) -> None:
    create(kafka, "headers")
    batch = records(alert("Größe"))
    delivered(sink(kafka.servers[0], topic="headers"), batch)
    (message,) = consume(kafka, "headers", count=1)
    expected = {
        "content-type": "application/json", "mozu-schema": "1", "mozu-id": batch[0].alert.id, "mozu-rule": "Größe",
        "mozu-priority": "Notice", "mozu-agent": "host", "mozu-sink": "under-test", "mozu-epoch": "epoch",
        "mozu-sequence": "1",
    }  # fmt: skip
    assert expected == message.headers


def test_a_cloud_event_in_binary_mode_has_its_attributes_in_headers(kafka: Cluster) -> None:
    create(kafka, "events")
    item, stamp = alert("A rule"), Stamp("host", "under-test", "epoch", 1)
    made = sink(kafka.servers[0], topic="events", cloudevents="binary", content_type="application/cloudevents+json")
    delivered(made, [Record(item, CloudEvents().encode(item, stamp), stamp)])
    (message,) = consume(kafka, "events", count=1)
    assert item.id == json.loads(message.value)["uuid"]
    found = {name: value for name, value in message.headers.items() if name in ("ce_id", "ce_specversion", "ce_rule")}
    assert {"ce_id": item.id, "ce_specversion": "1.0", "ce_rule": "A rule"} == found
    assert "application/json" == message.headers["content-type"]


def test_a_topic_that_is_missing_is_waited_for_and_named(kafka: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    assert [Retry(tried=False)] == delivered(sink(kafka.servers[0], topic="nowhere"), records(alert()))
    lines = warnings(caplog)
    assert ["the topic nowhere does not exist; create it, or set `create_topics: true`"] == lines


def test_a_topic_is_made_on_request(kafka: Cluster) -> None:
    made = sink(kafka.servers[0], topic="made.{priority}", create_topics=True, partitions=7, replication_factor=1)
    assert [None] == delivered(made, records(alert()))
    assert "PartitionCount: 7" in describe(kafka, "made.notice")


def test_a_topic_that_cannot_be_made_says_why(kafka: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    made = sink(kafka.servers[0], topic="toomany", create_topics=True, replication_factor=3, partitions=1)
    assert [Retry(tried=False)] == delivered(made, records(alert()))
    assert "the topic toomany does not exist and cannot be created: " in caplog.text
    assert "replication" in caplog.text.lower()


def test_a_topic_that_is_missing_delays_no_alerts_for_others(kafka: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    create(kafka, "there.notice", partitions=1)
    notices, warned = alerts(200), alerts(60)
    for number, item in enumerate(notices):
        item.id = f"notice-{number}"
    for number, item in enumerate(warned):
        item.id, item.priority = f"warning-{number}", Severity.WARNING

    async def run() -> None:
        metrics = Metrics()
        stage = Isolated("sink", "siem", sink(kafka.servers[0], topic="there.{priority}"), metrics)
        queue = MemoryQueue(1 << 30, metrics)
        way = SinkWorker(stage, FalcoJson(), queue, agent="host", on_closed=print, retry=RetryPolicy(longest=1.0))
        task = asyncio.ensure_future(way.run())
        for item in [*warned[:40], *notices]:
            way.accept(packed(item))
        while queue.in_memory() > 40:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(create, kafka, "there.warning", partitions=1)
        for item in warned[40:]:
            way.accept(packed(item))
        queue.close()
        await task
        await way.stop()

    _run_with(run())
    assert [item.id for item in notices] == arrived(kafka, "there.notice", 200)
    assert [item.id for item in warned] == arrived(kafka, "there.warning", 60)
    assert ["the topic there.warning does not exist; create it, or set `create_topics: true`"] == warnings(caplog)


def test_a_record_that_is_too_large_for_the_settings_is_refused_alone(kafka: Cluster) -> None:
    create(kafka, "bounded")
    batch = records(alert("a"), alert("b", name="x" * 5000), alert("c"))
    outcomes = delivered(sink(kafka.servers[0], topic="bounded", max_bytes=4000), batch)
    refused = outcomes[1]
    assert isinstance(refused, Rejected)
    assert "more than the topic bounded or `max_bytes` admits" in refused.reason
    assert [None, None] == [outcomes[0], outcomes[2]]


def test_a_record_that_is_too_large_for_the_topic_is_refused_alone(kafka: Cluster) -> None:
    create(kafka, "narrow", partitions=1, max_message_bytes="3000")
    batch = records(alert("a"), alert("b", name="x" * 5000), alert("c"))
    outcomes = delivered(sink(kafka.servers[0], topic="narrow", compression="none"), batch)
    assert [type(None), Rejected, type(None)] == [type(outcome) for outcome in outcomes]
    assert [batch[0].alert.id, batch[2].alert.id] == arrived(kafka, "narrow", 2)


def test_a_topic_that_is_denied_refuses_the_record(kafka: Cluster) -> None:
    create(kafka, "denied")
    deny(kafka, USER, "denied")
    made = sink(
        kafka.server("SASLPLAIN"), topic="denied", security_protocol="SASL_PLAINTEXT",
        sasl={"mechanism": "PLAIN", "user": USER, "password": PASSWORD},
    )  # fmt: skip
    reason = "mozu may not write to the topic denied (TopicAuthorizationFailed)"
    assert [Rejected(reason)] * 3 == delivered(made, records(*alerts(3)))


def test_a_quota_delays_alerts_and_loses_none(kafka: Cluster) -> None:
    create(kafka, "quota", partitions=1)
    throttle(kafka, "slow", 10_000)
    batch = records(*alerts(120, name="x" * 100))

    async def run() -> None:
        made = sink(kafka.servers[0], topic="quota", client_id="slow", compression="none", batch_bytes=8_000)
        for start in range(0, 120, 40):
            await until_taken(made, batch[start : start + 40])
        await made.stop()

    asyncio.run(run())
    assert ids(batch) == arrived(kafka, "quota", 0)


def test_a_producer_that_died_is_made_anew(kafka: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    create(kafka, "fatal", partitions=1)
    batch = records(*alerts(30))

    async def run() -> None:
        made = sink(kafka.servers[0], topic="fatal")
        await until_taken(made, batch[:10])
        client = made._producer._producer
        assert client is not None
        state = client._txn_manager
        state._sequence_numbers.clear()
        state.increment_sequence_number(next(iter(_partitions("fatal"))), 1000)
        await until_taken(made, batch[10:])
        await made.stop()

    asyncio.run(run())
    assert ids(batch) == arrived(kafka, "fatal", 0)
    assert 1 == sum(line.startswith("the client is rebuilt") for line in warnings(caplog))


def _partitions(topic: str) -> list[Any]:
    from aiokafka import TopicPartition

    return [TopicPartition(topic, 0)]


def test_a_broker_that_hangs_and_comes_back_gets_every_alert_once(tmp_path: Path) -> None:
    with cluster(tmp_path) as own:
        create(own, "hung", partitions=3)
        batch = records(*alerts(200))

        async def run() -> None:
            made = KafkaSink(KafkaSettings(bootstrap_servers=tuple(own.servers), topic="hung", timeout=2), context())
            await until_taken(made, batch[:50])
            own.brokers[0].pause()
            waits = await made.deliver(batch[50:100])
            assert [Retry(tried=False)] * 50 == list(waits)
            own.brokers[0].resume()
            await until_taken(made, batch[50:])
            await made.stop()

        _run_with(run())
        assert sorted(ids(batch)) == sorted(arrived(own, "hung", 0))


def _run_with(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def test_a_broker_that_comes_late_gets_every_alert(tmp_path: Path) -> None:
    with cluster(tmp_path) as own:
        create(own, "late", partitions=1)
        own.brokers[0].kill()
        batch = records(*alerts(20))

        async def run() -> None:
            made = KafkaSink(KafkaSettings(bootstrap_servers=tuple(own.servers), topic="late", timeout=3), context())
            assert [Retry(tried=False)] * 20 == list(await made.deliver(batch))
            await asyncio.to_thread(own.brokers[0].start)
            await until_taken(made, batch)
            await made.stop()

        _run_with(run())
        assert ids(batch) == arrived(own, "late", 20)


def test_dead_letters_are_copied_to_a_topic_with_the_headers_of_kafka_connect(kafka: Cluster) -> None:
    create(kafka, "refuses", partitions=1, max_message_bytes="3000")
    create(kafka, "refuses.dead", partitions=1)
    batch = records(alert("a"), alert("b", name="x" * 5000), alert("c", name="x" * 50_000))
    made = sink(
        kafka.servers[0], topic="refuses", compression="none", max_bytes=20_000, dead_letter_topic="refuses.dead"
    )
    assert [type(None), Rejected, Rejected] == [type(outcome) for outcome in delivered(made, batch)]
    whole, bodiless = consume(kafka, "refuses.dead", count=2)
    assert (batch[1].alert.id, "") == (json.loads(whole.value)["uuid"], bodiless.value)
    for message, record in ((whole, batch[1]), (bodiless, batch[2])):
        assert ("refuses", "KAFKA_PRODUCE", record.alert.id) == (
            message.headers["__connect.errors.topic"],
            message.headers["__connect.errors.stage"],
            message.headers["mozu-id"],
        )
        assert "than the topic refuses or `max_bytes` admits" in message.headers["__connect.errors.exception.message"]


def test_a_topic_of_dead_letters_that_is_missing_is_reported_and_the_alert_stays_a_dead_letter(
    kafka: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    create(kafka, "small", partitions=1)
    made = sink(kafka.servers[0], topic="small", max_bytes=2_000, dead_letter_topic="small.dead")
    (outcome,) = delivered(made, records(alert("b", name="x" * 5000)))
    assert isinstance(outcome, Rejected)
    (line,) = warnings(caplog)
    assert line.startswith("dead letters cannot be copied to the topic small.dead: the topic small.dead does not exist")


def tried(kafka: Cluster, folder: Path, topic: str, *command: str) -> int:
    config = folder / "mozu.yaml"
    sink = f"{{id: siem, bootstrap_servers: {kafka.servers}, topic: {topic}, timeout: 3, format: json}}"
    config.write_text(f"sinks:\n  - kafka: {sink}\n")
    return invoke(["sinks", *command, "-c", str(config)])


def test_the_check_finds_a_topic_that_is_there(
    kafka: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create(kafka, "checked")
    assert 0 == tried(kafka, tmp_path, "checked", "check")
    assert "siem: ok: it would accept an alert\n" == capsys.readouterr().out


def test_the_check_tells_what_is_in_the_way(kafka: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("check",), ("test", "siem")):
        assert 1 == tried(kafka, tmp_path, "unchecked", *command)
        assert "siem: FAILED: the topic unchecked does not exist; create it, or set `create_topics: true`\n" == (
            capsys.readouterr().out
        )


def test_the_test_is_an_alert_that_says_that_it_is_a_test(
    kafka: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create(kafka, "tested")
    assert 0 == tried(kafka, tmp_path, "tested", "test", "siem")
    (message,) = consume(kafka, "tested", count=1)
    document = json.loads(message.value)
    assert ("Test of a sink", "internal") == (document["rule"], document["source"])
    assert f"siem: ok: the test {document['uuid']} was accepted\n" == capsys.readouterr().out
