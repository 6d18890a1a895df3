"""What an answer means for the alerts that were in the request."""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

_LONGEST: Final = 3600.0
"""Seconds of `Retry-After` that are believed."""
_ITS_OWN_FAULT: Final = frozenset({407, 429, 503})
"""Statuses that speak of the endpoint, or of the proxy before it, and not of what it was sent."""
_LATER: Final = frozenset({407, 408, 425, 429})
_OF_THE_BODY: Final = frozenset({400, 413, 422})
"""Refusals for which one alert in the body may be to blame."""


class Verdict(enum.Enum):
    """For all alerts of the request."""

    TAKEN = "taken"
    LATER = "later"
    NEVER = "never"


class Answer(msgspec.Struct, frozen=True):
    """A verdict with its reason."""

    verdict: Verdict
    reason: str = ""
    after: float = 0.0
    """Later: not before so many seconds."""
    of_the_body: bool = False
    """One of the alerts may be to blame: it makes sense to try fewer at once."""


def judged(status: int, headers: Mapping[str, str], said: str = "", *, now: float) -> Answer:
    """A status with what came along. `now` is the time of day, seconds since the epoch."""
    reason = f"the endpoint answered {status}{': ' + said if said else ''}"
    if 200 <= status < 300:
        return Answer(Verdict.TAKEN)
    if 300 <= status < 400:
        return Answer(Verdict.LATER, f"{reason} (redirects are not followed; set `url` to where it leads)")
    if status >= 500 or status in _LATER:
        after = retry_after(headers, now)
        return Answer(Verdict.LATER, reason, after, of_the_body=status not in _ITS_OWN_FAULT)
    return Answer(Verdict.NEVER, reason, of_the_body=status in _OF_THE_BODY)


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds, from a number or a date; a date is measured by the server's own clock if it tells its time."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST)
    until = _date(text)
    if until is None:
        return 0.0
    return min(max(0.0, until - (_date(headers.get("Date", "")) or now)), _LONGEST)


def _date(text: str) -> float | None:
    try:
        found: datetime = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
