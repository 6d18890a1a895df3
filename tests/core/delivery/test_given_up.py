"""Numbers that never arrive because their record was given up are announced, without an endless chain of notices."""

from msgspec.structs import replace

from mozu.core.delivery.alert_queue import GIVEN_UP, DroppedRange
from mozu.core.delivery.given_up import NOTICE, GivenUpNumbers, named_by
from mozu.core.testing import alert


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


def test_what_a_given_up_notice_named_is_announced_once_the_destination_accepts_something() -> None:
    given_up = GivenUpNumbers()
    given_up.add(52, is_notice=True, named=[DroppedRange(1, 51, GIVEN_UP)])
    assert [] == given_up.take()
    given_up.accepted(alert())
    assert [(1, 52)] == [(one.first, one.last) for one in given_up.take()]
    given_up.accepted(replace(alert(), source="internal"))
    assert [] == given_up.take()


def test_a_destination_that_rejects_notices_alone_gets_ever_fewer() -> None:
    given_up, notices = GivenUpNumbers(), 0
    given_up.add(1, is_notice=True)
    for number in range(2, 10_000):
        given_up.accepted(alert())
        if given_up.take():
            notices += 1
            given_up.add(number, is_notice=True)
    assert 10 < notices < 20


def test_only_a_notice_of_the_same_sink_names_its_numbers() -> None:
    notice = replace(alert(NOTICE), source="internal", values={"sink": "siem", "numbers": "3-7,9,12-40"})
    assert [(3, 7), (9, 9), (12, 40)] == [(one.first, one.last) for one in named_by(notice, "siem")]
    assert [] == named_by(notice, "other")
    assert [] == named_by(replace(notice, source="syscall"), "siem")
