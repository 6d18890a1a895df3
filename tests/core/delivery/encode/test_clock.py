"""Times are kept within the years that RFC 3339 can write."""

import pytest

from mozu.core.delivery.encode.clock import clock, iso
from tests.support.utc import utc

__all__ = ["utc"]

LAST = 253_402_300_799 * 1_000_000_000
"""The second 9999-12-31T23:59:59Z, in nanoseconds."""


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (-1, "1970-01-01T00:00:00.000000000"),
        (0, "1970-01-01T00:00:00.000000000"),
        (1, "1970-01-01T00:00:00.000000001"),
        (1_767_225_600_999_999_999, "2026-01-01T00:00:00.999999999"),
        (LAST, "9999-12-31T23:59:59.000000000"),
        (LAST + 1, "9999-12-31T23:59:59.000000000"),
        (1 << 70, "9999-12-31T23:59:59.000000000"),
    ],
)
def test_a_time_is_shown_to_the_nanosecond_and_within_the_years_1970_to_9999(time: int, shown: str) -> None:
    assert (f"{shown}+0000", f"{shown}Z", shown.partition("T")[2]) == (iso(time), iso(time, "Z"), clock(time))
