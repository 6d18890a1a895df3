"""The steps that give memory back, and their order; a component that fails in one costs its own share only."""

from pathlib import Path

import pytest

from mozu.core import caches
from mozu.core.runtime.engine.engine import Engine
from mozu.core.runtime.engine.memory_steps import memory_steps
from tests.core.runtime.engine.playing import Judge, Memory, Numbers, Play

ORDER = ["caches", "verdict_memory", "read_ahead", "enrichers", "verdicts", "look_back", "dedup", "processes", "held"]


class Hoarding(Judge):
    """An evaluator with a cache; `answers` are the results of its `shrink`."""

    def __init__(self, *answers: object) -> None:
        super().__init__()
        self.answers = list(answers)

    def shrink(self) -> object:
        return self.answers.pop(0)


def steps(tmp_path: Path, judge: Judge) -> dict[str, int]:
    """Return the number given back by each step at once, in order, with no other cache filled."""
    engines: list[Engine] = []
    given: dict[str, int] = {}

    async def look() -> None:
        engine = engines[0]
        caches.empty()
        for step in memory_steps(engine._assembly, engine._alerts, engine._pumps):
            given[step.name] = step.shrink()

    play = Play(Numbers(1, then=look), Memory(), judge)
    play.watch = engines.append
    play.run(tmp_path)
    return given


def test_the_steps_come_in_the_order_that_is_documented(tmp_path: Path) -> None:
    given = steps(tmp_path, Hoarding(3))
    assert ORDER == list(given)
    assert (3, 0) == (given["caches"], sum(count for name, count in given.items() if name != "caches"))


def test_a_component_that_gives_no_number_has_failed_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert ORDER == list(steps(tmp_path, Hoarding("much")))
    assert "shrink() must give a number of entries, not 'much'" in caplog.text
