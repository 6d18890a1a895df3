"""Ids of alerts that a source delivers ready-made: from their position in the input, or a running number."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from mozu import Alert, Context, Counts, Demand, Settings, Severity, SourceDeclaration, Template
from mozu.testing import run_mozu

MANY = 200
TIME = 1_700_000_000_000_000_000


class Given:
    """A third party's source, whose alerts have one rule and one millisecond; `positions` are their numbers."""

    positions: Sequence[int] = ()
    own_id = ""
    origin = ""

    def __init__(self, settings: Settings, context: Context) -> None:
        pass

    async def start(self, demand: Demand) -> None:
        pass

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        yield [self._alert(number) for number in self.positions]

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        pass

    def _alert(self, number: int) -> Alert:
        return Alert(
            rule="Same", priority=Severity.NOTICE, source="acme", time=TIME, template=Template(("the same",)),
            values={}, event_num=number, id=self.own_id,
        )  # fmt: skip


def ids(positions: Sequence[int], *, host: str = "here", **members: Any) -> list[str]:
    """Return the ids that arrive at a sink in a run of its own."""
    source = type("Source", (Given,), {"positions": positions, **members})
    declaration = SourceDeclaration(name="acme", build=source, settings=Settings, summary="Gives.", live=False)
    return [one.id for one in run_mozu({"sources": ["acme"], "host": host}, declarations=[declaration]).alerts]


def test_alerts_without_a_position_have_different_ids_which_no_other_run_gives_again() -> None:
    first, second = ids([0] * MANY), ids([0] * MANY)
    assert len({*first, *second}) == 2 * MANY


def test_an_alert_with_a_position_has_the_same_id_whenever_it_is_given_again() -> None:
    positions = range(1, MANY + 1)
    first = ids(positions)
    assert (len(set(first)), ids(positions)) == (MANY, first)
    assert set(ids(positions, host="elsewhere")).isdisjoint(first)


def test_an_input_of_several_machines_has_a_name_of_its_own() -> None:
    assert ids([7], host="one", origin="topic/a") == ids([7], host="two", origin="topic/a") != ids([7], host="one")


@pytest.mark.parametrize("position", [0, 7])
def test_an_id_that_the_source_gives_stays(position: int) -> None:
    assert ids([position], own_id="theirs") == ["theirs"]
