"""The declaration of an enricher that keeps its answers current itself, by watching its inputs."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from mozu.core.api import Context, Enricher, EnricherDeclaration, LookupLimits, Privilege, Settings

S = TypeVar("S", bound=Settings)


def live_enricher(
    name: str,
    settings: type[S],
    build: Callable[[S, Context], Enricher],
    privileges: Callable[[S], Iterable[Privilege]],
    summary: str,
    *,
    provides: str = "containers",
) -> EnricherDeclaration[S]:
    """Return a declaration with which the core asks again only for keys that were not found."""
    return EnricherDeclaration(
        name=name,
        build=build,
        summary=summary,
        settings=settings,
        provides=(provides,),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
        privileges=privileges,
    )
