"""Meaning of an HTTP response for the alerts of the request: accepted, retry (Retry-After), or rejected."""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from mozu.core.api import Outcome

_MAX_RETRY_AFTER: Final = 3600.0
"""Seconds; a longer `Retry-After` counts as this."""
_ENDPOINT_STATUSES: Final = frozenset({401, 407, 429, 503})
"""Statuses that concern the endpoint, or the proxy before it, and not the content."""
_REFUSED_CREDENTIALS: Final = frozenset({401, 403, 407})
"""Statuses for credentials that are missing, expired or not sufficient: alerts wait until an operator has renewed
them. A firewall before the endpoint answers 403 to a body that it takes for an attack, too."""
_RETRYABLE: Final = frozenset({408, 425, 429, *_REFUSED_CREDENTIALS})
_BODY_STATUSES: Final = frozenset({400, 413, 422})
"""Refusals for which one alert in the body may be to blame."""


class Verdict(enum.Enum):
    """Result for all alerts of the request."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    REJECTED = "rejected"


class Response(msgspec.Struct, frozen=True):
    """A verdict with its reason."""

    verdict: Verdict
    reason: str = ""
    """Reason; for an accepted request the status and the beginning of the answer, secrets masked."""
    retry_after: float = 0.0
    """Least seconds before a retry."""
    body: bytes = b""
    """Bytes read of a 2xx response."""
    outcomes: tuple[Outcome, ...] | None = None
    """Outcome of each alert of an accepted request, if the receiver reports it; None if all have arrived."""
    blames_body: bool = False
    """True if one of the alerts may be to blame, so that fewer should be sent at once."""
    status: int = 0
    """The status; 0 for a 2xx, and if there was no answer."""


def classify(status: int, headers: Mapping[str, str], excerpt: str = "", *, now: float) -> Response:
    """Return the meaning of a status. `excerpt` is the beginning of the body; `now` is in seconds since the epoch."""
    reason = f"the endpoint answered {status}{': ' + excerpt if excerpt else ''}"
    if 200 <= status < 300:
        return Response(Verdict.ACCEPTED)
    if 300 <= status < 400:
        reason += " (redirects are not followed; set `url` to where it leads)"
        return Response(Verdict.RETRY, reason, status=status)
    if status in _REFUSED_CREDENTIALS:
        reason += " (it refuses the credentials; check `token`, `password`, `headers` or `proxy`)"
    if status >= 500 or status in _RETRYABLE:
        seconds = retry_after(headers, now)
        blames_body = status not in _ENDPOINT_STATUSES
        return Response(Verdict.RETRY, reason, seconds, blames_body=blames_body, status=status)
    return Response(Verdict.REJECTED, reason, blames_body=status in _BODY_STATUSES, status=status)


def refuses_credentials(status: int) -> bool:
    """Return True for a status that says that credentials are missing, expired or not sufficient."""
    return status in _REFUSED_CREDENTIALS


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Return the seconds of `Retry-After`, a number or a date; a date is compared with the server's own `Date` header,
    if any."""
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
