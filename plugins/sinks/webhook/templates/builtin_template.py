"""A body that ships: its structure, how the receiver takes several, and the words that it has for severities."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from mozu.core.api import Outcome, Severity

BatchFormat = Literal["single", "array", "ndjson"]
Levels = Mapping[Severity, str]

CRITICAL_WARNING_INFORMATION: Final[Levels] = MappingProxyType(
    {
        severity: "critical" if severity <= Severity.CRITICAL else
        "warning" if severity <= Severity.WARNING else "information"
        for severity in Severity
    }
)  # fmt: skip
"""The three words that Alertmanager's users know."""


class BuiltinTemplate(msgspec.Struct, frozen=True):
    """One template."""

    body: Any
    """The part of one alert; with `action`, the second line of it."""
    batches: tuple[BatchFormat, ...]
    """What the receiver takes, the default first."""
    token_scheme: str = "Bearer"
    levels: Levels = CRITICAL_WARNING_INFORMATION
    """What `${level}` is."""
    envelope: tuple[bytes, bytes] = (b"", b"")
    """Before and behind the array or lines of a request."""
    action: Callable[[str], Any] | None = None
    """Index, empty for the default → a line before each part (`_bulk`)."""
    secrets: tuple[str, ...] = ()
    """What `body_secrets` must have for it."""
    needs_json: bool = False
    """The body is the alert as `format` writes it, which must be JSON."""
    outcomes: Callable[[bytes, int], Sequence[Outcome] | None] | None = None
    """(body of a 2xx, alerts of the request) → the outcome of each; None: this body does not say."""
