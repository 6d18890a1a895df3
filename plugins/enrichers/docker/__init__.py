"""Containers of a docker engine: names, images, labels, mounts."""

from mozu.core.api.hookspecs import Declaration, hookimpl
from mozu.plugins.enrichers.docker.enricher import DockerEnricher, DockerSettings


@hookimpl
def mozu_enricher() -> Declaration:
    """Declare `docker`."""
    return Declaration(
        name="docker",
        build=DockerEnricher,
        summary="Names, images, labels and mounts of containers, from a docker engine's files and API.",
        settings=DockerSettings,
    )
