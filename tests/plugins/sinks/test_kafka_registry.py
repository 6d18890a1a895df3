"""The setting `registry` of the sink `kafka`, before registries that are slow, wrong, or incompatible."""

import asyncio
import base64
import json
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from mozu.core.api import ConfigError, Outcome, Record, Retry
from mozu.core.common.kafka.producer import KafkaMessage, KafkaProducer
from mozu.core.delivery.encode.schema import schema
from mozu.core.testing import HANGS, Reply, alert, context, records, scripted_endpoint
from mozu.plugins.sinks.kafka.registry import registered_schema
from mozu.plugins.sinks.kafka.registry.registered_schema import RegisteredSchema
from mozu.plugins.sinks.kafka.registry.registry_client import SchemaUnavailable
from mozu.plugins.sinks.kafka.registry.settings import RegistrySettings
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink, build
from tests.plugins.sinks.test_kafka_in_flight import Producer


def answer(number: object) -> Reply:
    return Reply(body=json.dumps({"id": number}).encode())


def registered(url: str, **settings: Any) -> RegisteredSchema:
    return RegisteredSchema(RegistrySettings(url=url, timeout=0.5, **settings), schema("json"))


def required(url: str, *topics: str, **settings: Any) -> RegisteredSchema:
    made = registered(url, **settings)

    async def run() -> None:
        for topic in topics:
            await made.require(topic)

    asyncio.run(run())
    return made


def refused(url: str, **settings: Any) -> str:
    with pytest.raises(SchemaUnavailable) as caught:
        required(url, "alerts", **settings)
    return str(caught.value)


def test_a_record_begins_with_a_zero_byte_and_the_id() -> None:
    with scripted_endpoint(answer(258)) as registry:
        made = required(registry.url, "alerts")
    assert b"\0\0\0\1\2{}" == made.framed("alerts", b"{}")


def test_a_message_of_protocol_buffers_is_named_by_its_place_in_the_file() -> None:
    with scripted_endpoint(answer(7)) as registry:
        made = required(registry.url, "alerts", serialization="protobuf")
    assert b"\0\0\0\0\7\0rest" == made.framed("alerts", b"rest")


def test_a_schema_is_registered_once_for_each_topic() -> None:
    with scripted_endpoint(answer(1), answer(2)) as registry:
        made = required(registry.url, "a", "b", "a", "b", "a")
        assert ["/subjects/a-value/versions", "/subjects/b-value/versions"] == [one.path for one in registry.requests]
    assert [1, 2] == [struct.unpack(">bI", made.framed(topic, b""))[1] for topic in ("a", "b")]


@pytest.mark.parametrize(
    ("subject", "path"),
    [("topic", "t.x-value"), ("record", "mozu.v1.Alert"), ("topic_record", "t.x-mozu.v1.Alert")],
)
@pytest.mark.parametrize("serialization", ["json", "avro", "protobuf"])
def test_the_subject_is_named_by_the_strategy(subject: str, path: str, serialization: str) -> None:
    with scripted_endpoint(answer(1)) as registry:
        required(registry.url, "t.x", subject=subject, serialization=serialization, auto_register=False)
        (request,) = registry.requests
    assert (f"/subjects/{path}", "POST") == (request.path, request.method)
    assert {"json": "JSON", "avro": "AVRO", "protobuf": "PROTOBUF"}[serialization] == json.loads(request.body)[
        "schemaType"
    ]


def test_a_registry_below_a_path_is_asked_there() -> None:
    with scripted_endpoint(answer(1)) as registry:
        required(f"{registry.url}apis/ccompat/v7/", "alerts")
        assert ["/apis/ccompat/v7/subjects/alerts-value/versions"] == [one.path for one in registry.requests]


