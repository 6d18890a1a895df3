"""Back-off: its length, its spread, and its reset."""

import pytest

from mozu.core.common.backoff import Backoff


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_delay_doubles_up_to_the_longest() -> None:
    backoff = Backoff(0.1, 0.5, jitter=0.0)
    assert [0.1, 0.2, 0.4, 0.5, 0.5] == [backoff.failed() for _ in range(5)]


def test_a_success_starts_again_with_the_first_delay() -> None:
    backoff = Backoff(1.0, 8.0, jitter=0.0)
    backoff.failed()
    backoff.failed()
    backoff.succeeded()
    assert (0.0, 1.0) == (backoff.left(), backoff.failed())


def test_what_is_left_counts_from_the_end_of_the_attempt() -> None:
    clock = Clock()
    backoff = Backoff(10.0, 10.0, jitter=0.0, clock=clock)
    backoff.failed(ago=4.0)
    assert 6.0 == backoff.left()
    clock.now += 2.5
    assert 3.5 == backoff.left()
    clock.now += 100.0
    assert 0.0 == backoff.left()


@pytest.mark.parametrize(("jitter", "least"), [(1.0, 0.0), (0.2, 0.8)])
def test_jitter_spreads_a_delay_over_its_share_and_no_further(jitter: float, least: float) -> None:
    delays = [Backoff(1.0, 8.0, jitter=jitter).failed() for _ in range(2000)]
    assert least <= min(delays) < least + 0.1 * jitter
    assert 1.0 - 0.1 * jitter < max(delays) <= 1.0
    assert len(set(delays)) > 1900
