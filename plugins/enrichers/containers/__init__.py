"""The enricher `containers`: the container runtimes of this machine, now and later, with one cache for all."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, Privilege, hookimpl
from mozu.core.common.live_enricher import live_enricher
from mozu.plugins.enrichers.containers.settings import ContainersSettings

if TYPE_CHECKING:
    from mozu.core.common.containers.container_enricher import ContainerEnricher, MakeRuntime


def build(settings: ContainersSettings, context: Context) -> "ContainerEnricher":
    """Build the enricher."""
    from mozu.core.common.containers.container_enricher import ContainerEnricher  # only where it is used
    from mozu.core.common.containers.containerd.runtime import ContainerdRuntime
    from mozu.core.common.containers.cri.runtime import CriRuntime
    from mozu.core.common.containers.docker.runtime import DockerRuntime
    from mozu.core.common.containers.podman.runtime import PodmanRuntime

    made: list[MakeRuntime] = []
    if settings.docker is not None:
        made.append(partial(DockerRuntime, settings.docker))
    if settings.containerd is not None:
        made.append(partial(ContainerdRuntime, settings.containerd))
    if settings.cri is not None:
        made.append(partial(CriRuntime, settings.cri))
    if settings.podman is not None:
        made.append(partial(PodmanRuntime, settings.podman))
    return ContainerEnricher(context, made)


def privileges(settings: ContainersSettings) -> Iterator[Privilege]:
    """Yield the privileges that the runtimes need together."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose="read the files of container runtimes, which describe a container before its first instruction",
        without="a container is known once its runtime answers, and podman's not at all",
    )
    yield Privilege(
        capability="CAP_DAC_OVERRIDE",
        purpose="connect to the sockets of container runtimes without being in their groups",
        without="what only their APIs say is not known",
    )


@hookimpl
def mozu_components() -> EnricherDeclaration[ContainersSettings]:
    """Declare the enricher `containers`."""
    summary = "What every container runtime of this machine says of containers: docker, containerd, CRI, podman."
    return live_enricher("containers", ContainersSettings, build, privileges, summary)
