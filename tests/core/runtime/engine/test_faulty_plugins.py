"""The matrix of misbehaviour: a plugin of each kind misbehaves in each call and in each way, while every event of
another source becomes an alert that arrives; the faulty components are named, and the accounts are exact.

A hold of the event loop that ends by itself is bounded here (`faulty.MOMENT`); one that does not is interrupted.
"""

from pathlib import Path

import pytest

from mozu.core.flow import key_lookups
from mozu.core.runtime import loop
from tests.support.faulty_runs import CALLS, ENDS, HOLDS, HOWS, KINDS, Outcome, config, faulty, run

pytestmark = pytest.mark.slow


def holds_accounts(outcome: Outcome) -> None:
    """Check that nothing is lost without being counted."""
    for name, source in outcome.stats["sources"].items():
        assert source["received"] == source["evaluated"] + source["rejected"] + source["internal"], name
    for name, sink in outcome.stats["sinks"].items():
        assert sink["accepted"] == sink["delivered"] + sum(sink["dropped"].values()) + sink["dead_lettered"], name


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "HOLD_SECONDS", 0.5)
    monkeypatch.setattr(key_lookups, "RESOLVE_SECONDS", 0.2)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("at", CALLS)
def test_no_misbehaviour_costs_an_event_of_others(tmp_path: Path, at: str, how: str) -> None:
    if (at, how) == ("build", "interrupt"):
        pytest.skip("before the engine runs Ctrl-C raises KeyboardInterrupt wherever it comes upon the program")
    needs_not = {"optional": at in ("build", "start")}  # an optional source might start after the end
    outcome = run(tmp_path, config(KINDS, {"at": at, "how": how, **needs_not}), seconds=0.7)
    received = outcome.stats["sources"]["steady"]["received"]
    assert (outcome.code, sorted(outcome.numbers)) == (0, list(range(received)))  # an event with a pending key waits
    assert len(outcome.numbers) == outcome.stats["sources"]["steady"]["types"]["tick"]["seen"] > 0
    holds_accounts(outcome)
    for kind in faulty(at, how):
        assert any(f"{kind} bad-{kind}" in line for line in outcome.log), (kind, outcome.log)


@pytest.mark.parametrize("how", [*ENDS, *HOLDS, "wrong", "none"])
def test_threads_of_blocking_components_cost_no_event_of_others(tmp_path: Path, how: str) -> None:
    kinds = ("source", "evaluator", "sink")
    outcome = run(tmp_path, config(kinds, {"at": "work", "how": how}, "blocking"), seconds=0.7)
    assert (outcome.code, outcome.numbers) == (0, list(range(outcome.stats["sources"]["steady"]["received"])))
    holds_accounts(outcome)
    for kind in kinds if how not in HOLDS else ():
        if (kind, how) != ("sink", "none"):
            assert any(f"{kind} bad-{kind}" in line for line in outcome.log), (kind, outcome.log)