def test_the_compatibility_level_is_set_before_the_schema_is_registered() -> None:
    with scripted_endpoint(Reply(body=b"{}"), answer(1)) as registry:
        required(registry.url, "alerts", compatibility="FULL")
        first, second = registry.requests
    assert ("PUT", "/config/alerts-value", {"compatibility": "FULL"}) == (
        first.method, first.path, json.loads(first.body),
    )  # fmt: skip
    assert "/subjects/alerts-value/versions" == second.path


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"token": "sesame"}, "Bearer sesame"),
        ({"user": "magpie", "password": "sesame"}, f"Basic {base64.b64encode(b'magpie:sesame').decode()}"),
    ],
)
def test_credentials_are_sent_and_never_shown(settings: dict[str, str], expected: str) -> None:
    with scripted_endpoint(Reply(403, expected.encode() + b" sesame is not enough")) as registry:
        text = refused(registry.url, **settings)
        (request,) = registry.requests
    assert expected == request.headers["Authorization"]
    assert "sesame" not in text
    assert expected.split()[1] not in text


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(401, b"who?"), "denies mozu the subject alerts-value (401: who?); set `registry.user`"),
        (Reply(403, b"no"), "denies mozu the subject alerts-value (403: no)"),
        (Reply(409, b'{"error_code":409}'), "has an incompatible schema for the subject alerts-value (409: "),
        (Reply(422, b"invalid"), "fails for the subject alerts-value (422: invalid)"),
        (Reply(500, b"boom\x1b[31m\n"), "fails for the subject alerts-value (500: boom"),
        (Reply(503), "fails for the subject alerts-value (503: )"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), "fails for the subject alerts-value (302: )"),
        (Reply(200, b"<html>"), "answers with something that is no JSON"),
        (Reply(200, b'{"id": 1' + b" " * (1 << 20) + b"}"), "answers with something that is no JSON"),
        (Reply(200, b"\xff"), "answers with something that is no JSON"),
        (Reply(200, b"[1]"), "answers without a schema's id"),
        *((answer(wrong), "answers without a schema's id") for wrong in (None, "1", 0, -1, 1 << 31, 1.0, True, [1])),
        (HANGS, "gives no answer within 0.5 s"),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{value.status} {value.body[:12]!r}",
)
def test_a_registry_that_does_not_help_is_described_in_one_line(reply: Reply, expected: str) -> None:
    with scripted_endpoint(reply) as registry:
        text = refused(registry.url)
    assert expected in text
    assert f"the schema registry {registry.url} " in text
    assert text.isprintable()
    assert len(text) < 500


def test_a_registry_that_is_not_there_is_described_in_one_line() -> None:
    with scripted_endpoint() as gone:
        pass
    assert "cannot be asked: " in refused(gone.url)


def test_a_schema_that_is_only_looked_up_is_never_registered() -> None:
    with scripted_endpoint(Reply(404, b'{"error_code":40401}')) as registry:
        text = refused(registry.url, auto_register=False)
        assert ["/subjects/alerts-value"] == [one.path for one in registry.requests]
    assert "does not have the schema of the subject alerts-value (404: " in text
    assert "set `registry.auto_register: true`" in text


def asked_for(made: RegisteredSchema, *topics: str) -> list[bool]:
    """Return for each topic, in order, True if the schema's id is known after `require`."""

    async def one(topic: str) -> bool:
        try:
            await made.require(topic)
        except SchemaUnavailable:
            return False
        return True

    async def run() -> list[bool]:
        return [await one(topic) for topic in topics]

    return asyncio.run(run())


def test_a_topic_that_is_refused_delays_no_other_and_is_not_asked_for_at_once() -> None:
    with scripted_endpoint(409, answer(1), answer(2)) as registry:
        assert [False, False, True, True] == asked_for(registered(registry.url), "a", "a", "b", "b")
        assert ["/subjects/a-value/versions", "/subjects/b-value/versions"] == [one.path for one in registry.requests]


