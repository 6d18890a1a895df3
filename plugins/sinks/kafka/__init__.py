"""The sink `kafka`: alerts as records of a topic, acknowledged by the brokers."""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SinkDeclaration, hookimpl
from mozu.plugins.sinks.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from mozu.plugins.sinks.kafka.sink import KafkaSink


def build(settings: KafkaSettings, context: Context) -> "KafkaSink":
    """Build the sink.

    Raises ConfigError if the settings do not fit the format, or a certificate or the installed aiokafka cannot be used.
    """
    from mozu.plugins.sinks.kafka import sink  # imports aiokafka: only where the sink is used

    return sink.build(settings, context)


@hookimpl
def mozu_components() -> SinkDeclaration[KafkaSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="kafka",
        build=build,
        settings=KafkaSettings,
        summary="Records of an Apache Kafka topic, acknowledged by all replicas.",
    )
