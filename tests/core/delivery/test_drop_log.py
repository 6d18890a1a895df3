"""The drop log: which positions were dropped, within bounds."""

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
