"""The key of a record."""

import pytest

from mozu.core.testing import alert, records
from mozu.plugins.sinks.kafka.message import MessageBuilder
from mozu.plugins.sinks.kafka.settings import KafkaSettings


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("host", b"web-1"),
        ("container", b"3f2a91c7d9e0"),
        ("rule", b"Shell in container"),
        ("host_rule", b"web-1/Shell in container"),
        ("id", None),
        ("none", None),
    ],
)
def test_a_record_has_the_key_that_the_setting_names(key: str, expected: bytes | None) -> None:
    item = alert("Shell in container", **{"container.id": "3f2a91c7d9e0"})
    item.hostname = "web-1"
    settings = KafkaSettings.model_validate({"key": key})
    (message,) = [MessageBuilder(settings, "application/json").build(one) for one in records(item)]
    assert (item.id.encode() if key == "id" else expected) == message.key


def test_what_runs_in_no_container_is_keyed_by_its_host() -> None:
    item = alert("Shell", **{"container.id": "host"})
    (record,) = records(item)
    assert b"host" == MessageBuilder(KafkaSettings.model_validate({"key": "container"}), "x").build(record).key
    item.hostname = "web-2"
    assert b"web-2" == MessageBuilder(KafkaSettings.model_validate({"key": "container"}), "x").build(record).key
