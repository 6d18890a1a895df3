"""Every scenario of the corpus agrees, or differs by a documented cause."""

import os
import time
from collections.abc import Iterator

import pytest

from tests.oracle.engine import as_json, run
from tests.oracle.judge import judge
from tests.oracle.report import Result, lines
from tests.oracle.scenario import scenarios
from tests.support.requirements import corpus

LEAST = 0.97
"""Share of scenarios that agree at all three levels without any cause."""


_EVERY = 7
"""Of so many scenarios one is run a second time."""


@pytest.fixture(scope="module")
def results() -> Iterator[list[Result]]:
    folder, stock = corpus("oracle"), corpus("falco-rules")
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield [judge(scenario) for scenario in scenarios(folder, stock)]
    os.environ.pop("TZ") if before is None else os.environ.__setitem__("TZ", before)
    time.tzset()


@pytest.mark.corpus
@pytest.mark.timeout(900)
def test_every_scenario_agrees_or_differs_by_a_documented_cause(results: list[Result]) -> None:
    unexplained = [result for result in results if not result.passes]
    assert not unexplained, "\n".join(lines(unexplained))


@pytest.mark.corpus
@pytest.mark.timeout(900)
def test_nearly_all_scenarios_agree_outright(results: list[Result]) -> None:
    assert sum(result.agrees for result in results) >= LEAST * len(results)


@pytest.mark.corpus
@pytest.mark.timeout(900)
def test_what_a_source_leaves_out_for_want_of_demand_costs_no_alert() -> None:
    for scenario in scenarios(corpus("oracle"), corpus("falco-rules"))[::_EVERY]:
        some, every = run(scenario), run(scenario, everything=True)
        assert as_json(scenario, some.alerts) == as_json(scenario, every.alerts), scenario.name
