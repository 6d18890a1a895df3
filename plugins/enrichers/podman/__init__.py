"""The enricher `podman`: container metadata of podman's containers, of root and of users."""

from functools import partial
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, hookimpl
from mozu.core.common.containers.podman.privileges import podman_privileges
from mozu.core.common.containers.podman.settings import PodmanSettings
from mozu.core.common.live_enricher import live_enricher

if TYPE_CHECKING:
    from mozu.core.common.containers.container_enricher import ContainerEnricher


def build(settings: PodmanSettings, context: Context) -> "ContainerEnricher":
    """Build the enricher."""
    from mozu.core.common.containers.container_enricher import ContainerEnricher  # only where it is used
    from mozu.core.common.containers.podman.runtime import PodmanRuntime

    return ContainerEnricher(context, [partial(PodmanRuntime, settings)])


@hookimpl
def mozu_components() -> EnricherDeclaration[PodmanSettings]:
    """Declare the enricher `podman`."""
    summary = "Names, images, mounts and privileges of podman's containers, from its storage."
    return live_enricher("podman", PodmanSettings, build, podman_privileges, summary)
