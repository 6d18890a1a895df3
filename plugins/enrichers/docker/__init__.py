"""The enricher `docker`: container metadata of a docker engine: names, images, labels, mounts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, LookupLimits, Privilege, hookimpl
from mozu.plugins.enrichers.docker.settings import DockerSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.docker.enricher import DockerEnricher


def build(settings: DockerSettings, context: Context) -> "DockerEnricher":
    """Build the enricher."""
    from mozu.plugins.enrichers.docker.enricher import DockerEnricher  # only where it is used

    return DockerEnricher(settings, context)


def privileges(settings: DockerSettings) -> Iterator[Privilege]:
    """The engine's socket and its files."""
    yield Privilege(
        capability="CAP_DAC_OVERRIDE",
        purpose=f"connect to {settings.socket} without being in the group of the socket",
        without="what only the engine's API says is not known: containers are described from its files",
    )
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose="read the engine's files, which describe a container before its first instruction",
        without="a container is known once the engine answers, so its first events may be without name and image",
    )


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
        privileges=privileges,
    )
