"""The enricher `docker`: container metadata of a docker engine: names, images, labels, mounts."""

from functools import partial
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, hookimpl
from mozu.core.common.containers.docker.privileges import docker_privileges
from mozu.core.common.containers.docker.settings import DockerSettings
from mozu.core.common.live_enricher import live_enricher

if TYPE_CHECKING:
    from mozu.core.common.containers.container_enricher import ContainerEnricher


def build(settings: DockerSettings, context: Context) -> "ContainerEnricher":
    """Build the enricher."""
    from mozu.core.common.containers.container_enricher import ContainerEnricher  # only where it is used
    from mozu.core.common.containers.docker.runtime import DockerRuntime

    return ContainerEnricher(context, [partial(DockerRuntime, settings)])


@hookimpl
def mozu_components() -> EnricherDeclaration[DockerSettings]:
    """Declare the enricher `docker`."""
    summary = "Names, images, labels and mounts of containers, from a docker engine's files and API."
    return live_enricher("docker", DockerSettings, build, docker_privileges, summary)
