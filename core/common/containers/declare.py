"""How an enricher of container runtimes is declared."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from mozu.core.api import Context, EnricherDeclaration, LookupLimits, Privilege, Settings

if TYPE_CHECKING:
    from mozu.core.common.containers.container_enricher import ContainerEnricher

S = TypeVar("S", bound=Settings)


def container_enricher(
    name: str,
    settings: type[S],
    build: "Callable[[S, Context], ContainerEnricher]",
    privileges: Callable[[S], Iterable[Privilege]],
    summary: str,
) -> EnricherDeclaration[S]:
    """It keeps its answers true itself, so the core asks again only for what it could not find."""
    return EnricherDeclaration(
        name=name,
        build=build,
        summary=summary,
        settings=settings,
        provides=("containers",),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
        privileges=privileges,
    )
