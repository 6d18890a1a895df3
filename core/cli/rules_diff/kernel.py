"""Differences of what enabled rules demand of sources, and of what the filters of sources take."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mozu.core.api.declarations import AnySource
from mozu.core.cli.pushdown import demand_of
from mozu.core.cli.rules_diff.changes import set_difference
from mozu.core.filter.demand import Demand
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.language.conditions.decide import implies
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.rules import LoadResult
from mozu.core.model.fields import FieldRegistry

_WORDS: Final[Mapping[Precision, str]] = {
    Precision.EXACT: "discards every event that no rule matches",
    Precision.NECESSARY: "discards some events that no rule matches",
    Precision.NONE: "lets every event pass",
}


def demand_lines(
    before: LoadResult, after: LoadResult, fields: FieldRegistry, sources: Iterable[AnySource]
) -> Iterator[str]:
    """Yield a sentence for each difference in the event types that enabled rules demand, and in what filters take."""
    old, new = _demand(before, fields), _demand(after, fields)
    for name in sorted(old.types.keys() | new.types.keys()):
        if text := set_difference(_shown(old, name), _shown(new, name)):
            yield f"event types of {name}: {text}"
    for source in sources:
        if source.pushdown is not None:
            filters = source.pushdown(old, fields), source.pushdown(new, fields)
            yield from _filter_lines(source, (old, new), filters, fields)


def _demand(load: LoadResult, fields: FieldRegistry) -> Demand:
    return demand_of([rule for rule in load.rules.rules if rule.enabled], fields)


def _shown(demand: Demand, source: str) -> Iterator[str]:
    return ("every type" if name == "*" else name for name in demand.of(source))


def _filter_lines(
    source: AnySource,
    demands: tuple[Demand, Demand],
    filters: tuple[Mapping[str, Pushdown], Mapping[str, Pushdown]],
    fields: FieldRegistry,
) -> Iterator[str]:
    """Yield a sentence for each kind of difference, with the event types of both demands that it concerns."""
    found: dict[str, list[str]] = {}
    for name in sorted(filters[0].keys() & filters[1].keys()):
        was, now = filters[0][name], filters[1][name]
        before, after = (
            one.tested(demand.predicate(source.event_source, name))
            for one, demand in zip((was, now), demands, strict=True)
        )
        if before is not after:
            resolver = Resolver(fields, source.event_source, None if name == "*" else name)
            takes_more, takes_less = implies(before, after, resolver), implies(after, before, resolver)
            if takes_more is not takes_less:
                found.setdefault("takes more" if takes_more else "takes less", []).append(name)
            elif not takes_more:
                found.setdefault("takes other events", []).append(name)
        if was.precision is not now.precision:
            text = f"now {_WORDS[now.precision]}, and before {_WORDS[was.precision]},"
            found.setdefault(text, []).append(name)
    for text, names in found.items():
        yield f"the filter of {source.name} {text} for {', '.join(names)}"
