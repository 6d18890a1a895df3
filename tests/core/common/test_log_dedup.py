"""Log dedup: one line per change of state, a reminder a minute, one line at the end."""

import logging
from collections.abc import Iterator

import pytest

from mozu.core.common.log_dedup import REMIND_INTERVAL, LogDeduper

LOG = logging.getLogger("mozu.test.dedup")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dedup(clock: Clock, caplog: pytest.LogCaptureFixture) -> Iterator[LogDeduper]:
    with caplog.at_level(logging.INFO, LOG.name):
        yield LogDeduper(LOG, clock=clock)


def test_each_reason_of_a_failure_is_logged_once_a_minute_whatever_others_come_between(
    dedup: LogDeduper, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("a is down", "a is down", "b is down", "b is down", "a is down", "b is down"):
        dedup.failing(text)
    clock.now += REMIND_INTERVAL
    dedup.failing("a is down")
    assert ["a is down", "b is down", "a is down"] == caplog.messages


def test_a_failure_that_goes_on_is_logged_once_a_minute(
    dedup: LogDeduper, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(25):
        dedup.failing("down")
        clock.now += REMIND_INTERVAL / 10
    assert ["down"] * 3 == caplog.messages


def test_the_end_of_a_failure_is_logged_once_with_its_length(
    dedup: LogDeduper, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    dedup.recovered()
    dedup.failing("down")
    clock.now += 7.5
    dedup.failing("refused")
    failing = dedup.is_failing
    dedup.recovered()
    dedup.recovered()
    assert ["down", "refused", "works again after 7.5 s"] == caplog.messages
    assert (True, False) == (failing, dedup.is_failing)


def test_a_warning_is_logged_once_a_minute_and_is_no_failure(
    dedup: LogDeduper, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        dedup.warn("slow")
        dedup.warn("late")
        clock.now += REMIND_INTERVAL / 2
    assert ["slow", "late", "slow", "late"] == caplog.messages
    assert not dedup.is_failing


def test_a_failure_whose_text_was_just_warned_of_is_not_logged_twice(
    dedup: LogDeduper, caplog: pytest.LogCaptureFixture
) -> None:
    dedup.warn("throttled")
    dedup.failing("throttled")
    dedup.recovered()
    assert ["throttled", "works again after 0.0 s"] == caplog.messages
