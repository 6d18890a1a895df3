"""The meaning of correlations, case by case, and in comparison with the reference."""

import os
import random
from collections.abc import Iterable

import msgspec
import pytest

from mozu.core.language.correlation import Completed, CorrelationState, StepMatch, Window, step
from tests.core.language.correlation.reference import Alert, Reference

STREAMS = int(os.environ.get("MOZU_CORRELATION_STREAMS", "400"))
"""Random streams for the comparison; 100,000 before a change of the meaning is merged."""
COUNT = Window(type="event_count", span=10, at_least=3)
VALUES = Window(type="value_count", span=10, at_least=3)
BOTH = Window(type="temporal", span=10, steps=2)
ORDERED = Window(type="temporal_ordered", span=10, steps=3)


def _match(time: int, at: int = 0, *, key: str = "k", value: object = None, number: int | None = None) -> StepMatch:
    return StepMatch(step=at, key=key, time=time, number=time if number is None else number, value=str(value or time))


def _run(window: Window, matches: Iterable[StepMatch], state: CorrelationState | None = None) -> list[Completed | None]:
    state = CorrelationState(1000) if state is None else state
    return [step(window, state, match) for match in matches]


def _done(window: Window, *matches: StepMatch) -> list[int]:
    """Return the times of the matches that completed something."""
    return [match.time for match, found in zip(matches, _run(window, matches), strict=True) if found is not None]


def test_the_match_that_reaches_the_number_completes_it_and_names_those_that_counted() -> None:
    *before, last = _run(COUNT, [_match(1), _match(4), _match(11)])
    assert before == [None, None]
    assert last is not None
    assert (last.count, last.numbers, last.first, last.last) == (3, (1, 4, 11), 1, 11)


def test_both_ends_of_the_timespan_count_and_nothing_outside() -> None:
    assert _done(COUNT, _match(0), _match(5), _match(10)) == [10]
    assert _done(COUNT, _match(0), _match(5), _match(11)) == []


def test_each_group_counts_by_itself() -> None:
    assert _done(COUNT, _match(1, key="a"), _match(2, key="b"), _match(3, key="a"), _match(4, key="a")) == [4]


def test_after_an_alert_a_group_is_quiet_for_a_timespan_and_says_then_what_came_meanwhile() -> None:
    found = _run(COUNT, [_match(time) for time in (1, 2, 3, 4, 5, 13, 14, 15, 16)])
    assert [number for number, one in enumerate(found) if one is not None] == [2, 8]
    last = found[-1]
    assert last is not None
    assert last.silenced == 3
    assert last.numbers == (14, 15, 16)


def test_a_match_in_the_wrong_order_counts_if_it_is_within_the_timespan() -> None:
    (*_, last) = _run(COUNT, [_match(10), _match(3), _match(5)])
    assert last is not None
    assert last.numbers == (3, 5, 10)


def test_a_match_before_the_timespan_is_late_and_does_not_count() -> None:
    state = CorrelationState(10)
    assert _run(COUNT, [_match(100), _match(101), _match(80), _match(102)], state)[-1] is not None
    assert state.late == 1


def test_if_only_late_matches_come_for_a_timespan_the_clock_was_set_back_and_all_begins_anew() -> None:
    state = CorrelationState(10)
    found = _run(COUNT, [_match(time) for time in (1000, 500, 505, 510, 511, 512, 513)], state)
    assert [number for number, one in enumerate(found) if one is not None] == [6]
    assert (state.restarts, state.late) == (1, 4)


def test_a_value_counts_once_as_long_as_it_is_in_the_timespan() -> None:
    assert _done(VALUES, _match(1, value="a"), _match(2, value="b"), _match(3, value="b")) == []
    assert _done(VALUES, _match(1, value="a"), _match(2, value="b"), _match(3, value="c")) == [3]
    assert _done(VALUES, _match(1, value="a"), _match(11, value="b"), _match(12, value="c")) == []
    assert _done(VALUES, _match(1, value="a"), _match(9, value="a"), _match(11, value="b"), _match(12, value="c")) == [
        12
    ]


def test_an_event_without_a_value_does_not_count() -> None:
    absent = StepMatch(step=0, key="k", time=3, number=3)
    assert _run(VALUES, [_match(1), _match(2), absent]) == [None, None, None]


def test_the_rules_of_temporal_may_come_in_any_order_and_one_event_may_be_both() -> None:
    assert _done(BOTH, _match(2, 1), _match(5, 0)) == [5]
    assert _done(BOTH, _match(2, 1), _match(2, 0)) == [2]
    assert _done(BOTH, _match(2, 1), _match(13, 0)) == []


def test_a_sequence_needs_its_order_its_time_and_another_event_for_each_step() -> None:
    assert _done(ORDERED, _match(1, 0), _match(2, 1), _match(3, 2)) == [3]
    assert _done(ORDERED, _match(1, 1), _match(2, 0), _match(3, 2)) == []
    assert _done(ORDERED, _match(1, 0), _match(2, 1), _match(12, 2)) == []
    both = [_match(5, 2, number=7), _match(5, 1, number=7)]
    assert _done(ORDERED, _match(1, 0), *both) == []


def test_a_sequence_that_began_later_takes_the_place_of_one_that_would_be_too_old() -> None:
    (*_, last) = _run(ORDERED, [_match(1, 0), _match(2, 1), _match(8, 0), _match(9, 1), _match(15, 2)])
    assert last is not None
    assert last.numbers == (8, 9, 15)


def test_values_for_outputs_are_those_of_the_match_that_counted() -> None:
    steps = enumerate((0, 1, 1, 2))
    matches = [msgspec.structs.replace(_match(number, at), output_values={"number": number}) for number, at in steps]
    (*_, last) = _run(ORDERED, matches)
    assert last is not None
    assert last.output_values == {0: {"number": 0}, 1: {"number": 2}, 2: {"number": 3}}


def _stream(chance: random.Random, window: Window) -> list[StepMatch]:
    """Return matches whose times go on, stand still, run back, or jump."""
    now, found = 1000, []
    for number in range(chance.randint(5, 60)):
        now += chance.choice((0, 0, 1, 1, 2, 3, 7)) if chance.random() < 0.97 else chance.choice((-40, -15, 30))
        time = now - chance.choice((0, 0, 0, 1, 4, 9, 14))
        steps = sorted(chance.sample(range(window.steps), chance.randint(1, window.steps)), reverse=True)
        key = chance.choice("abc")
        value = chance.choice((None, "u", "v", "w", "x"))
        found += [StepMatch(step=at, key=key, time=time, number=number, value=value) for at in steps]
    return found


@pytest.mark.parametrize("window", [COUNT, VALUES, BOTH, ORDERED], ids=lambda window: str(window.type))
def test_the_engine_and_the_reference_raise_the_same_alerts(window: Window) -> None:
    for seed in range(STREAMS):
        matches = _stream(random.Random(f"{window.type} {seed}"), window)
        found = [
            Alert(match.number, match.key, done.count, done.first)
            for match, done in zip(matches, _run(window, matches), strict=True)
            if done is not None
        ]
        assert found == list(Reference(window).alerts(matches)), f"seed {seed}"
