"""The source `kafka`: records of topics as events of a JSON source, or as the alerts that they contain."""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SourceDeclaration, hookimpl
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

if TYPE_CHECKING:
    from mozu.plugins.sources.kafka.source import KafkaSource


def build(settings: KafkaSourceSettings, context: Context) -> "KafkaSource":
    """Build the source. Raises ConfigError if a certificate or the installed aiokafka cannot be used."""
    from mozu.plugins.sources.kafka import source  # imports aiokafka: only where the source is used

    return source.build(settings, context)


@hookimpl
def mozu_components() -> SourceDeclaration[KafkaSourceSettings]:
    """Declare the source."""
    return SourceDeclaration(
        name="kafka",
        build=build,
        settings=KafkaSourceSettings,
        event_source="json",
        live=False,
        summary="Records of Apache Kafka's topics, shared by a consumer group, committed once their alerts are safe.",
    )
