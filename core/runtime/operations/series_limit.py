"""Bounds on the series of each metric: names of rules, types and plugins' labels come from files that others write."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from mozu.core.model.event import bounded_text
from mozu.core.runtime.operations.samples import Sample

OTHERS: Final = "(others)"
_MAX_VALUE: Final = 200
"""Characters of a label's value; a longer one ends in a digest of the whole, so that two values stay distinct."""
_FIXED: Final = frozenset({"kind", "reason", "priority", "verdict", "status", "within", "step", "state"})
"""Labels that are kept when series are added up: their values are few."""


def bounded(samples: Iterable[Sample], most: int) -> list[Sample]:
    """Return the samples by name, every series once. If a metric has more than `most` series the last ones are added
    up."""
    families: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for sample in samples:
        series = families.setdefault(sample.name, {})
        key = tuple(sorted((name, _short(value)) for name, value in sample.labels.items()))
        if key not in series and len(series) >= most:
            key = tuple((name, value if name in _FIXED else OTHERS) for name, value in key)
        series[key] = series.get(key, 0.0) + sample.value
    return [
        Sample(name, dict(labels), value)
        for name, series in sorted(families.items())
        for labels, value in series.items()
    ]


def _short(value: str) -> str:
    text = bounded_text(value)
    if len(text) <= _MAX_VALUE:
        return text
    digest = blake2b(value.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
    return f"{text[: _MAX_VALUE - 13]}…{digest}"
