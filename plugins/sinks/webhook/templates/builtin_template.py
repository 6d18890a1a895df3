"""A shipped body: its structure, the receiver's batch formats, and its words for severities."""

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
    """A shipped template."""

    body: Any
    """Structure for one alert; with `action`, its second line."""
    batches: tuple[BatchFormat, ...]
    """Batch formats that the receiver accepts, the default first."""
    token_scheme: str = "Bearer"
    levels: Levels = CRITICAL_WARNING_INFORMATION
    """Values of `${level}`."""
    envelope: tuple[bytes, bytes] = (b"", b"")
    """Bytes before and after the array or lines of a request."""
    action: Callable[[str], Any] | None = None
    """Function from the index (empty for the default) to a line before each part (`_bulk`)."""
    secrets: tuple[str, ...] = ()
    """Names that `body_secrets` must contain."""
    needs_json: bool = False
    """True if the body is the alert in its `format`, which must be JSON."""
    outcomes: Callable[[bytes, int], Sequence[Outcome] | None] | None = None
    """Function from (body of a 2xx, alerts of the request) to the outcome of each; its result is None if the body does
    not contain them."""
