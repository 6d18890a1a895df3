"""The pairs behind the sentence of an alert, ` (pid=1 user=root)`: those that say something."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from mozu.core.model.value_types import FieldValue

_NOTHING: Final = frozenset({"", "<NA>", "host", "SUCCESS"})
"""Texts that say nothing: a missing value, the container of a process that is in none, the result of most calls."""


def brief(pairs: Sequence[tuple[str, str, FieldValue]], sentence: str) -> str:
    """Return the pairs (label, text, value) in parentheses, neighbours of one label joined; empty if none is left.

    Left out are empty values, and paths that the sentence already names.
    """
    kept = [(label, text) for label, text, value in pairs if value is not None and _says(text, sentence)]
    texts = [f"{label}={','.join(text for _, text in group)}" for label, group in groupby(kept, lambda pair: pair[0])]
    return f" ({' '.join(texts)})" if texts else ""


def _says(text: str, sentence: str) -> bool:
    return text not in _NOTHING and not (text.startswith("/") and text in sentence)
