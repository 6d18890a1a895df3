"""The search for the faulty record of a batch that fails: each is tried alone, and another one after failures."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pytest

from mozu.core.api import Outcome, Record, Rejected, Retry
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.testing import alert

FAILS: Final = OSError("no route")


class Sink:
    """A sink that returns for each record the outcome of its number, or fails."""

    def __init__(self, outcomes: Mapping[int, Outcome | OSError]) -> None:
        self._outcomes, self.tried = outcomes, list[int]()

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        (record,) = records
        self.tried.append(record.stamp.sequence)
        outcome = self._outcomes.get(record.stamp.sequence)
        if isinstance(outcome, OSError):
            raise outcome
        return [outcome]


class Round(NamedTuple):
    """The result of one search."""

    tried: list[int]
    """Numbers that were tried, in order."""
    left: list[int]
    """Numbers that were not acknowledged."""
    blamed: dict[int, int]
    """Number → attempts."""
    pause: float = 0.0
    found: bool = True
    """True if the destination is not down."""


def searched(records: int, outcomes: Mapping[int, Outcome | OSError]) -> Round:
    """Search among the numbers from 1 on."""

    async def scenario() -> Round:
        component = Sink(outcomes)
        sink: Isolated[Any] = Isolated("sink", "one", component, Metrics())
        worker = SinkWorker(
            sink, FalcoText(), MemoryQueue(1 << 20, sink.metrics), agent="host", on_closed=lambda why: None
        )
        worker._pending = [worker._records.record(sink, number, alert()) for number in range(1, records + 1)]
        pause = await worker._isolate()
        left = [record.stamp.sequence for record in worker._pending]
        return Round(component.tried, left, worker._attempts, pause, not worker._failures)

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("records", "failing", "expected"),
    [
        (3, [], Round([1, 2, 3], [], {})),
        (4, [1], Round([1, 2, 1, 3, 4], [1], {1: 1})),
        (4, [2], Round([1, 2, 3, 2, 4], [2], {2: 1})),
        (4, [1, 2], Round([1, 2, 4, 1, 2, 3, 2], [1, 2], {1: 1, 2: 1})),
        (4, [1, 3], Round([1, 2, 1, 3, 4, 3], [1, 3], {1: 1, 3: 1})),
        (5, [1, 2, 3], Round([1, 2, 5, 1, 2, 3, 4, 2, 3], [1, 2, 3], {1: 1, 2: 1}, found=False)),
        (3, [3], Round([1, 2, 3], [3], {}, found=False)),
        (2, [1, 2], Round([1, 2], [1, 2], {}, found=False)),
        (3, [1, 2], Round([1, 2, 3, 1, 2], [1, 2], {1: 1}, found=False)),
        (4, [1, 2, 3, 4], Round([1, 2, 4], [1, 2, 3, 4], {}, found=False)),
    ],
)
def test_a_record_is_blamed_where_another_is_delivered_and_it_fails_again(
    records: int, failing: list[int], expected: Round
) -> None:
    assert expected == searched(records, dict.fromkeys(failing, FAILS))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({1: FAILS, 2: Retry(3.0)}, Round([1, 2, 4, 1, 2, 3], [1, 2], {1: 1, 2: 1}, pause=3.0)),
        ({1: FAILS, 2: Retry(3.0), 4: Rejected("no")}, Round([1, 2, 4], [1, 2, 3, 4], {}, found=True)),
        ({1: Retry(2.0), 3: Retry(5.0), 4: Retry(1.0)}, Round([1, 2, 3, 4], [1, 3, 4], {1: 1, 3: 1, 4: 1}, pause=5.0)),
        ({1: Rejected("no"), 2: Retry(2.0, tried=False)}, Round([1, 2, 3, 4], [2], {}, pause=2.0)),
    ],
)
def test_a_record_that_is_refused_by_an_outcome_clears_no_other(
    outcomes: dict[int, Outcome | OSError], expected: Round
) -> None:
    assert expected == searched(4, outcomes)
