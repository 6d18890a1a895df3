"""The enricher `docker`: container metadata of a docker engine: names, images, labels, mounts."""

from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, LookupLimits, hookimpl
from mozu.plugins.enrichers.docker.settings import DockerSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.docker.enricher import DockerEnricher


def build(settings: DockerSettings, context: Context) -> "DockerEnricher":
    """Build the enricher."""
    from mozu.plugins.enrichers.docker.enricher import DockerEnricher  # imports aiohttp: only where it is used

    return DockerEnricher(settings, context)


@hookimpl
def mozu_components() -> EnricherDeclaration[DockerSettings]:
    """Declare the enricher `docker`."""
    return EnricherDeclaration(
        name="docker",
        build=build,
        summary="Names, images, labels and mounts of containers, from a docker engine's files and API.",
        settings=DockerSettings,
        provides=("containers",),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
    )
