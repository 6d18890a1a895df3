"""Evaluation that is awaited, of evaluators that have a thread or a process of their own.

A batch is submitted only when the alerts of the batch before it have arrived: order is kept. Meanwhile the pipeline
continues: a slow or hanging evaluator delays no source and no other evaluator. The number of waiting events is bounded;
beyond it, and earlier for an account that floods (fair_share.py), events are not evaluated, which is counted and
reported. The versions of the state that a waiting batch may ask for are kept (`PendingBatch.first`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from mozu.core.api import Evaluator
from mozu.core.cpu_wait import timeout
from mozu.core.filter.demand import Demand
from mozu.core.flow.evaluated import Emit, alerts_of
from mozu.core.flow.fair_share import FairShare
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event

MAX_WAITING: Final = 20_000
"""The most events that wait for one evaluator."""
EVALUATE_SECONDS: Final = 30.0
"""Seconds after which a batch is given up, and the evaluator built anew."""


@runtime_checkable
class AwaitedEvaluator(Protocol):
    """An evaluator whose work is done elsewhere; `Evaluator` describes the other members."""

    def demand(self) -> Demand:
        """Return what could possibly match."""

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[object]:
        """Return the alerts of a batch, as `Evaluator.evaluate` does. Only one call runs at a time."""

    def evaluate(self, batch: Sequence[Event]) -> Sequence[object]:
        """Never called."""


class PendingBatch:
    """A batch that was submitted; the state keeps what events from number `first` on may ask for until it is done."""

    def __init__(self, events: Sequence[Event], emit: Emit) -> None:
        self.events, self.emit, self.first = events, emit, events[0].num
        self._done = asyncio.Event()

    @property
    def is_done(self) -> bool:
        """True if the alerts were emitted, or the batch was given up."""
        return self._done.is_set()

    def finish(self) -> None:
        """Mark the batch as done."""
        self.events = ()
        self._done.set()

    async def wait(self) -> None:
        """Wait until the batch is done."""
        await self._done.wait()


class EvaluationQueue:
    """The queue of one evaluator, whichever instance of it is in use. `spawn` starts background tasks."""

    def __init__(self, spawn: Callable[[Awaitable[None], str], None]) -> None:
        self._spawn = spawn
        self._waiting: deque[tuple[Isolated[Evaluator], PendingBatch]] = deque()
        self._at_work: tuple[Isolated[Evaluator], PendingBatch] | None = None
        self._share = FairShare(MAX_WAITING)
        self._works = False

    def put(self, evaluator: Isolated[Evaluator], events: Sequence[Event], emit: Emit) -> PendingBatch | None:
        """Queue as much of a batch as may wait, and return that; None if nothing may. The rest is counted as not
        evaluated."""
        admitted = self._share.admit(events)
        evaluator.metrics.counter("events_unevaluated_total").value += len(events) - len(admitted)
        if not admitted:
            return None
        batch = PendingBatch(admitted, emit)
        self._waiting.append((evaluator, batch))
        if not self._works:
            self._works = True
            self._spawn(self._work(), f"evaluate {evaluator.name}")
        return batch

    async def _work(self) -> None:
        """Evaluate batches until none waits."""
        try:
            while self._waiting:
                self._at_work = evaluator, batch = self._waiting.popleft()
                await _evaluate(evaluator, batch)
                self._at_work = None
                self._share.release(batch.events)
                batch.finish()
        finally:
            self._works = False

    def give_up(self) -> None:
        """Drop the waiting batches at the end of the run, counted as not evaluated."""
        left = [*([] if self._at_work is None else [self._at_work]), *self._waiting]
        self._waiting.clear()
        for evaluator, batch in left:
            evaluator.metrics.counter("events_unevaluated_total").value += len(batch.events)
            batch.finish()


async def _evaluate(evaluator: Isolated[Evaluator], batch: PendingBatch) -> None:
    """Evaluate a batch as a whole, and after a failure event by event, so that a bad event spoils no other."""
    error = await _attempt(evaluator, batch.events, batch.emit, "evaluate")
    if isinstance(error, TimeoutError) and batch.events:
        _reject(evaluator, len(batch.events))
        with evaluator.contained("build it again"):
            await evaluator.renew()
    elif error is not None:
        for event in batch.events:
            if await _attempt(evaluator, (event,), batch.emit, f"evaluate {event.type}") is not None:
                _reject(evaluator, 1)


async def _attempt(
    evaluator: Isolated[Evaluator], events: Sequence[Event], emit: Emit, doing: str
) -> BaseException | None:
    component = evaluator.component
    if not isinstance(component, AwaitedEvaluator):
        raise TypeError(f"{evaluator} is evaluated at once")
    alerts: Sequence[Alert] = ()
    with evaluator.contained(doing) as call:
        try:
            async with timeout(EVALUATE_SECONDS):
                alerts = alerts_of(await component.evaluate_batch(events))
        except TimeoutError:
            raise TimeoutError(f"evaluate() has not returned within {EVALUATE_SECONDS:.0f} s") from None
    for alert in alerts:
        emit(alert, evaluator)
    return call.failed


def _reject(evaluator: Isolated[Evaluator], events: int) -> None:
    evaluator.metrics.counter("events_rejected_total").value += events
