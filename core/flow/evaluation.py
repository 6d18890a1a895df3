"""Evaluation of events by every evaluator: an evaluator that fails on a batch is given it event by event, so that a bad
event spoils no other."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from hashlib import blake2b

from mozu.core.api import DigestsRules, Evaluator, NamesRules, ReadsFields, ShadowsRules
from mozu.core.filter.demand import Demand, union
from mozu.core.flow.evaluated import Emit, alerts_of
from mozu.core.flow.evaluation_queue import AwaitedEvaluator, EvaluationQueue, PendingBatch
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event


def _no_tasks(work: Awaitable[None], name: str) -> None:
    raise RuntimeError(f"no background task can be started here to {name}")


class Evaluation:
    """The evaluators of a run, which a reload replaces between two batches."""

    def __init__(
        self, evaluators: Iterable[Isolated[Evaluator]], spawn: Callable[[Awaitable[None], str], None] = _no_tasks
    ) -> None:
        """Set up the evaluators. `spawn` starts background tasks, which evaluators with a thread or a process of their
        own need."""
        self._evaluators, self._spawn = _counting(evaluators), spawn
        self._queues: dict[str, EvaluationQueue] = {}
        """Evaluator → its queue, if its work is awaited."""
        self._demands: dict[str, tuple[Evaluator, Demand, bool]] = {}
        """Evaluator → the instance asked last, its demand, and True if that call was broken off and is therefore not
        repeated."""
        self._on_change: list[Callable[[], None]] = []
        self.was_whole = False
        """True if every evaluator has judged the events of the last `run`, except the rejected ones."""

    @property
    def evaluators(self) -> tuple[Isolated[Evaluator], ...]:
        """The evaluators in use."""
        return self._evaluators

    def demand(self) -> Demand:
        """Return the union of all evaluators' demands. An evaluator that fails to name its demand is given what the
        others want; a suspended one is not asked, because it would hold the event loop again."""
        return union(map(self._demand_of, self._evaluators))

    def _demand_of(self, evaluator: Isolated[Evaluator]) -> Demand:
        asked, wanted, was_broken_off = self._demands.get(evaluator.name, (None, Demand(), False))
        if asked is not evaluator.component or (evaluator.suspension.is_over and not was_broken_off):
            asked, wanted = evaluator.component, _demand(evaluator)
            self._demands[evaluator.name] = asked, wanted, not evaluator.suspension.is_over
        return wanted

    def run(
        self, events: Sequence[Event], emit: Emit, pending: Callable[[PendingBatch], None] = lambda batch: None
    ) -> list[Event]:
        """Emit the alerts that these events raise; return the events on which an evaluator failed. `pending` is called
        with batches whose alerts come later."""
        rejected: list[Event] = []
        self.was_whole = True
        for evaluator in self._evaluators:
            if not evaluator.suspension.is_over:
                self.was_whole = False
                evaluator.metrics.counter("events_unevaluated_total").value += len(events)
                continue
            if evaluator.offers(AwaitedEvaluator):
                self.was_whole = False
                self._hand_over(evaluator, events, emit, pending)
                continue
            alerts: Sequence[Alert] = ()
            with evaluator.contained("evaluate") as outcome:
                alerts = alerts_of(evaluator.component.evaluate(events))
            if isinstance(outcome.failed, Interrupted):
                evaluator.metrics.counter("events_rejected_total").value += len(events)
                rejected += events
            elif outcome.failed is not None:
                rejected += _one_by_one(evaluator, events, emit)
            for alert in alerts:
                emit(alert, evaluator)
        return rejected

    def _hand_over(
        self,
        evaluator: Isolated[Evaluator],
        events: Sequence[Event],
        emit: Emit,
        pending: Callable[[PendingBatch], None],
    ) -> None:
        queue = self._queues.get(evaluator.name)
        if queue is None:
            queue = self._queues[evaluator.name] = EvaluationQueue(self._spawn)
        batch = queue.put(evaluator, events, emit)
        if batch is not None:
            pending(batch)

    def give_up(self) -> None:
        """Drop the waiting batches at the end of the run, counted as not evaluated."""
        for queue in self._queues.values():
            queue.give_up()

    def unevaluated(self) -> dict[str, int]:
        """Return evaluator → events that were not evaluated because it was too slow or mozu stopped."""
        return {
            evaluator.name: evaluator.metrics.counter("events_unevaluated_total").value
            for evaluator in self._evaluators
            if evaluator.name in self._queues or not evaluator.suspension.is_over
        }

    def rules_digest(self) -> str:
        """Return a hash of the rules of all evaluators (`DigestsRules`, else `NamesRules`), in hexadecimal digits."""
        digest = blake2b(digest_size=16)
        for evaluator in self._evaluators:
            component, text = evaluator.component, ""
            with evaluator.contained("digest its rules"):
                if isinstance(component, DigestsRules):
                    text = str(component.rules_digest())
                elif isinstance(component, NamesRules):
                    text = "\n".join(component.rule_names())
            digest.update(f"{evaluator.name}\0{text}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def shadow_rules(self) -> list[str]:
        """Return the names of the rules in shadow mode (`ShadowsRules`)."""
        names: list[str] = []
        for evaluator in self._evaluators:
            component = evaluator.component
            if isinstance(component, ShadowsRules):
                with evaluator.contained("name its rules in shadow mode"):
                    names += component.shadow_rules()
        return names

    def rules_reading(self, field: str) -> list[str]:
        """Return the names of the rules in force that read a field (`ReadsFields`)."""
        names: list[str] = []
        for evaluator in self._evaluators:
            component = evaluator.component
            if isinstance(component, ReadsFields):
                with evaluator.contained("name the rules that read a field"):
                    names += component.rules_reading(field)
        return names

    def use(self, evaluators: Iterable[Isolated[Evaluator]]) -> tuple[Isolated[Evaluator], ...]:
        """Replace the evaluators, from the next batch on (a reload), and return the former ones."""
        before, self._evaluators = self._evaluators, _counting(evaluators)
        for forget in self._on_change:
            forget()
        return before

    def on_change(self, forget: Callable[[], None]) -> None:
        """Call `forget` immediately whenever the evaluators are replaced."""
        self._on_change.append(forget)


def _demand(evaluator: Isolated[Evaluator]) -> Demand:
    wanted: object = None
    with evaluator.contained("say what it wants"):
        wanted = evaluator.component.demand()
        if not isinstance(wanted, Demand):
            raise TypeError(f"demand() must give a Demand, not {type(wanted).__name__}")
    return wanted if isinstance(wanted, Demand) else Demand()


def _counting(evaluators: Iterable[Isolated[Evaluator]]) -> tuple[Isolated[Evaluator], ...]:
    """Return the evaluators, with their counters created at 0."""
    found = tuple(evaluators)
    for evaluator in found:
        for name in ("events_unevaluated_total", "events_rejected_total"):
            evaluator.metrics.counter(name)
    return found


def _one_by_one(evaluator: Isolated[Evaluator], events: Sequence[Event], emit: Emit) -> list[Event]:
    rejected, failed = evaluator.metrics.counter("events_rejected_total"), []
    for event in events:
        alerts: Sequence[Alert] = ()
        with evaluator.contained(f"evaluate {event.type}") as outcome:
            alerts = alerts_of(evaluator.component.evaluate((event,)))
        if outcome.failed is not None:
            rejected.value += 1
            failed.append(event)
        for alert in alerts:
            emit(alert, evaluator)
    return failed
