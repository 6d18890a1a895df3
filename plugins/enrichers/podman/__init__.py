"""The enricher `podman`: container metadata of podman's containers, of root and of users, from files alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, LookupLimits, Privilege, hookimpl
from mozu.plugins.enrichers.podman.settings import PodmanSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.podman.enricher import PodmanEnricher


def build(settings: PodmanSettings, context: Context) -> "PodmanEnricher":
    """Build the enricher."""
    from mozu.plugins.enrichers.podman.enricher import PodmanEnricher  # only where it is used

    return PodmanEnricher(settings, context)


def privileges(settings: PodmanSettings) -> Iterator[Privilege]:
    """podman's storage."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose=f"read {settings.storage[0] if settings.storage else 'the storage'} and that of users",
        without="containers of podman have an id, and nothing else is known of them",
    )


@hookimpl
def mozu_components() -> EnricherDeclaration[PodmanSettings]:
    """Declare the enricher `podman`."""
    return EnricherDeclaration(
        name="podman",
        build=build,
        summary="Names, images, mounts and privileges of podman's containers, from its storage.",
        settings=PodmanSettings,
        provides=("containers",),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
        privileges=privileges,
    )
