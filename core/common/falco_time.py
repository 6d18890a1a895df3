"""Times as Falco writes them (RFC 3339, or a time of day), in ns since the epoch; nanoseconds are kept."""

import calendar
import re
import time
from datetime import datetime
from typing import Final

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)
_CLOCK: Final = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{9})", re.ASCII)
_NS: Final = 1_000_000_000


def parse_rfc3339(text: str) -> int | None:
    """Return a date with time and zone (RFC 3339, or with a zone `+0000`) in ns; None if it is invalid, or before
    1970."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    date, clock, fraction, _, sign, hours, minutes = match.groups()
    try:
        seconds = calendar.timegm(datetime.fromisoformat(f"{date}T{clock}").timetuple())
    except ValueError:
        return None
    if sign is not None:
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += -offset if sign == "+" else offset
    return None if seconds < 0 else seconds * _NS + int((fraction or "").ljust(9, "0"))


def parse_time_of_day(text: str, now: float) -> int | None:
    """Return a local time of day, on the day that brings it nearest to `now` (seconds), in ns; None if it is
    invalid."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hour, minute, second, fraction = map(int, match.groups())
    if hour > 23 or minute > 59 or second > 60:
        return None
    today = time.localtime(now)
    days = (today.tm_mday + shift for shift in (-1, 0, 1))
    candidates = [time.mktime((today.tm_year, today.tm_mon, day, hour, minute, second, 0, 0, -1)) for day in days]
    return int(min(candidates, key=lambda at: abs(at - now))) * _NS + fraction
