"""The numbers of dropped alerts, as exact ranges."""

import pytest

from mozu.core.delivery import alert_queue
from mozu.core.delivery.alert_queue import DroppedNumbers, DroppedRange


def test_ranges_hold_what_was_dropped_and_nothing_else() -> None:
    numbers = DroppedNumbers()
    for one in (4, 2, 7, 3, 9):
        numbers.add(one, one, "full")
    numbers.add(10, 12, "full")
    numbers.add(1, 1, "other")
    assert [
        DroppedRange(2, 4, "full"), DroppedRange(7, 7, "full"), DroppedRange(9, 12, "full"), DroppedRange(1, 1, "other")
    ] == numbers.take()  # fmt: skip
    assert [] == numbers.take()


def test_ranges_that_touch_take_no_more_memory_than_one_once_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_queue, "_MERGE_AT", 4)
    numbers, counts = DroppedNumbers(), list[int]()
    for one in (4, 2, 1, 3, 9, 7):
        numbers.add(one, one, "full")
        counts.append(len(numbers._ranges["full"]))
    assert [1, 2, 3, 1, 2, 3] == counts
    assert [DroppedRange(1, 4, "full"), DroppedRange(7, 7, "full"), DroppedRange(9, 9, "full")] == numbers.take()
