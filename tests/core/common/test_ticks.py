"""Timers with the same interval end at the same moments."""

import pytest

from mozu.core.common.ticks import until_tick


@pytest.mark.parametrize(
    ("now", "left"), [(0.0, 1.0), (7.25, 0.75), (7.5, 0.5), (7.75, 1.25), (7.999, 1.001), (8.001, 0.999)]
)
def test_a_tick_is_a_multiple_of_the_interval_and_at_least_half_of_one_away(now: float, left: float) -> None:
    assert until_tick(now, 1.0) == pytest.approx(left)


def test_timers_that_were_asked_for_at_different_moments_end_together() -> None:
    ends = {round(now + until_tick(now, 1.0), 9) for now in (20.0, 20.1, 20.3, 20.49)}

    assert ends == {21.0}
