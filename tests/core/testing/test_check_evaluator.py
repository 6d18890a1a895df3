"""Defects of evaluators that the kit finds; correct ones pass."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from mozu.core.api import (
    Alert,
    Demand,
    Event,
    Interest,
)
from mozu.core.model.alert import Severity, Template
from mozu.testing import check_evaluator
from tests.core.testing.acme import T0, says, visit

pytestmark = pytest.mark.usefixtures("impatient")


class Counting:
    """An evaluator, and possible defects of it."""

    def __init__(self, wrong: str = "") -> None:
        self._wrong = wrong

    def demand(self) -> Demand:
        return Demand({"acme": {} if self._wrong == "demand" else {"visit": Interest()}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        chosen = batch[:1] if self._wrong == "batch" else batch
        found = [self._alert(event) for event in chosen]
        return found[::-1] if self._wrong == "order" else found

    def reload(self) -> "Counting":
        if self._wrong == "reload exits":
            raise SystemExit(0)
        if self._wrong == "no reload":
            return None  # type: ignore[return-value]
        return self if self._wrong == "reload" else Counting(self._wrong)

    def _alert(self, event: Event) -> Alert:
        when: Any = 1.7e9 if self._wrong == "float time" else T0
        return Alert(
            rule="Visit", priority=Severity.NOTICE, source="acme", time=when, template=Template(("visit",)), values={},
            event_num=0 if self._wrong == "number" else event.num,
        )  # fmt: skip


def test_an_evaluator_that_keeps_its_contract_gives_its_alerts() -> None:
    assert len(asyncio.run(check_evaluator(Counting, [visit("a"), visit("b")]))) == 2
    asyncio.run(check_evaluator(Counting, [visit("a")], blocking=True))


class OnOneThread(Counting):
    """An evaluator that fails if it is called on a second thread."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: set[int] = set()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self._threads.add(threading.get_ident())
        assert len(self._threads) == 1
        return super().evaluate(batch)

    def reload(self) -> "OnOneThread":
        return OnOneThread()


def test_all_batches_of_a_blocking_evaluator_are_given_on_one_thread() -> None:
    asyncio.run(check_evaluator(OnOneThread, [visit("a"), visit("b")], blocking=True))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("demand", "`demand` MUST name every type of event that can raise an alert, and lacks acme/visit"),
        ("batch", "`evaluate` MUST give the same alerts however events are batched"),
        ("order", "alerts MUST come in the order of their events"),
        ("reload", "`reload` MUST give a new evaluator"),
        ("number", "an alert MUST carry the number of its event (`event_num`), not 0"),
        ("no reload", "`reload` MUST give a new evaluator, and gave None"),
        ("reload exits", "`reload` raised SystemExit: 0"),
        ("float time", "`evaluate` MUST give alerts whose members have their types: `time` of an alert must be int"),
    ],
)
def test_an_evaluator_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    assert sentence in says(check_evaluator(lambda: Counting(wrong), [visit("a"), visit("b")]))
