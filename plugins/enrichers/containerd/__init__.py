"""The enricher `containerd`: container metadata of containerd, with or without Kubernetes, in every namespace."""

from functools import partial
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, hookimpl
from mozu.core.common.containers.containerd.privileges import containerd_privileges
from mozu.core.common.containers.containerd.settings import ContainerdSettings
from mozu.core.common.live_enricher import live_enricher

if TYPE_CHECKING:
    from mozu.core.common.containers.container_enricher import ContainerEnricher


def build(settings: ContainerdSettings, context: Context) -> "ContainerEnricher":
    """Build the enricher."""
    from mozu.core.common.containers.container_enricher import ContainerEnricher  # only where it is used
    from mozu.core.common.containers.containerd.runtime import ContainerdRuntime

    return ContainerEnricher(context, [partial(ContainerdRuntime, settings)])


@hookimpl
def mozu_components() -> EnricherDeclaration[ContainerdSettings]:
    """Declare the enricher `containerd`."""
    summary = "Names, images, labels, mounts and pods of containers, from containerd's state directory and API."
    return live_enricher("containerd", ContainerdSettings, build, containerd_privileges, summary)
