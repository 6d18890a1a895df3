"""The pairs behind the sentence of an alert, ` (pid=1 user=root)`: those that say something."""

from collections.abc import Sequence
from typing import Final

from mozu.core.model.value_types import FieldValue

_NOTHING: Final = frozenset({"", "<NA>", "host", "SUCCESS"})
"""Texts that say nothing: a missing value, the container of a process that is in none, the result of most calls."""


def brief(pairs: Sequence[tuple[str, str, FieldValue]], sentence: str) -> str:
    """Return the pairs (label, text, value) in parentheses, neighbours of one label joined; empty if none is left.

    Left out are empty values, and paths that the sentence already names.
    """
    texts: list[str] = []
    last = ""
    for label, text, value in pairs:
        if value is None or text in _NOTHING or (text.startswith("/") and text in sentence):
            continue
        if label == last:
            texts[-1] += f",{text}"
        else:
            texts.append(f"{label}={text}")
            last = label
    return f" ({' '.join(texts)})" if texts else ""
