import pytest

from mozu.core.delivery.spool import runs


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [
        ([], []),
        ([7], [(7, 7)]),
        ([3, 1, 2], [(1, 3)]),
        ([0, 1, 3, 5, 6, 9], [(0, 1), (3, 3), (5, 6), (9, 9)]),
        ([-1, 0], [(-1, 0)]),
    ],
)
def test_numbers_become_ranges_without_holes_in_order(numbers: list[int], ranges: list[tuple[int, int]]) -> None:
    assert ranges == runs(numbers)
