"""Evaluation of events by every evaluator: one that fails on a batch is given it event by event, so that a bad event
costs itself only."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

from mozu.core.api import DigestsRules, Evaluator, NamesRules, ReadsFields
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

    def run(self, events: Sequence[Event], emit: Emit) -> list[Event]:
        """Emit the alerts that these events raise; gives the events on which an evaluator failed."""
        rejected: list[Event] = []
        for evaluator in self._evaluators:
            with evaluator.contained("evaluate") as outcome:
                for alert in evaluator.component.evaluate(events):
                    emit(alert)
            if outcome.failed is not None:
                rejected += _one_by_one(evaluator, events, emit)
        return rejected

    def rules_digest(self) -> str:
        """A hash of the rules of all evaluators (`DigestsRules`, else `NamesRules`), in hexadecimal digits."""
        digest = blake2b(digest_size=16)
        for evaluator in self._evaluators:
            component, text = evaluator.component, ""
            with evaluator.contained("digest its rules"):
                if isinstance(component, DigestsRules):
                    text = component.rules_digest()
                elif isinstance(component, NamesRules):
                    text = "\n".join(component.rule_names())
            digest.update(f"{evaluator.name}\0{text}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def rules_reading(self, field: str) -> list[str]:
        """The rules in force that read a field (`ReadsFields`)."""
        names: list[str] = []
        for evaluator in self._evaluators:
            component = evaluator.component
            if isinstance(component, ReadsFields):
                with evaluator.contained("name the rules that read a field"):
                    names += component.rules_reading(field)
        return names

    def use(self, evaluators: Iterable[Isolated[Evaluator]]) -> tuple[Isolated[Evaluator], ...]:
        """These from the next batch on (a reload); gives those before."""
        before, self._evaluators = self._evaluators, tuple(evaluators)
        return before


def _one_by_one(evaluator: Isolated[Evaluator], events: Sequence[Event], emit: Emit) -> list[Event]:
    rejected, failed = evaluator.metrics.counter("events_rejected_total"), []
    for event in events:
        with evaluator.contained(f"evaluate {event.type}") as outcome:
            for alert in evaluator.component.evaluate((event,)):
                emit(alert)
        if outcome.failed is not None:
            rejected.value += 1
            failed.append(event)
    return failed
