"""Times of rules: the events that are measured, and the events that they represent."""

import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from mozu.core.api import Event
from mozu.core.language.conditions import RuleProgram
from mozu.plugins.rules.falco.rule_times import RuleTimes
from tests.plugins.rules.making import context

EVENTS = [Event("syscall", "openat", number) for number in range(10_000)]


class Measured:
    """Program with a rule that takes 7 ns for each event."""

    def __init__(self, every: int, *, offline: bool = True) -> None:
        self.events: list[int] = []
        self.rules = (SimpleNamespace(name="A"),)
        self.prepared: list[tuple[str, str]] = []
        self.is_prepared = threading.Event()
        self._context = context(offline=offline)
        self.times = RuleTimes(cast("RuleProgram", cast("Any", self)), self._context, every)

    def can_measure(self, event: Event) -> bool:
        return self.is_prepared.is_set()

    def prepare_measure(self, source: str, event_type: str) -> None:
        self.prepared.append((source, event_type))
        assert threading.current_thread() is not threading.main_thread()
        self.is_prepared.set()

    def measure(self, event: Event) -> Mapping[int, float]:
        self.events.append(event.time)
        return {0: 7.0}

    def seconds(self) -> float:
        (found,) = [value for name, _, value in self._context.metrics.collect() if name == "rule_seconds_total"]
        return found


def test_each_event_that_is_measured_stands_for_those_between() -> None:
    measured = Measured(every=10)

    measured.times.sample(EVENTS)

    assert 900 < len(measured.events) < 1_100
    assert len(measured.events) * 10 * 7e-9 == measured.seconds()


def test_which_events_are_measured_does_not_depend_on_how_they_come_in_batches() -> None:
    whole, parts = Measured(every=10), Measured(every=10)

    whole.times.sample(EVENTS)
    for at in range(0, len(EVENTS), 7):
        parts.times.sample(EVENTS[at : at + 7])

    assert whole.events == parts.events


def test_in_a_live_run_the_function_of_a_type_is_made_on_a_thread_and_events_count_from_then_on() -> None:
    measured = Measured(every=1, offline=False)

    measured.times.sample(EVENTS[:1])
    assert measured.is_prepared.wait(60)
    measured.times.sample(EVENTS[1:4])

    assert ([("syscall", "openat")], [1, 2, 3]) == (measured.prepared, measured.events)


def test_all_events_are_measured_where_one_in_one_is_asked_for() -> None:
    measured = Measured(every=1)

    measured.times.sample(EVENTS[:5])

    assert [0, 1, 2, 3, 4] == measured.events
