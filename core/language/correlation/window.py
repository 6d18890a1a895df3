"""The meaning of correlations: one function, `step`, which takes a match and says what it completes.

Its result follows from its arguments alone: time is that of events, and only matches move it, so that a recording has
the same alerts as the run that made it. What counts:

* Only matches of the last timespan count, which ends at the newest match of the correlation, and includes both ends.
* A match older than that is late: it is counted as late, and for nothing else. If for a whole timespan only late
  matches come, the clock was set back: every group begins anew.
* For `temporal_ordered` a match that is older than the newest one of its group does not count either.
* What has raised an alert is used up, and its group raises no other until a timespan has passed; matches until then are
  counted in the next alert (`silenced`).
* A match counts once in each step that it fulfils, and is never two steps of one sequence.
"""

from array import array
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import msgspec

from mozu.core.language.correlation.groups import Group, Groups, OutputValues

EVENT_COUNT: Final = "event_count"
VALUE_COUNT: Final = "value_count"
TEMPORAL: Final = "temporal"
TEMPORAL_ORDERED: Final = "temporal_ordered"
TYPES: Final = (EVENT_COUNT, VALUE_COUNT, TEMPORAL, TEMPORAL_ORDERED)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of a correlation: its type, its timespan, and the number of matches that raises an alert."""

    type: str
    """A name in `TYPES`."""
    span: int
    """Nanoseconds of the timespan."""
    steps: int = 1
    """Number of rules that it is over."""
    at_least: int = 1
    """Number of matches, or of values, that raises an alert; without meaning for the temporal types."""


class StepMatch(msgspec.Struct, frozen=True, gc=False):
    """An event that fulfils the condition of one step."""

    step: int
    key: Hashable
    """The values of `group-by`."""
    time: int
    """Nanoseconds since the epoch."""
    number: int
    """The event's number."""
    account: Hashable = None
    """The account that a new group counts for: a user in a container."""
    value: Hashable = None
    """The value to count; None: there is none, and the match does not count."""
    output_values: OutputValues | None = None
    """Values for outputs."""


class Completed(msgspec.Struct, frozen=True):
    """The result of a match that completes a correlation: the alert's numbers and values."""

    count: int
    """Number of matches; of values for `value_count`."""
    numbers: tuple[int, ...]
    """Numbers of the events that have counted, in the order of their times."""
    first: int
    """Time of the first of them."""
    last: int
    values: tuple[Hashable, ...] = ()
    """The counted values."""
    output_values: Mapping[int, OutputValues] = {}
    """Step → values for outputs, of the match that counted last for it."""
    silenced: int = 0
    """Number of matches that came within a timespan after the group's last alert."""


class CorrelationState:
    """The state of one correlation; only `step` changes it."""

    def __init__(self, most_groups: int) -> None:
        self.groups = Groups(most_groups)
        self.newest: int | None = None
        """Time of the newest match."""
        self.matches = 0
        """Number of matches."""
        self.late = 0
        """Number of late matches."""
        self.restarts = 0
        """Number of times that every group began anew because the clock was set back."""
        self._late_since: int | None = None
        self._turned = 0

    def is_in_time(self, time: int, span: int) -> bool:
        """Move the time on, and return True if a match of this time counts."""
        if self.newest is None:
            self.newest = self._turned = time
        elif time > self.newest:
            self.newest = time
            if time > self._turned + span:
                self._turned = time
                self.groups.turn()
        elif time < self.newest - span:
            return self._is_anew(time, span)
        self._late_since = None
        return True

    def _is_anew(self, time: int, span: int) -> bool:
        """Begin anew if only late matches have come for a timespan, by their own times."""
        self.late += 1
        self._late_since = time if self._late_since is None else min(time, self._late_since)
        if time <= self._late_since + span:
            return False
        self.groups.clear()
        self.restarts += 1
        self.newest = self._turned = time
        self._late_since = None
        return True


def step(window: Window, state: CorrelationState, match: StepMatch) -> Completed | None:
    """Take one match, in the order of arrival; return what it completes. Matches of one event are passed with the last
    step first."""
    state.matches += 1
    if (window.type == VALUE_COUNT and match.value is None) or not state.is_in_time(match.time, window.span):
        return None
    newest = state.newest
    assert newest is not None
    group = state.groups.group(match.key, match.account)
    if group.alerted is not None:
        if newest <= group.alerted + window.span:
            group.silenced += 1
            return None
        group.alerted = None
    done = _TAKE[window.type](window, newest, group, match)
    if done is not None:
        done = msgspec.structs.replace(done, silenced=group.silenced)
        group.content = group.output_values = None
        group.alerted, group.silenced = newest, 0
    return done


