"""Captures with known verdicts, recorded while they are judged: the recording raises the same alerts."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from mozu.core.errors import MozuError
from tests.oracle.scenario import Scenario, scenarios
from tests.support.recorded import Thrice
from tests.support.requirements import DATA, corpus
from tests.support.utc import utc

__all__ = ["utc"]

pytestmark = pytest.mark.timeout(900)

_EVERY = 1 if os.environ.get("MOZU_FUZZ") == "full" else 40
"""Number of scenarios with Falco's own rules of which one is tried."""
_EVERY_OWN = 1 if os.environ.get("MOZU_FUZZ") == "full" else 4
"""Number of scenarios with mozu's own rules of which one is tried."""
_ORDER_OF_LISTS = frozenset({"fd-special"})
"""Scenario that lists the kinds of many descriptors, in the order of a table that is made again
(docs/rules/falco-compatibility.md).
"""


def _differing(scenario: Scenario, folder: Path) -> tuple[int, list[str]]:
    try:
        done = Thrice(scenario, folder)
    except MozuError:
        return 0, []  # rules or captures that are refused, which other tests cover
    expected = done.documents(done.first)
    found = [done.documents(alerts) for alerts in done.again]
    return len(expected), [f"{scenario.name}: {expected}\n{other}" for other in found if other != expected]


def _alerts_that_come_again(found: Sequence[Scenario], folder: Path) -> int:
    results = [_differing(scenario, folder) for scenario in found]
    assert not [text for _, differing in results for text in differing]
    return sum(count for count, _ in results)


def test_recordings_of_captures_whole_and_in_sections_give_their_alerts_property(tmp_path: Path) -> None:
    own = [one for one in scenarios(DATA / "oracle", DATA / "oracle") if one.name not in _ORDER_OF_LISTS][::_EVERY_OWN]

    assert _alerts_that_come_again(own, tmp_path) > 2400 // _EVERY_OWN


@pytest.mark.corpus
def test_recordings_judged_by_falcos_own_rules_give_their_alerts_property(tmp_path: Path) -> None:
    found = scenarios(corpus("oracle"), corpus("falco-rules"))[::_EVERY]

    assert _alerts_that_come_again(found, tmp_path) > 500 // _EVERY
