"""Sources on whose alerts no responder acts, though responders are configured."""

from collections.abc import Iterable, Iterator

from mozu.core.api.declarations import AnySource


def unacted_sources(sources: Iterable[tuple[str, AnySource]]) -> Iterator[tuple[str, str]]:
    """Yield (id, sentence) of each source, given as (id, declaration), that brings events and is not acted on."""
    for name, declaration in sources:
        if declaration.event_source and not (declaration.live or declaration.acted_on):
            why = f"the source {declaration.name} is not live, and its declaration does not say `acted_on=True`"
            yield name, f"responders act on no alert about events of source {name}: {why}"