def _counted(window: Window, newest: int, group: Group, match: StepMatch) -> Completed | None:
    """`content`: time and number of each match by turns, in the order of times."""
    _keep_output_values(group, match)
    times: array[int] | None = group.content
    horizon = newest - window.span
    if times is None:
        group.content = times = array("q")
    elif times[0] < horizon:
        del times[: next((at for at in range(0, len(times), 2) if times[at] >= horizon), len(times))]
    at = len(times)
    if at and times[-2] > match.time:
        at = next(at for at in range(0, at, 2) if times[at] > match.time)
    times.insert(at, match.time)
    times.insert(at + 1, match.number)
    if len(times) < 2 * window.at_least:
        return None
    return Completed(
        len(times) // 2, tuple(times[1::2]), times[0], times[-2], output_values=_output_values(group, horizon)
    )


def _valued(window: Window, newest: int, group: Group, match: StepMatch) -> Completed | None:
    """`content`: value → time and number of its newest match, in the order of arrival."""
    _keep_output_values(group, match)
    seen: dict[Hashable, tuple[int, int]] | None = group.content
    if seen is None:
        seen = group.content = {}
    old = seen.pop(match.value, None)
    mine = (match.time, match.number)
    seen[match.value] = mine if old is None else max(old, mine)
    if len(seen) < window.at_least:
        return None
    horizon = newest - window.span
    seen = group.content = {value: one for value, one in seen.items() if one[0] >= horizon}
    if len(seen) < window.at_least:
        return None
    ordered = sorted(seen.values())
    numbers = tuple(number for _, number in ordered)
    return Completed(len(seen), numbers, ordered[0][0], ordered[-1][0], tuple(seen), _output_values(group, horizon))


def _together(window: Window, newest: int, group: Group, match: StepMatch) -> Completed | None:
    """`content`: for each step the newest match; None if there was none."""
    seen: list[StepMatch | None] | None = group.content
    if seen is None:
        seen = group.content = [None] * window.steps
    old = seen[match.step]
    if old is None or (old.time, old.number) <= (match.time, match.number):
        seen[match.step] = _kept(match)
    horizon = newest - window.span
    found = [one for one in seen if one is not None and one.time >= horizon]
    return _completed(found) if len(found) == window.steps else None


def _in_order(window: Window, newest: int, group: Group, match: StepMatch) -> Completed | None:
    """`content`: the newest match, then for each step but the last the newest sequence that ends with it. Of two that
    end with the same step, the one that began later can do all that the other can."""
    begun: list[tuple[StepMatch, ...]] | None = group.content
    if begun is None:
        begun = group.content = [(), *[()] * (window.steps - 1)]
    kept = _kept(match)
    if begun[0] and kept.time < begun[0][0].time:
        return None
    begun[0] = (kept,)
    before = () if match.step == 0 else begun[match.step]
    if match.step and (not before or before[0].time < newest - window.span):
        return None
    whole = (*before, kept)
    if match.step < window.steps - 1:
        begun[match.step + 1] = whole
        return None
    return _completed(whole)


def _kept(match: StepMatch) -> StepMatch:
    """Return the match without what its group knows."""
    return StepMatch(match.step, None, match.time, match.number, output_values=match.output_values)


def _completed(matches: Sequence[StepMatch]) -> Completed:
    """Return what these matches of different steps are together."""
    ordered = sorted(matches, key=lambda one: (one.time, one.number))
    values = {one.step: one.output_values for one in matches if one.output_values is not None}
    return Completed(
        len(ordered), tuple(one.number for one in ordered), ordered[0].time, ordered[-1].time, output_values=values
    )


def _keep_output_values(group: Group, match: StepMatch) -> None:
    if match.output_values is not None:
        group.output_values = {**(group.output_values or {}), match.step: (match.time, match.output_values)}


def _output_values(group: Group, horizon: int) -> dict[int, OutputValues]:
    return {at: values for at, (time, values) in (group.output_values or {}).items() if time >= horizon}


_TAKE: Final = {EVENT_COUNT: _counted, VALUE_COUNT: _valued, TEMPORAL: _together, TEMPORAL_ORDERED: _in_order}
