"""Alerts by registered schemas: a real Apicurio Registry, a real Kafka, and Confluent's own consumer and deserializers.

Alerts, a heartbeat and the notice of a drop go through one topic.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from mozu.core.api import Alert, Outcome, Record, Retry
from mozu.core.delivery.encode import FORMATS
from mozu.core.model.alert import Stamp
from mozu.core.testing import alert, context
from mozu.plugins.sinks.kafka.registry import registered_schema
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from tests.core.delivery.encode.made import connecting, plain
from tests.support.apicurio import server
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.kafka.console import create
from tests.support.kafka.record_types import message_class, serialized
from tests.support.kafka.record_types import plain as plain_message
from tests.support.split import needs_live

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
@needs_live
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server.running(tmp_path_factory.mktemp("apicurio")) as url:
        yield url


@pytest.fixture(scope="module")
@needs_live
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka")) as made:
        yield made


@pytest.fixture
def client(registry: str) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": registry}) as made:
        yield made


def alerts() -> list[Alert]:
    values: dict[str, Any] = {"a.number": -7, "a.flag": True, "a.list": ("x", 1, None), "a.real": 0.5}
    values["a.large"] = (1 << 64) - 1
    notices = [alert(rule, source="internal") for rule in ("Heartbeat", "Alerts dropped")]
    return [plain(), connecting(), alert("Every type", **values), *notices]


def written(name: str, number: int) -> list[Record]:
    """Return the alerts in a format, numbered from `number` on."""
    encoder = FORMATS[name].build(FORMATS[name].settings())
    stamps = ((item, Stamp("host", "siem", "epoch", number + at)) for at, item in enumerate(alerts()))
    return [Record(item, encoder.encode(item, stamp), stamp) for item, stamp in stamps]


def sink(kafka: Cluster, url: str, topic: str, name: str = "json", **settings: Any) -> KafkaSink:
    declared = FORMATS[name]
    assert declared.schema is not None
    chosen = KafkaSettings.model_validate(
        {"bootstrap_servers": kafka.servers, "topic": topic, "registry": {"url": url, **settings}}
    )
    schema = declared.schema(declared.settings())
    return KafkaSink(chosen, context(schema=schema, content_type=declared.content_type))


async def delivered(made: KafkaSink, *batches: list[Record]) -> list[Outcome]:
    outcomes = [one for batch in batches for one in await made.deliver(batch)]
    await made.stop()
    return outcomes


def consumed(kafka: Cluster, topic: str, count: int, deserializer: Callable[..., Any]) -> list[Any]:
    """Return what Confluent's consumer reads, by the number of the alert."""
    consumer = Consumer(
        {"bootstrap.servers": ",".join(kafka.servers), "group.id": topic, "auto.offset.reset": "earliest"}
    )
    found: dict[int, Any] = {}
    try:
        consumer.subscribe([topic])
        while len(found) < count:
            message = consumer.poll(60)
            assert message is not None, f"{len(found)} of {count} arrived"
            assert message.error() is None, message.error()
            headers: dict[str, Any] = dict(message.headers() or {})
            assert b"1" == headers["mozu-schema"]
            of_topic = SerializationContext(topic, MessageField.VALUE)
            found[int(headers["mozu-sequence"])] = deserializer(message.value(), of_topic)
    finally:
        consumer.close()
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("name", ["json", "cloudevents", "ecs", "ocsf"])
def test_confluents_consumer_reads_json_by_its_schema(
    kafka: Cluster, registry: str, client: SchemaRegistryClient, name: str
) -> None:
    create(kafka, f"json.{name}", partitions=1)
    batch = written(name, 1)
    outcomes = asyncio.run(delivered(sink(kafka, registry, f"json.{name}", name), batch))
    assert [None] * len(batch) == outcomes
    reader = JSONDeserializer(None, schema_registry_client=client)
    assert [json.loads(one.body) for one in batch] == consumed(kafka, f"json.{name}", len(batch), reader)


def test_confluents_consumer_reads_avro_by_its_schema(
    kafka: Cluster, registry: str, client: SchemaRegistryClient
) -> None:
    create(kafka, "avro", partitions=1)
    batch = written("json", 1)
    made = sink(kafka, registry, "avro", serialization="avro", compatibility="FULL", subject="record")
    assert [None] * len(batch) == asyncio.run(delivered(made, batch))
    found = consumed(kafka, "avro", len(batch), AvroDeserializer(client))
    expected = [json.loads(one.body) for one in batch]
    expected[2]["output_fields"]["a.large"] = str((1 << 64) - 1)
    assert expected == [{name: value for name, value in one.items() if value is not None} for one in found]


def test_confluents_consumer_reads_protocol_buffers_by_their_schema(
    kafka: Cluster, registry: str, client: SchemaRegistryClient, tmp_path: Path
) -> None:
    create(kafka, "protobuf", partitions=1)
    batch = written("json", 1)
    made = sink(kafka, registry, "protobuf", serialization="protobuf")
    assert [None] * len(batch) == asyncio.run(delivered(made, batch))
    known = client.get_latest_version("protobuf-value").schema.schema_str
    assert known is not None
    message = message_class(known, tmp_path, "consumed")
    reader = ProtobufDeserializer(message, {"use.deprecated.format": False})  # Apicurio lacks the deprecated form
    found = [plain_message(one) for one in consumed(kafka, "protobuf", len(batch), reader)]
    expected = [json.loads(one.body) for one in batch]
    expected[2]["output_fields"]["a.large"] = str((1 << 64) - 1)
    assert [{name: value for name, value in one.items() if value != []} for one in expected] == found


def post(url: str, body: Json) -> None:
    with urlopen(Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}), timeout=10):
        pass


def test_alerts_wait_for_a_schema_that_only_others_may_register(
    kafka: Cluster, registry: str, client: SchemaRegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registered_schema, "_NEGATIVE_TTL", 0.0)
    create(kafka, "looked.up", partitions=1)
    batch = written("json", 1)
    schema = {"schema": serialized("avro").schema, "schemaType": "AVRO"}

    async def run() -> list[Outcome]:
        made = sink(kafka, registry, "looked.up", serialization="avro", auto_register=False)
        assert [Retry(tried=False)] * len(batch) == await made.deliver(batch)
        assert "does not have the schema of the subject looked.up-value" in (await made.check() or "")
        await asyncio.to_thread(post, f"{registry}/subjects/looked.up-value/versions", schema)
        assert None is await made.check()
        return await delivered(made, batch)

    assert [None] * len(batch) == asyncio.run(run())
    found = consumed(kafka, "looked.up", len(batch), AvroDeserializer(client))
    assert [one.alert.id for one in batch] == [one["uuid"] for one in found]


def test_alerts_wait_behind_a_schema_that_is_incompatible(
    kafka: Cluster, registry: str, caplog: pytest.LogCaptureFixture
) -> None:
    create(kafka, "taken", partitions=1)
    other = {"type": "record", "name": "Other", "fields": [{"name": "x", "type": "string"}]}
    subject = f"{registry}/subjects/taken-value/versions"
    post(subject, {"schema": json.dumps(other), "schemaType": "AVRO"})
    batch = written("json", 1)
    made = sink(kafka, registry, "taken", serialization="avro", compatibility="FULL")
    assert [Retry(tried=False)] * len(batch) == asyncio.run(delivered(made, batch))
    (line,) = [line for line in caplog.messages if "incompatible schema for the subject taken-value (409: " in line]
    assert line.isprintable()
