"""Texts of components' exceptions and log records, cut to a bounded length."""

from typing import Final

LONGEST: Final = 4_096
"""Characters of what one exception says, and of one message of the log."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the text, cut where it is longer, with its whole length."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text)} characters)"


def text_of(error: BaseException) -> str:
    """Return what an exception says, shortened, or else its class."""
    name = type(error).__name__
    try:
        text = shortened(str(error))
    except BaseException:  # noqa: BLE001  an exception whose own __str__ raises
        return name
    if not text:
        return name
    return text if isinstance(error, Exception) else f"{name}: {text}"
