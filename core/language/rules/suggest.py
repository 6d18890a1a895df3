"""The most similar known word to a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str], what: str = "") -> str:
    """Return `did you mean WHAT `x`?`, or an empty text if no word is similar."""
    close = get_close_matches(word[:100], list(known), n=1, cutoff=0.7)
    return f"did you mean {what + ' ' if what else ''}`{close[0]}`?" if close else ""
