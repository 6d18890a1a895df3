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
    classes: frozenset[str] = frozenset()
    """Source classes for which the enricher declares fields; `*` stands for all."""


class WantedEnrichers:
    """The enrichers that are wanted in a run; a reload changes them.

    `own_classes_only`: an enricher is wanted only for events of source classes for which it declares fields.
    """

    def __init__(self, enrichers: Iterable[EnricherLookups], *, own_classes_only: bool = False) -> None:
        self._enrichers, self._own_classes_only = tuple(enrichers), own_classes_only
        self._demand: Demand | None = None
        self._followers: list[WantedEnrichers] = []
        self._by_type: dict[tuple[str, str], Sequence[KeyLookups]] = {}

    def __bool__(self) -> bool:
        return bool(self._enrichers)

    def all(self) -> Sequence[KeyLookups]:
        """Return the look-ups of all enrichers."""
        return tuple(one.lookups for one in self._enrichers)

    def of_own_classes(self) -> "WantedEnrichers":
        """Return the same enrichers, each wanted only for source classes for which it declares fields. What this object
        is given to use later, the returned one uses too."""
        follower = WantedEnrichers(self._enrichers, own_classes_only=True)
        if self._demand is not None:
            follower.update(self._demand)
        self._followers.append(follower)
        return follower

    def use(self, enrichers: Iterable[EnricherLookups]) -> None:
        """Use these enrichers, from the next batch on (a reload)."""
        self._enrichers = tuple(enrichers)
        self._by_type.clear()
        for follower in self._followers:
            follower.use(self._enrichers)

    def update(self, demand: Demand) -> None:
        """Use this demand of evaluators, sinks and recordings. Before the first call everything is wanted."""
        self._demand = demand
        self._by_type.clear()
        for follower in self._followers:
            follower.update(demand)

    def of(self, event: Event) -> Sequence[KeyLookups]:
        """Return the look-ups that an event may have to wait for."""
        key = event.source, event.type
        found = self._by_type.get(key)
        if found is None:
            found = self._by_type[key] = self._wanted(event.source, event.type)
        return found

    def _wanted(self, source: str, event_type: str) -> Sequence[KeyLookups]:
        enrichers = self._enrichers
        if self._own_classes_only:
            enrichers = tuple(one for one in enrichers if not one.classes.isdisjoint((source, "*")))
        if self._demand is None:
            return tuple(one.lookups for one in enrichers)
        both = (self._demand.of(source), self._demand.of("*"))
        interests = [types[name] for types in both for name in (event_type, "*") if name in types]
        needs = frozenset[str]().union(*(one.state_dependencies for one in interests))
        return tuple(one.lookups for one in enrichers if ANY_ENRICHER in needs or one.needs & needs)
