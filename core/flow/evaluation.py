"""Evaluation of events by every evaluator: one that fails on a batch is given it event by event, so that a bad event
costs itself only."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from mozu.core.api import Evaluator
from mozu.core.filter.demand import Demand, union
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event

Emit = Callable[[Alert], None]


class Evaluation:
    """The evaluators of a run, which a reload replaces between two batches."""

    def __init__(self, evaluators: Iterable[Isolated[Evaluator]]) -> None:
        self._evaluators = tuple(evaluators)

    def demand(self) -> Demand:
        """What could possibly matter to any of them."""
        return union(evaluator.component.demand() for evaluator in self._evaluators)

    def run(self, events: Sequence[Event], emit: Emit) -> None:
        """Emit the alerts that these events raise."""
        for evaluator in self._evaluators:
            with evaluator.contained("evaluate") as outcome:
                for alert in evaluator.component.evaluate(events):
                    emit(alert)
            if outcome.failed is not None:
                _one_by_one(evaluator, events, emit)

    async def reloaded(self) -> list[Evaluator]:
        """A new component for each evaluator from the same settings, compiled off the loop. Raises MozuError."""
        return [await asyncio.to_thread(evaluator.component.reload) for evaluator in self._evaluators]

    def replace(self, components: Sequence[Evaluator]) -> None:
        """Use these from the next batch on, in the order of `reloaded`."""
        pairs = zip(self._evaluators, components, strict=True)
        self._evaluators = tuple(evaluator.with_component(component) for evaluator, component in pairs)


def _one_by_one(evaluator: Isolated[Evaluator], events: Sequence[Event], emit: Emit) -> None:
    rejected = evaluator.metrics.counter("events_rejected_total")
    for event in events:
        with evaluator.contained(f"evaluate {event.type}") as outcome:
            for alert in evaluator.component.evaluate((event,)):
                emit(alert)
        if outcome.failed is not None:
            rejected.value += 1
