"""Dropped numbers are kept until a notice of them is stored, and no longer."""

from msgspec.structs import replace

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.announcements import Announcements
from mozu.core.testing import alert
from tests.support.packing import packed

NOTICE = packed(replace(alert("Alerts dropped"), source="internal"))


def announced(announcements: Announcements, begin: int, end: int) -> list[DroppedRange]:
    """Return the taken ranges: numbers 3 to 7, announced by notices after the position `begin` up to `end`."""
    announcements.add(3, 7, "full")
    taken = announcements.take(begin)
    announcements.put(end, taken)
    return taken


def test_what_was_announced_is_heard_once_its_notice_is_stored() -> None:
    one = Announcements()
    taken = announced(one, 10, 12)
    assert [] == one.heard(12), "the notice at position 12 is not stored yet"
    assert taken == one.heard(13)
    assert [] == one.heard(14)


def test_what_a_notice_reported_of_that_was_dropped_is_announced_again_as_soon_as_alerts_are_stored() -> None:
    one = Announcements()
    taken = announced(one, 10, 12)
    one.not_stored([(11, NOTICE)])
    assert [] == one.heard(13)
    assert [] == one.take(13), "it would be dropped again"
    one.stored()
    assert taken == one.take(13)


def test_an_alert_or_an_earlier_notice_that_was_dropped_repeats_nothing() -> None:
    one = Announcements()
    taken = announced(one, 10, 12)
    one.not_stored([(10, NOTICE), (11, packed(alert()))])
    assert taken == one.heard(13)


def test_a_dropped_notice_is_remembered_until_all_below_its_own_position_is_on_disk() -> None:
    one = Announcements()
    announced(one, 10, 12)
    announced(one, 12, 14)
    one.not_stored([(13, NOTICE)])
    assert [DroppedRange(3, 7, "full")] == one.heard(13), "the first notice"
    assert [] == one.heard(15), "the second one was dropped"
