"""Settings of the source `kafka`."""

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from mozu.core.common.kafka.access import KafkaAccess
from mozu.plugins.sources.kafka.record_number import MAX_TOPICS

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")


class KafkaSourceSettings(KafkaAccess):
    """Settings of the source `kafka`."""

    topics: tuple[str, ...] = Field(
        min_length=1, max_length=MAX_TOPICS, description="What is read; all members of a group must name the same."
    )
    group: str = Field("mozu", min_length=1, description="The consumer group, whose members share the partitions.")
    group_instance_id: str | None = Field(
        None, min_length=1, description="A name of this member that outlives restarts (static membership): it keeps "
        "its partitions if it is back within `session_timeout`.",
    )  # fmt: skip
    auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest", description="Where a group that has committed nothing begins."
    )
    event_source: Literal["json", "k8s_audit"] = Field(
        "json",
        description="The source class of the events, which rules name. Records of `k8s_audit` are audit events of "
        "Kubernetes, lists of them, or what EKS, GKE and AKS wrap around them.",
    )
    alerts: bool = Field(
        True, description="Records that are alerts of Falco or mozu (formats json and cloudevents) go on as alerts."
    )
    dead_letters: Literal["topic", "file", "count"] = Field(
        "topic", description="Where records go that are no JSON, or no audit events: to `dead_letter_topic`, to "
        "`dead_letter_file`, or nowhere; they are counted in any case.",
    )  # fmt: skip
    dead_letter_topic: str = Field(
        "{topic}.dlq", description="The topic for dead letters; {topic} is that of the record. It is created if it is "
        "missing.",
    )  # fmt: skip
    dead_letter_file: Path | None = Field(None, description="The file for dead letters: a line of JSON for each.")
    batch_records: int = Field(2000, ge=1, le=50_000, description="The most records in a batch.")
    session_timeout: float = Field(
        30.0, ge=6, le=1800, description="Seconds of silence after which the group gives the partitions to others."
    )
    max_poll_interval: float = Field(
        900.0, ge=30, description="Seconds that the alerts of a batch may take to be safe before the group takes this "
        "member for hung (`max.poll.interval.ms`).",
    )  # fmt: skip
    rebuild_after: float = Field(
        60.0, gt=0, description="Seconds of errors and no records after which the client is rebuilt."
    )

    @field_validator("topics")
    @classmethod
    def _are_topics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for topic in value:
            if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
                raise ValueError(f"{topic!r} is no name of a topic")
        if len(set(value)) < len(value):
            raise ValueError("a topic is named twice")
        return value

    @model_validator(mode="after")
    def _dead_letters_have_a_place(self) -> "KafkaSourceSettings":
        if self.dead_letters == "file" and self.dead_letter_file is None:
            raise ValueError("dead_letters: file needs dead_letter_file")
        for topic in self.topics:
            if not _TOPIC.fullmatch(self.dead_letter_topic_of(topic)):
                raise ValueError(f"dead_letter_topic: {self.dead_letter_topic_of(topic)!r} is no name of a topic")
            if self.dead_letter_topic_of(topic) in self.topics:
                raise ValueError("dead_letter_topic is one of the topics that are read")
        return self

    def dead_letter_topic_of(self, topic: str) -> str:
        """Return the topic for dead letters of a topic."""
        return self.dead_letter_topic.replace("{topic}", topic)
