"""Recordings with known verdicts raise the same alerts with the verdict memory as without it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import pytest

from mozu.core.api import Demand, Evaluator
from mozu.core.model.alert import Alert
from mozu.core.state import StateMachine
from mozu.plugins.sources.replay.source import ReplaySource
from tests.oracle.engine import as_json, run
from tests.oracle.scenario import Scenario
from tests.oracle.test_oracle import FOREIGN, OWN, of_corpus, own
from tests.support.judged_twice import SIZE, Judged

SHARDS: Final = 4
TIMES: Final = 6
"""Number of times that every batch is repeated: few recordings have a call that recurs."""


class Through:
    """Pipeline whose memory has a limit."""

    def __init__(self, size: int, times: int) -> None:
        self._size, self._times = size, times
        self.hits = 0

    async def __call__(self, source: ReplaySource, rules: Evaluator, demand: Demand, alerts: list[Alert]) -> None:
        one = Judged([rules], self._size, StateMachine(procfs=None))
        one.process([])
        await source.start(demand)
        async for batch in source.batches():
            for _ in range(self._times):
                one.process(batch)  # type: ignore[arg-type]  # this source has no other items
        alerts += one.taken.alerts
        self.hits += one.pipeline.verdicts.hits.value


def hits_of(scenarios: Sequence[Scenario]) -> int:
    """Compare the alerts; return the number of calls that the memory decided."""
    hits = 0
    for one in scenarios:
        for times in (1, TIMES):
            remembering, forgetful = Through(SIZE, times), Through(0, times)
            alerts: Any = partial(run, one)
            first, second = alerts(by=remembering).alerts, alerts(by=forgetful).alerts
            assert as_json(one, first) == as_json(one, second), one.name
            hits += remembering.hits
    return hits


@pytest.mark.parametrize("shard", range(SHARDS))
def test_recordings_raise_the_same_alerts(shard: int) -> None:
    assert hits_of([own(name) for name in OWN[shard::SHARDS]]) > 0


@pytest.mark.corpus
@pytest.mark.parametrize("shard", range(SHARDS))
def test_recordings_of_the_corpus_raise_the_same_alerts(shard: int) -> None:
    hits_of([of_corpus(pack, name) for pack, name in FOREIGN[shard :: 7 * SHARDS]])
