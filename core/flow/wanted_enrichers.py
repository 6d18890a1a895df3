"""The enrichers that the events of a type need: those whose fields a loaded rule, output or sink reads."""

from collections.abc import Iterable, Sequence

import msgspec

from mozu.core.filter.demand import ANY_ENRICHER, Demand
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.model.event import Event


class EnricherLookups(msgspec.Struct, frozen=True):
    """The look-ups of an enricher, and the needs of fields (`enricher:NAME`) that ask for them."""

    lookups: KeyLookups
    needs: frozenset[str]


class WantedEnrichers:
    """The enrichers that are wanted in a run; a reload changes them."""

    def __init__(self, enrichers: Iterable[EnricherLookups]) -> None:
        self._enrichers = tuple(enrichers)
        self._demand: Demand | None = None
        self._by_type: dict[tuple[str, str], Sequence[KeyLookups]] = {}

    def __bool__(self) -> bool:
        return bool(self._enrichers)

    def all(self) -> Sequence[KeyLookups]:
        """Return the look-ups of all enrichers."""
        return tuple(one.lookups for one in self._enrichers)

    def use(self, enrichers: Iterable[EnricherLookups]) -> None:
        """Use these enrichers, from the next batch on (a reload)."""
        self._enrichers = tuple(enrichers)
        self._by_type.clear()

    def update(self, demand: Demand) -> None:
        """Use this demand of evaluators, sinks and recordings. Before the first call everything is wanted."""
        self._demand = demand
        self._by_type.clear()

    def of(self, event: Event) -> Sequence[KeyLookups]:
        """Return the look-ups that an event may have to wait for."""
        key = event.source, event.type
        found = self._by_type.get(key)
        if found is None:
            found = self._by_type[key] = self._wanted(event.source, event.type)
        return found

    def _wanted(self, source: str, event_type: str) -> Sequence[KeyLookups]:
        if self._demand is None:
            return tuple(one.lookups for one in self._enrichers)
        both = (self._demand.of(source), self._demand.of("*"))
        interests = [types[name] for types in both for name in (event_type, "*") if name in types]
        needs = frozenset[str]().union(*(one.state_dependencies for one in interests))
        return tuple(one.lookups for one in self._enrichers if ANY_ENRICHER in needs or one.needs & needs)
