"""The sink `kafka`: alerts as records of a topic, acknowledged by the brokers."""

from mozu.core.api import Declaration, hookimpl
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import Kafka, build

__all__ = ["Kafka", "KafkaSettings", "mozu_sink"]


@hookimpl
def mozu_sink() -> Declaration:
    """Declare the sink."""
    return Declaration(
        name="kafka",
        build=build,
        settings=KafkaSettings,
        summary="Records of an Apache Kafka topic, acknowledged by all replicas.",
    )
