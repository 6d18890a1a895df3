"""What an HTTP response means for the alerts that were in the request: accepted, retry (Retry-After), or rejected."""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from mozu.core.api import Outcome

_MAX_RETRY_AFTER: Final = 3600.0
"""Seconds; a longer `Retry-After` counts as this."""
_ENDPOINT_STATUSES: Final = frozenset({407, 429, 503})
"""Statuses about the endpoint, or the proxy before it, and not about what was sent."""
_RETRYABLE: Final = frozenset({407, 408, 425, 429})
_BODY_STATUSES: Final = frozenset({400, 413, 422})
"""Refusals for which one alert in the body may be to blame."""


class Verdict(enum.Enum):
    """For all alerts of the request."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    REJECTED = "rejected"


class Response(msgspec.Struct, frozen=True):
    """A verdict with its reason."""

    verdict: Verdict
    reason: str = ""
    """Why; of what was accepted the status and the beginning of the answer, secrets masked."""
    retry_after: float = 0.0
    """Retry: not before so many seconds."""
    body: bytes = b""
    """What was read of a 2xx."""
    outcomes: tuple[Outcome, ...] | None = None
    """Of each alert of an accepted request, where the receiver says so; None: all have arrived."""
    blames_body: bool = False
    """One of the alerts may be to blame: it makes sense to send fewer at once."""


def classify(status: int, headers: Mapping[str, str], excerpt: str = "", *, now: float) -> Response:
    """The meaning of a status. `excerpt` is the beginning of the body; `now` is in seconds since the epoch."""
    reason = f"the endpoint answered {status}{': ' + excerpt if excerpt else ''}"
    if 200 <= status < 300:
        return Response(Verdict.ACCEPTED)
    if 300 <= status < 400:
        return Response(Verdict.RETRY, f"{reason} (redirects are not followed; set `url` to where it leads)")
    if status >= 500 or status in _RETRYABLE:
        seconds = retry_after(headers, now)
        return Response(Verdict.RETRY, reason, seconds, blames_body=status not in _ENDPOINT_STATUSES)
    return Response(Verdict.REJECTED, reason, blames_body=status in _BODY_STATUSES)


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds, from a number or a date; a date is measured by the server's own clock if there is a `Date` header."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER)
    until = _date(text)
    if until is None:
        return 0.0
    return min(max(0.0, until - (_date(headers.get("Date", "")) or now)), _MAX_RETRY_AFTER)


def _date(text: str) -> float | None:
    try:
        found: datetime = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
