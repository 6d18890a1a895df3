"""Defects of responders that the kit finds; correct responders pass."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from mozu import Incident, ResponsePlan, ResponseTarget, StatelessResponder
from mozu.testing import check_responder
from tests.core.testing.acme import says


class Planning(StatelessResponder):
    """A responder whose plan is made by a function of the test."""

    def __init__(self, text: Callable[[Incident], str]) -> None:
        self._text = text

    def plan(self, incident: Incident) -> ResponsePlan | None:
        return ResponsePlan(text=self._text(incident))

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        pass

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        pass


def test_a_plan_that_needs_no_value_passes() -> None:
    asyncio.run(check_responder(Planning(lambda incident: f"note {incident.alert.rule}")))


@pytest.mark.parametrize("name", ["fd.name", "container.id", "proc.pid"])
def test_a_plan_that_raises_where_one_field_has_no_value_is_found(name: str) -> None:
    def text(incident: Incident) -> str:
        value: Any = incident.alert.values.get(name, "")
        return f"note {value + type(value)()}."  # None has no addition

    assert "`plan` raised TypeError" in says(check_responder(Planning(text)))


def test_a_plan_that_raises_where_an_alert_is_about_no_process_or_lacks_a_field_is_found() -> None:
    lacking = Planning(lambda one: f"note {one.alert.values['fd.name']!r}")
    assert "`plan` raised KeyError" in says(check_responder(lacking))
    without = Planning(lambda one: f"note {one.subject.pid}")  # type: ignore[union-attr]  # None, as here
    assert "`plan` raised AttributeError" in says(check_responder(without))
