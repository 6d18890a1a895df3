"""Times as Falco writes them."""

import time

import pytest

from mozu.core.common.falco_time import parse_rfc3339, parse_time_of_day

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1969-12-31T23:00:01-0100", 1_000_000_000),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456_789),
        ("2023-11-14 22:13:20z", 1_700_000_000_000_000_000),
        ("1969-12-31T23:59:59Z", None),
        ("2023-02-30T00:00:00Z", None),
        ("2023-11-14T22:13:20", None),
        ("", None),
    ],
)
def test_times_keep_their_nanoseconds(text: str, expected: int | None) -> None:
    assert expected == parse_rfc3339(text)


@pytest.mark.parametrize("ago", [0, 60, 11 * 3600, -11 * 3600])
def test_a_time_of_day_belongs_to_the_day_that_brings_it_nearest(ago: int) -> None:
    then = NOW - ago
    text = time.strftime("%H:%M:%S.000000000", time.localtime(then))
    assert int(then) * 10**9 == parse_time_of_day(text, NOW)
