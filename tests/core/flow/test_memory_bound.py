"""The memory bound: holders give back as much as needed, in order; events are dropped when nothing is left to give
back.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from unittest.mock import patch

import pytest

from mozu.core.flow import memory_bound
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.memory_bound import MemoryBound, MemoryStep
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.testing import virtual_clock

Fields = dict[str, str | int]
LIMIT = 1_125
"""Limit of memory; eight tenths are 900, and events are dropped from 1,068 on."""
BURST = 50
"""Growth per second: from 850 on memory may reach the mark before the next tick."""


class Machine:
    """A process whose memory is the sum of its holders and `rest`, which no holder can give back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **held: int) -> None:
        monkeypatch.setattr(memory_bound, "_BURST", BURST)
        monkeypatch.setattr(memory_bound, "trim", self._trim)
        self.held, self.rest, self.limit, self.trimmed = held, 0, LIMIT, 0
        self.shrunk: list[str] = []
        self.notices: list[tuple[str, Severity, str, Fields]] = []
        self.gate, self.metrics = EventGate(), Metrics()
        self.reading: Callable[[], int] = self.all_held
        self.bound = MemoryBound(
            lambda: self.limit,
            [MemoryStep(name, self._shrink(name)) for name in held],
            self.gate,
            notify=self._report,
            metrics=self.metrics,
            resident=lambda: self.reading(),
        )

    def all_held(self) -> int:
        return sum(self.held.values()) + self.rest

    def _trim(self) -> None:
        self.trimmed += 1

    def _shrink(self, name: str) -> Callable[[], int]:
        def shrink() -> int:
            count = min(100, self.held[name])
            self.held[name] -= count
            self.shrunk.append(name)
            return count

        return shrink

    def _report(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        self.notices.append((rule, priority, text, fields))

    def run(self, then: Callable[[], None] = lambda: None) -> None:
        """Let an hour pass, in which an episode that begins at once ends. `then` is called after its first round."""
        given_back, pending = self.bound._give_back, [then]

        async def and_then(before: Mapping[str, int]) -> None:
            await given_back(before)
            while pending:
                pending.pop()()

        self.bound._give_back = and_then  # type: ignore[method-assign]  # no time says when a round is over
        virtual_clock.run(self.run_for(3600.0))
        self.bound._give_back = given_back  # type: ignore[method-assign]  # as it was

    async def run_for(self, seconds: float) -> None:
        """Run the bound for some seconds of a virtual clock."""
        with patch.object(time, "monotonic", asyncio.get_running_loop().time), contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.bound.run(), seconds)

    def rules(self) -> list[str]:
        return [rule for rule, *_ in self.notices]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch, caches=300, look_back=300, processes=200)


def test_below_eight_tenths_nothing_happens(machine: Machine) -> None:
    machine.rest = 100
    machine.run()

    assert ([], [], 0) == (machine.shrunk, machine.notices, machine.trimmed)


def test_memory_that_grows_towards_the_mark_is_looked_at_until_it_passes_it(machine: Machine) -> None:
    growing = iter((220, 250, 280, 310))

    def resident() -> int:
        machine.rest = next(growing, machine.rest)
        return machine.all_held()

    machine.held, machine.rest = {"caches": 600, "look_back": 0, "processes": 0}, 100
    machine.run()
    machine.reading = resident
    machine.run()

    assert {"caches"} == set(machine.shrunk)
    assert ["Memory limit reached", "Memory limit kept"] == machine.rules()


def test_memory_that_grows_and_stops_below_the_mark_is_left_alone(machine: Machine) -> None:
    machine.run()
    machine.rest = 90
    machine.run()

    assert ([], []) == (machine.shrunk, machine.notices)


def test_no_limit_is_no_bound(machine: Machine) -> None:
    machine.rest, machine.limit = 10**9, 0
    machine.run()

    assert [] == machine.shrunk


def test_as_much_is_given_back_as_it_takes_and_of_the_first_that_has_some(machine: Machine) -> None:
    machine.rest = 300
    machine.run()

    assert (["caches", "caches"], 3) == (machine.shrunk, machine.trimmed)  # at first, and after each shrink that helped
    assert {"caches": 100, "look_back": 300, "processes": 200} == machine.held
    (rule, priority, text, fields), (end, *_) = machine.notices
    assert ("Memory limit reached", Severity.WARNING, "caches") == (rule, priority, fields["given_back"])
    assert "given back: caches (200 entries)" in text
    assert "Memory limit kept" == end


def test_what_comes_later_gives_only_once_there_is_nothing_left_before_it(machine: Machine) -> None:
    machine.rest = 550
    machine.run()

    assert ["caches"] * 4 + ["look_back"] * 2 == machine.shrunk
    assert {"caches": 300, "look_back": 200, "processes": 0} == machine.bound.numbers()["given_back"]


def test_free_pages_alone_may_be_enough(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.rest = 200

    def trimmed() -> None:
        machine.rest = 0

    monkeypatch.setattr(memory_bound, "trim", trimmed)
    machine.run()

    assert [] == machine.shrunk
    assert ["Memory limit kept"] == machine.rules()


def test_where_everything_is_given_back_and_it_is_not_enough_events_are_dropped_and_that_is_said(
    machine: Machine,
) -> None:
    closed: list[bool] = []

    def relief() -> None:
        closed.append(machine.gate.is_closed)
        machine.gate.dropped += 7
        machine.rest = 0

    machine.rest = LIMIT + 1
    machine.run(relief)

    assert {"caches": 0, "look_back": 0, "processes": 0} == machine.held
    assert ([True], False) == (closed, machine.gate.is_closed)
    assert ["Memory limit exceeded", "Memory limit kept"] == machine.rules()
    _, priority, text, fields = machine.notices[0]
    assert (Severity.CRITICAL, "caches,look_back,processes") == (priority, fields["given_back"])
    assert "live events are dropped" in text
    assert 7 == machine.notices[1][3]["dropped"]
    assert 7 == machine.bound.numbers()["dropped_events"]


def test_the_log_says_once_an_episode_that_events_are_dropped(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.rest = LIMIT + 1
    machine.run(lambda: setattr(machine, "rest", 0))

    (line,) = [record.getMessage() for record in caplog.records if "live events are dropped" in record.getMessage()]
    assert "(memory.limit): given back: " in line


def test_between_the_mark_and_the_limit_no_event_is_dropped(machine: Machine) -> None:
    closed: list[bool] = []

    def relief() -> None:
        closed.append(machine.gate.is_closed)
        machine.rest = 0

    machine.rest = LIMIT - 100
    machine.run(relief)

    assert [False] == closed
    assert ["Memory limit reached", "Memory limit kept"] == machine.rules()


def test_a_limit_that_a_reload_lifts_ends_the_episode(machine: Machine) -> None:
    def lifted() -> None:
        machine.limit = 0

    machine.rest = 2 * LIMIT
    machine.run(lifted)

    assert not machine.gate.is_closed
    assert "Memory limit kept" == machine.rules()[-1]


def test_another_episode_is_reported_again(machine: Machine) -> None:
    machine.rest = 250
    machine.run()
    machine.held["caches"] = 400
    machine.run()

    assert ["Memory limit reached", "Memory limit kept"] * 2 == machine.rules()
    assert machine.bound.numbers()["highest"] == 1_150
