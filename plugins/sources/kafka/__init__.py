"""The source `kafka`: records of topics as events of a JSON source, or as the alerts that they are."""

from mozu.core.api import Declaration, hookimpl
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings
from mozu.plugins.sources.kafka.source import KafkaSource, build

__all__ = ["KafkaSource", "KafkaSourceSettings", "mozu_source"]


@hookimpl
def mozu_source() -> Declaration:
    """Declare the source."""
    return Declaration(
        name="kafka",
        build=build,
        settings=KafkaSourceSettings,
        event_source="json",
        live=False,
        summary="Records of Apache Kafka's topics, shared by a consumer group, committed once their alerts are safe.",
    )
