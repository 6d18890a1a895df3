"""The drop log: the positions that were dropped, within bounds."""

import pytest

from mozu.core.delivery.drop_log import MAX_RANGES, DropLog, DroppedPositions


def test_neighbours_with_one_reason_are_one_range() -> None:
    log = DropLog()
    log.add(3, 3, "full")
    log.add(4, 6, "full")
    log.add(7, 7, "rejected", can_retry=False)
    assert [DroppedPositions(3, 6, "full"), DroppedPositions(7, 7, "rejected", can_retry=False)] == list(
        log.between(0, 10)
    )


def test_only_ranges_that_reach_into_the_span_are_given() -> None:
    log = DropLog()
    log.add(3, 6, "full")
    assert [False, True, True, False] == [bool(list(log.between(*span))) for span in ((0, 2), (0, 3), (5, 9), (6, 9))]


def test_beyond_its_bound_it_says_too_much_rather_than_too_little() -> None:
    log = DropLog()
    for number in range(2 * MAX_RANGES):
        log.add(2 * number, 2 * number, "full")
    given = list(log.between(-1, 4 * MAX_RANGES))
    assert MAX_RANGES == len(given)
    assert all(any(one.first <= 2 * number <= one.last for one in given) for number in range(2 * MAX_RANGES))


def test_two_ranges_that_become_one_may_be_retried_where_one_of_them_may() -> None:
    for first, second, both in ((True, False, True), (False, True, True), (False, False, False)):
        log = DropLog()
        log.add(10, 11, "rejected", can_retry=first)
        log.add(2, 3, "full", can_retry=second)
        for number in range(MAX_RANGES - 2):
            log.add(100 + 2 * number, 100 + 2 * number, "full")
        assert [(10, 11), (2, 3)] == [(one.first, one.last) for one in log.between(0, 11)], "as many as may be"
        log.add(1, 1, "full")
        assert [DroppedPositions(2, 11, "full", both), DroppedPositions(1, 1, "full")] == list(log.between(0, 11))


@pytest.mark.parametrize(
    ("second", "reason", "can_retry"), [((5, 6), "full", True), ((4, 6), "other", True), ((4, 6), "full", False)]
)
def test_a_range_behind_a_hole_or_of_another_kind_is_one_of_its_own(
    second: tuple[int, int], reason: str, can_retry: bool
) -> None:
    log = DropLog()
    log.add(1, 3, "full")
    log.add(*second, reason, can_retry=can_retry)
    assert [(1, 3), second] == [(one.first, one.last) for one in log.between(0, 9)]


@pytest.mark.parametrize(
    ("numbers", "positions"),
    [((1, 2), []), ((9, 11), [(20, 23)]), ((10, 10), [(20, 20)]), ((12, 20), [(25, 25), (31, 32)]), ((16, 99), [])],
)
def test_numbers_that_were_displaced_are_the_positions_that_they_had(
    numbers: tuple[int, int], positions: list[tuple[int, int]]
) -> None:
    """Use commits of the numbers 10 to 12 and 13 to 14."""
    log = DropLog()
    log.stored(10, [20, 23, 25])
    log.stored(13, [31, 32])
    log.add_displaced(*numbers, "displaced")
    assert [DroppedPositions(*one, "displaced", can_retry=False) for one in positions] == list(log.between(0, 99))
