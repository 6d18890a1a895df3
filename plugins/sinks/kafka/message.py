"""The Kafka record of an alert: topic, key, body, headers."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from mozu.core.api import Record, Severity
from mozu.core.caches import cached
from mozu.core.common.kafka.producer import Headers, KafkaMessage
from mozu.core.model.event import bounded_text, printable
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.topic_template import TopicTemplate

SCHEMA_VERSION: Final = b"1"
"""Version of all formats that mozu writes to a topic; raised by changes that break a consumer of the schemas."""
_CLOUDEVENTS: Final = "application/cloudevents+json"


class MessageBuilder:
    """Builder of Kafka messages from records of the sink."""

    def __init__(
        self, settings: KafkaSettings, content_type: str, encode: Callable[[bytes], bytes] | None = None
    ) -> None:
        """Prepare the topic and headers. `encode` makes a body from the record's JSON; None if the JSON is the body."""
        self._topic, self._key = TopicTemplate(settings.topic), settings.key
        self._content_type, self._encode = content_type.encode(), encode
        self._is_binary = settings.cloudevents == "binary"
        if self._is_binary and not content_type.startswith(_CLOUDEVENTS):
            raise ValueError("cloudevents: binary needs `format: cloudevents`")

    @property
    def fixed_topic(self) -> str | None:
        """The topic, if it is the same for every alert; else None."""
        return self._topic.fixed

    def build(self, record: Record) -> KafkaMessage:
        """Return the message for a record."""
        alert = record.alert
        body, headers = self._content(record)
        return KafkaMessage(record.stamp.sequence, self._topic.name(alert), self._key_of(record), body, headers)

    def _content(self, record: Record) -> tuple[bytes, Headers]:
        body, headers = record.body, [("content-type", self._content_type)]
        if self._is_binary:
            body, headers = _binary_mode(body)
        elif self._encode is not None:
            body = self._encode(body)
        stamp, alert = record.stamp, record.alert
        return body, [
            *headers,
            *_common_headers(alert.rule, alert.priority, stamp.agent, stamp.sink, stamp.epoch),
            ("mozu-id", _utf8(alert.id)),
            ("mozu-sequence", b"%d" % stamp.sequence),
        ]

    def _key_of(self, record: Record) -> bytes | None:
        alert = record.alert
        match self._key:
            case "none":
                return None
            case "id":
                return _utf8(alert.id)
            case "rule":
                return _utf8(alert.rule)
            case "host_rule":
                return _utf8(f"{alert.hostname}/{alert.rule}")
            case "container":
                container = alert.values.get("container.id") or alert.enrichment.get("container.id")
                return _utf8(alert.hostname if container in (None, "", "host") else bounded_text(container))
            case "host":
                return _utf8(alert.hostname)


def _binary_mode(body: bytes) -> tuple[bytes, Headers]:
    """Return body and headers in Kafka's binary mode (CloudEvents, Kafka Protocol Binding 3.2): attributes are headers,
    the data is the body."""
    event: dict[str, Any] = orjson.loads(body)
    data = orjson.dumps(event.pop("data"))
    content_type = str(event.pop("datacontenttype"))
    headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items()]
    return data, [("content-type", content_type.encode()), *headers]


@cached(1024)
def _common_headers(rule: str, priority: Severity, agent: str, sink: str, epoch: str) -> Headers:
    return [
        ("mozu-schema", SCHEMA_VERSION),
        ("mozu-rule", _utf8(rule)),
        ("mozu-priority", priority.label.encode()),
        ("mozu-agent", _utf8(agent)),
        ("mozu-sink", _utf8(sink)),
        ("mozu-epoch", epoch.encode()),
    ]


@cached(4096)
def _utf8(text: str) -> bytes:
    return printable(text).encode()
