"""Numbers that never arrive because a record was given up are announced, without an endless chain of notices."""

from mozu.core.delivery.given_up import GivenUpNumbers


def test_a_record_that_is_given_up_is_announced_once() -> None:
    given_up = GivenUpNumbers()
    given_up.add(3, is_notice=False)
    given_up.add(4, is_notice=False)
    assert [(3, 4)] == [(one.first, one.last) for one in given_up.take()]
    assert [] == given_up.take()


def test_a_notice_that_is_given_up_waits_for_the_next_alert_that_is() -> None:
    given_up = GivenUpNumbers()
    given_up.add(5, is_notice=True)
    assert [] == given_up.take(), "a destination that rejects everything would get one notice after the other"
    given_up.add(9, is_notice=False)
    assert [(5, 5), (9, 9)] == [(one.first, one.last) for one in given_up.take()]
    given_up.add(10, is_notice=True)
    assert [] == given_up.take()
