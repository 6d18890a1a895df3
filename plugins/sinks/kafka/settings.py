"""Settings of the sink `kafka`."""

from typing import Literal

from pydantic import ByteSize, Field, field_validator, model_validator

from mozu.core.common.kafka.access import KafkaAccess
from mozu.plugins.sinks.kafka.registry.settings import RegistrySettings
from mozu.plugins.sinks.kafka.topic_template import TopicTemplate


class KafkaSettings(KafkaAccess):
    """Settings of the sink `kafka`."""

    topic: str = Field(
        "mozu.alerts",
        description="The topic; it may hold {priority}, {source}, {host} and {rule}, in which characters that are "
        "illegal in a topic's name become a hyphen.",
    )
    key: Literal["host", "container", "rule", "host_rule", "id", "none"] = Field(
        "host", description="The record's key: alerts of one key go to one partition, in order. `container` is the id "
        "of the container, and the host for what runs in none; `host_rule` is host, a slash and the rule; `id` is the "
        "alert's id, by which a compacted topic keeps one of its copies.",
    )  # fmt: skip
    acks: Literal["all", "leader"] = Field(
        "all", description="Who must have a record before it counts as delivered: all in-sync replicas, or one broker."
    )
    idempotence: bool = Field(
        True, description="Retries make no duplicates, and keep the order within a partition; needs acks `all`."
    )
    compression: Literal["zstd", "lz4", "gzip", "none"] = Field("zstd", description="How batches are compressed.")
    linger: float = Field(0.0, ge=0, le=10, description="Seconds to wait for more records before a batch is sent.")
    batch_bytes: ByteSize = Field(ByteSize(256 << 10), ge=1024, description="The most bytes of a batch, per partition.")
    max_bytes: ByteSize = Field(
        ByteSize(1_000_000), ge=1024, description="The most bytes of a record; larger ones become dead letters. Keep "
        "it at or below the topic's `max.message.bytes`.",
    )  # fmt: skip
    dead_letter_topic: str | None = Field(
        None, description="A topic for copies of alerts that the brokers refuse for good, with Kafka Connect's headers "
        "`__connect.errors.*`; one that is too large comes without its body.",
    )  # fmt: skip
    cloudevents: Literal["structured", "binary"] = Field(
        "structured", description="With the format `cloudevents`: the envelope around the alert, or in headers `ce_*`."
    )
    registry: RegistrySettings | None = Field(
        None, description="A schema registry: records then begin with the id of their schema (Confluent's wire format)."
    )
    create_topics: bool = Field(False, description="Create a topic that does not exist.")
    partitions: int = Field(6, ge=1, description="Of topics that are created.")
    replication_factor: int | None = Field(
        None, ge=1, description="Of topics that are created; by default three, or as many as there are brokers."
    )
    rebuild_after: float = Field(
        60.0, gt=0, description="Seconds without any acknowledgement after which the client is rebuilt: it may know "
        "only brokers that are gone. What was in flight is then sent again.",
    )  # fmt: skip

    @field_validator("topic")
    @classmethod
    def _is_a_topic(cls, value: str) -> str:
        TopicTemplate(value)
        return value

    @field_validator("dead_letter_topic")
    @classmethod
    def _is_one_topic(cls, value: str | None) -> str | None:
        if value is not None and TopicTemplate(value).fixed is None:
            raise ValueError("dead letters go to one topic: its name may hold no field")
        return value

    @model_validator(mode="after")
    def _registry_needs_one_record(self) -> "KafkaSettings":
        if self.registry is not None and self.cloudevents == "binary":
            raise ValueError("`registry` needs `cloudevents: structured`: its schema describes the whole event")
        return self

    @model_validator(mode="after")
    def _idempotence_needs_all(self) -> "KafkaSettings":
        if self.idempotence and self.acks != "all":
            raise ValueError("acks leader needs `idempotence: false`")
        return self
