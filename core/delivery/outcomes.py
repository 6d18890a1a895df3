"""Checks of the values that `deliver` returns: an outcome unknown to the core must not count as an acknowledgement."""

import math
from collections.abc import Sequence

from mozu.core.api import Outcome, Rejected, Retry


def checked_outcomes(found: object, records: int) -> Sequence[Outcome] | None:
    """Return one outcome per record, or None. Raises TypeError and ValueError."""
    if found is None:
        return None
    if isinstance(found, str | bytes) or not isinstance(found, Sequence):
        raise TypeError(f"deliver must return None or one outcome per record, not {type(found).__name__}")
    if len(found) != records:
        raise ValueError(f"deliver returned {len(found)} outcomes for {records} records")
    return [_outcome(one) for one in found]


def _outcome(found: object) -> Outcome:
    if found is None:
        return None
    if isinstance(found, Rejected) and isinstance(found.reason, str):
        return found
    if isinstance(found, Retry) and isinstance(found.after, int | float) and math.isfinite(found.after):
        return found
    raise TypeError(f"an outcome is None, Retry(seconds) or Rejected(text), not {_shown(found)}")


def _shown(found: object) -> str:
    if isinstance(found, Retry):
        return f"Retry({type(found.after).__name__})"
    return f"Rejected({type(found.reason).__name__})" if isinstance(found, Rejected) else type(found).__name__
