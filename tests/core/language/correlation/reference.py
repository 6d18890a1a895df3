"""The meaning of correlations, written for readers and not for speed: every match is kept, all is computed again."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from mozu.core.language.correlation import StepMatch, Window


class Alert(NamedTuple):
    """The parts of an alert that have one right answer."""

    number: int
    """The event that completes it."""
    key: object
    reached: int
    """The number of matches, values or steps."""
    first: int
    """Time of the first match that counted."""


class Reference:
    """All matches of one correlation so far."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.newest: int | None = None
        self.late_run: list[int] = []
        """Times of the late matches since the last one in time."""
        self.kept: dict[object, list[StepMatch]] = {}
        """Key → matches since its last alert, in the order of arrival."""
        self.alerted: dict[object, int] = {}
        """Key → newest time of the correlation at its last alert."""

    def alerts(self, matches: Iterable[StepMatch]) -> Iterator[Alert]:
        """Yield the alerts that these matches raise."""
        for match in matches:
            found = self.take(match)
            if found is not None:
                yield found

    def take(self, match: StepMatch) -> Alert | None:
        """Take one match."""
        if self.window.type == "value_count" and match.value is None:
            return None
        if not self.in_time(match.time):
            return None
        assert self.newest is not None
        alerted = self.alerted.get(match.key)
        if alerted is not None and self.newest - alerted <= self.window.span:
            return None
        kept = self.kept.setdefault(match.key, [])
        if self.window.type == "temporal_ordered" and any(match.time < one.time for one in kept):
            return None
        kept.append(match)
        counted = self.counted(match)
        if counted is None:
            return None
        count, times = counted
        self.kept[match.key] = []
        self.alerted[match.key] = self.newest
        return Alert(match.number, match.key, count, min(times))

    def in_time(self, time: int) -> bool:
        """Return True if a match of this time counts."""
        if self.newest is None or time >= self.newest - self.window.span:
            self.late_run = []
            self.newest = time if self.newest is None else max(self.newest, time)
            return True
        self.late_run.append(time)
        if time - min(self.late_run) <= self.window.span:
            return False
        self.late_run, self.kept, self.alerted = [], {}, {}
        self.newest = time
        return True

    def counted(self, match: StepMatch) -> tuple[int, list[int]] | None:
        """Return the number to report and the times of what counts; None if that is not enough."""
        assert self.newest is not None
        window, begin = self.window, self.newest - self.window.span
        kept = [one for one in self.kept[match.key] if one.time >= begin]
        if window.type == "event_count":
            return (len(kept), [one.time for one in kept]) if len(kept) >= window.at_least else None
        if window.type == "value_count":
            newest = {
                value: max(one.time for one in kept if one.value == value) for value in {one.value for one in kept}
            }
            return (len(newest), list(newest.values())) if len(newest) >= window.at_least else None
        if window.type == "temporal":
            steps = {step: max(one.time for one in kept if one.step == step) for step in {one.step for one in kept}}
            return (len(steps), list(steps.values())) if len(steps) == window.steps else None
        if match.step != window.steps - 1:
            return None
        begins = [chain[0].time for chain in combinations(kept, window.steps) if self.is_sequence(chain, match)]
        return (window.steps, [max(begins)]) if begins else None

    def is_sequence(self, chain: tuple[StepMatch, ...], last: StepMatch) -> bool:
        """Return True if these matches, in the order of arrival, are the steps of the sequence, each another event."""
        steps = [one.step for one in chain]
        return (
            chain[-1] is last
            and steps == list(range(self.window.steps))
            and len({m.number for m in chain}) == len(chain)
        )
