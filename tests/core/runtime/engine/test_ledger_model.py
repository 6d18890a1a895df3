"""Every equation of docs/operate/statistics.md holds after each step, whatever happens to sinks, spools, sources and
clocks.

In CI a few hundred steps; `make fuzz` runs 50,000 (MOZU_FUZZ=full; MOZU_FUZZ_STEPS sets the number).
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mozu.core.model.alert import Severity
from tests.core.runtime.engine.ledger_world import SINKS, World

_FULL: Final = os.environ.get("MOZU_FUZZ") == "full"
_STEPS: Final = int(os.environ.get("MOZU_FUZZ_STEPS", "50000")) if _FULL else 400
_LENGTH: Final = 50
"""Number of steps of one sequence."""

sinks = st.sampled_from(SINKS)
spools = st.sampled_from(("a.db", "c.db"))
seconds = st.sampled_from((0.0, 0.3, 1.0, 3.0, 40.0))
some = st.integers(0, 40)


class Ledger(RuleBasedStateMachine):
    """A world, and the possible acts in it."""

    total = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.world = World(self.folder)

    @invariant()
    def everything_adds_up(self) -> None:
        Ledger.total += 1
        self.world.check(running=True)

    @rule(count=st.sampled_from((1, 3, 20, 300)), severity=st.sampled_from((Severity.CRITICAL, Severity.DEBUG)))
    def alerts(self, count: int, severity: Severity) -> None:
        self.world.emit(count, severity)

    @rule(seconds=seconds)
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(name=sinks, mode=st.sampled_from(("up", "up", "down", "slow", "rejects", "later")))
    def destination(self, name: str, mode: str) -> None:
        self.world.destinations[name].mode = mode

    @rule(filtered=some, lost=some, given=some, reads=st.booleans())
    def events(self, filtered: int, lost: int, given: int, reads: bool) -> None:
        self.world.happen(filtered, lost, given, reads=reads)

    @rule(blind=st.booleans())
    def source_fails(self, blind: bool) -> None:
        self.world.fail_source(blind=blind)

    @rule(closed=st.booleans())
    def memory(self, closed: bool) -> None:
        self.world.close_gate(closed=closed)

    @rule(seconds=st.sampled_from((-86_400, -3, 3, 86_400)))
    def clock_is_set(self, seconds: int) -> None:
        self.world.step_clock(seconds)

    @rule(name=spools)
    def redrive(self, name: str) -> None:
        self.world.redrive(name)

    @rule(
        name=sinks, spool=st.sampled_from((None, "a.db", "c.db")), size=st.sampled_from((1 << 16, 1 << 18, 1 << 30)),
        oldest=st.booleans(), live_first=st.booleans(), removed=st.sampled_from((False, False, True)),
    )  # fmt: skip
    def reload(self, name: str, spool: str | None, size: int, oldest: bool, live_first: bool, removed: bool) -> None:
        taken = {one["spool"] for other, one in self.world.wanted.items() if other != name}
        self.world.wanted[name] = {
            "spool": None if spool in taken else spool, "bytes": size, "oldest": oldest, "live_first": live_first,
        }  # fmt: skip
        if removed and len(self.world.wanted) > 1:
            del self.world.wanted[name]
        self.world.reload()

    @rule(name=spools, what=st.sampled_from(("page", "page", "log", "gone")), at=st.floats(0, 0.999))
    def damage(self, name: str, what: str, at: float) -> None:
        self.world.damage(name, what, at)

    @rule()
    def kill(self) -> None:
        self.world.kill()
        self.world.restart()

    @rule(seconds=st.sampled_from((0.5, 10.0)), damages=st.booleans(), name=spools, at=st.floats(0, 0.999))
    def stop_and_start(self, seconds: float, damages: bool, name: str, at: float) -> None:
        self.world.stop(seconds)
        if damages:
            self.world.damage(name, "page", at)
        self.world.restart()

    def teardown(self) -> None:
        try:
            self.world.stop(10.0)
        finally:
            self.world.close()
            shutil.rmtree(self.folder)


def settings() -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=max(1, _STEPS // _LENGTH), stateful_step_count=_LENGTH, deadline=None, derandomize=not _FULL,
        suppress_health_check=list(hypothesis.HealthCheck), database=None, phases=(hypothesis.Phase.generate,),
    )  # fmt: skip


def test_the_ledger_adds_up_after_each_step_property() -> None:
    run_state_machine_as_test(Ledger, settings=settings())
    assert Ledger.total >= _STEPS // 2, "sequences may be shorter than they could be"


def test_an_alert_under_way_of_a_sink_that_two_reloads_move_and_remove_is_counted_as_dropped(tmp_path: Path) -> None:
    """Give the sink a spool by the first reload, while a delivery from memory is slow; remove it by the second."""
    world = World(tmp_path)
    try:
        world.destinations["b"].mode = "slow"
        world.emit(1, Severity.CRITICAL)
        world.wait(0.0)
        world.wanted["b"] = {"spool": "c.db"}
        world.reload()
        world.destinations["b"].mode = "later"
        del world.wanted["b"]
        world.reload()
        world.wait(3.0)
        world.check(running=True)
        world.stop(10.0)
    finally:
        world.close()
