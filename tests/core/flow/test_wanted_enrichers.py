"""The enrichers that the events of a type may have to wait for: those that the current demand needs."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from mozu.core.filter.demand import ANY_ENRICHER, Demand, Interest
from mozu.core.flow.wanted_enrichers import EnricherLookups, WantedEnrichers
from mozu.core.model.event import DataEvent


class Lookups:
    """The look-ups of an enricher, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name


ALL = [
    EnricherLookups(Lookups(name), frozenset({f"enricher:{name}", *more}))  # type: ignore[arg-type]  # a name is enough here
    for name, *more in (("a",), ("b", "enricher:both"), ("c", "enricher:both"))
]


def names(wanted: WantedEnrichers, source: str = "json", kind: str = "x") -> str:
    return "".join(one.name for one in wanted.of(DataEvent(source, kind, 0)))


def demand(types: Mapping[str, Mapping[str, str]]) -> Demand:
    """Return the demand for source class → event type → need."""
    return Demand({
        source: {name: Interest(frozenset({need})) for name, need in needs.items()} for source, needs in types.items()
    })  # fmt: skip


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({}, ""),
        ({"json": {"x": "enricher:b"}}, "b"),
        ({"json": {"*": "enricher:b"}}, "b"),
        ({"*": {"x": "enricher:b"}}, "b"),
        ({"*": {"*": "enricher:b"}, "json": {"x": "enricher:a", "*": "cgroups"}}, "ab"),
        ({"json": {"x": "enricher:both"}}, "bc"),
        ({"json": {"x": ANY_ENRICHER}}, "abc"),
        ({"json": {"y": "enricher:a"}, "syscall": {"x": "enricher:a"}}, ""),
    ],
)
def test_events_wait_for_what_rules_on_them_need(types: Mapping[str, Mapping[str, str]], expected: str) -> None:
    wanted = WantedEnrichers(ALL)
    wanted.update(demand(types))
    assert names(wanted) == expected


def test_before_a_demand_is_known_everything_is_wanted() -> None:
    assert names(WantedEnrichers(ALL)) == "abc"


def test_another_demand_and_other_enrichers_count_from_the_next_event_on() -> None:
    wanted = WantedEnrichers(ALL)
    wanted.update(demand({"json": {"x": "enricher:a"}}))
    assert names(wanted) == "a"
    wanted.update(demand({"json": {"x": "enricher:both"}}))
    assert names(wanted) == "bc"
    wanted.use(ALL[:2])
    assert names(wanted) == "b"
    assert [one.name for one in wanted.all()] == ["a", "b"]
    assert (bool(wanted), bool(WantedEnrichers(()))) == (True, False)


@pytest.mark.parametrize(
    ("classes", "source", "expected"),
    [({"json"}, "json", "a"), ({"json"}, "acme", ""), ({"*"}, "acme", "a"), ((), "json", ""), ({"syscall"}, "x", "")],
)
def test_an_enricher_may_be_wanted_for_the_classes_of_its_own_fields_only(
    classes: Sequence[str], source: str, expected: str
) -> None:
    own = msgspec.structs.replace(ALL[0], classes=frozenset(classes))
    wanted = WantedEnrichers([own]).of_own_classes()
    assert names(wanted, source) == expected


def test_what_is_wanted_for_own_classes_follows_reloads_and_demands() -> None:
    json, acme = (msgspec.structs.replace(one, classes=frozenset({"json"})) for one in ALL[:2])
    everything = WantedEnrichers([json])
    everything.update(demand({"json": {"x": "enricher:b"}}))
    wanted = everything.of_own_classes()
    assert names(wanted) == ""
    everything.use([json, acme])
    assert names(wanted) == "b"
    everything.update(demand({"json": {"x": "enricher:a"}}))
    assert names(wanted) == "a"
