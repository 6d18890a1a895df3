"""Every capture with known verdicts, recorded while it is judged: the recording gives the same alerts."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.errors import MozuError
from tests.oracle.scenario import Scenario, scenarios
from tests.support.recorded import Thrice
from tests.support.requirements import corpus

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(900)]

_EVERY = 1 if os.environ.get("MOZU_FUZZ") == "full" else 10
"""Of so many scenarios one is tried."""


@pytest.fixture(scope="module")
def found() -> Iterator[list[Scenario]]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield scenarios(corpus("oracle"), corpus("falco-rules"))
    os.environ.pop("TZ") if before is None else os.environ.__setitem__("TZ", before)
    time.tzset()


def _differing(scenario: Scenario, folder: Path) -> tuple[int, list[str]]:
    try:
        done = Thrice(scenario, folder)
    except MozuError:
        return 0, []  # rules or captures that are refused, as others test
    expected = done.documents(done.first)
    found = [done.documents(alerts) for alerts in done.again]
    return len(expected), [f"{scenario.name}: {expected}\n{other}" for other in found if other != expected]


def test_recordings_of_captures_whole_and_in_sections_give_their_alerts_property(
    found: list[Scenario], tmp_path: Path
) -> None:
    results = [_differing(scenario, tmp_path) for scenario in found[::_EVERY]]
    assert not [text for _, differing in results for text in differing]
    assert sum(count for count, _ in results) > 500 // _EVERY
