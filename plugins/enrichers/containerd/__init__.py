"""The enricher `containerd`: container metadata of containerd, with or without Kubernetes, in every namespace."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, LookupLimits, Privilege, hookimpl
from mozu.plugins.enrichers.containerd.settings import ContainerdSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.containerd.enricher import ContainerdEnricher


def build(settings: ContainerdSettings, context: Context) -> "ContainerdEnricher":
    """Build the enricher."""
    from mozu.plugins.enrichers.containerd.enricher import ContainerdEnricher  # only where it is used

    return ContainerdEnricher(settings, context)


def privileges(settings: ContainerdSettings) -> Iterator[Privilege]:
    """containerd's state directory and its socket."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose=f"read the tasks below {settings.state}, which describe a container before its first instruction",
        without="a container is known once containerd answers, and if it may not be asked, not at all",
    )
    if settings.socket is not None:
        yield Privilege(
            capability="CAP_DAC_OVERRIDE",
            purpose=f"connect to {settings.socket} without being in the group of the socket",
            without="image and labels of containers that no Kubernetes has made are not known",
        )


@hookimpl
def mozu_components() -> EnricherDeclaration[ContainerdSettings]:
    """Declare the enricher `containerd`."""
    return EnricherDeclaration(
        name="containerd",
        build=build,
        summary="Names, images, labels, mounts and pods of containers, from containerd's state directory and API.",
        settings=ContainerdSettings,
        provides=("containers",),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
        privileges=privileges,
    )