def test_a_registry_that_hangs_is_waited_for_once_and_not_once_a_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_endpoint(HANGS, answer(1)) as registry:
        made = registered(registry.url)
        assert [False] * 5 == asked_for(made, "a", "b", "c", "d", "a")
        assert 1 == len(registry.requests)
        monkeypatch.setattr(registered_schema, "time", SimpleNamespace(monotonic=lambda: float("inf")))
        assert [True, True] == asked_for(made, "a", "b")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"user": "u"}, "user and password need each other"),
        ({"user": "u", "password": "p", "token": "t"}, "not both"),
        ({"auto_register": False, "compatibility": "FULL"}, "compatibility needs `auto_register: true`"),
        ({"url": "http://user:secret@registry:8081"}, "should match pattern"),
        ({"url": "registry:8081"}, "should match pattern"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RegistrySettings.model_validate({"url": "http://registry:8081", **settings})


def test_a_cloud_event_without_its_envelope_has_no_registered_schema() -> None:
    registry = {"url": "http://registry:8081"}
    with pytest.raises(ValidationError, match="`registry` needs `cloudevents: structured`"):
        KafkaSettings.model_validate({"registry": registry, "cloudevents": "binary"})


def test_a_format_without_a_schema_is_an_error_of_the_configuration() -> None:
    settings = KafkaSettings.model_validate({"registry": {"url": "http://registry:8081"}})
    with pytest.raises(ConfigError, match="sink under-test: `registry` needs a format with a schema"):
        build(settings, context())


def test_a_certificate_that_cannot_be_read_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    registry = {"url": "https://registry:8081", "tls": {"ca": tmp_path / "none.pem"}}
    with pytest.raises(ConfigError, match=r"none\.pem cannot be used"):
        build(KafkaSettings.model_validate({"registry": registry}), context(schema=schema("json")))


class Keeping(Producer):
    """Producer that keeps messages, and acknowledges them."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[KafkaMessage] = []

    async def send(self, message: KafkaMessage) -> "asyncio.Future[Any]":
        self.messages.append(message)
        future = await super().send(message)
        future.set_result(None)
        return future

    async def topic_problem(self, topic: str) -> str | None:
        return None


def sink(producer: Producer, registry: dict[str, Any], **settings: Any) -> KafkaSink:
    chosen = KafkaSettings.model_validate(
        {"bootstrap_servers": "nowhere:9092", "registry": {"timeout": 0.5, **registry}, **settings}
    )
    made = KafkaSink(chosen, context(schema=schema("json"), content_type="application/json"))
    made._producer = cast("KafkaProducer", producer)
    return made


def test_records_wait_in_order_until_the_registry_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(registered_schema, "_NEGATIVE_TTL", 0.0)
    batch = records(*(alert(f"rule {number}") for number in range(4)))

    async def run(url: str) -> list[KafkaMessage]:
        producer = Keeping()
        made = sink(producer, {"url": url})
        assert [Retry(tried=False)] * 2 == await made.deliver(batch[:2])
        assert [Retry(tried=False)] * 2 == await made.deliver(batch[2:])  # later ones wait for the first
        assert [] == producer.messages
        assert [None] * 4 == await made.deliver(batch)
        await made.stop()
        return producer.messages

    with scripted_endpoint(503, answer(9)) as registry:
        sent = asyncio.run(run(registry.url))
        assert 2 == len(registry.requests)
    assert [b"\0\0\0\0\x09" + record.body for record in batch] == [message.body for message in sent]
    assert any("fails for the subject mozu.alerts-value (503: )" in line for line in caplog.messages)


def test_only_the_topic_whose_schema_is_refused_waits() -> None:
    batch = records(alert("refused"), alert("taken"), alert("refused"))

    async def run(url: str) -> tuple[list[Outcome], list[str]]:
        producer = Keeping()
        made = sink(producer, {"url": url}, topic="{rule}")
        outcomes = [*await made.deliver(batch)]
        await made.stop()
        return outcomes, [message.topic for message in producer.messages]

    with scripted_endpoint(409, answer(1)) as registry:  # topics are asked for by their first record
        outcomes, topics = asyncio.run(run(registry.url))
    assert ([Retry(tried=False), None, Retry(tried=False)], ["taken"]) == (outcomes, topics)


@pytest.mark.parametrize(
    ("serialization", "expected"),
    [("json", b"application/json"), ("avro", b"application/avro"), ("protobuf", b"application/x-protobuf")],
)
def test_the_header_says_what_the_record_is(serialization: str, expected: bytes) -> None:
    (record,) = records(alert(), alert())[:1]

    async def run(url: str, one: Record) -> KafkaMessage:
        producer = Keeping()
        made = sink(producer, {"url": url, "serialization": serialization})
        assert [None] == await made.deliver([one])
        await made.stop()
        return producer.messages[0]

    with scripted_endpoint(answer(1)) as registry:
        message = asyncio.run(run(registry.url, record))
    assert ("content-type", expected) in message.headers


@pytest.mark.parametrize(
    ("reply", "settings", "expected"),
    [
        (answer(1), {}, None),
        (Reply(404), {}, None),  # it will be registered with the first alert
        (Reply(404), {"auto_register": False}, "does not have the schema"),
        (Reply(401), {}, "denies mozu the subject"),
    ],
)
def test_a_check_looks_at_the_registry_and_registers_nothing(
    reply: Reply, settings: dict[str, Any], expected: str | None
) -> None:
    with scripted_endpoint(reply) as registry:
        found = asyncio.run(sink(Keeping(), {"url": registry.url, **settings}).check())
        assert ["/subjects/mozu.alerts-value"] == [one.path for one in registry.requests]
    assert found is None if expected is None else expected in str(found)
