"""Texts of components' exceptions and log records, cut to a bounded length."""

from typing import Final

LONGEST: Final = 4_096
"""Most characters of an exception's text, and of a log message."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the text; if it is too long, cut and with its full length."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text)} characters)"


def text_of(error: BaseException) -> str:
    """Return an exception's text, shortened; its class if the text is empty or cannot be read."""
    name = type(error).__name__
    try:
        text = shortened(str(error))
    except BaseException:  # noqa: BLE001  an exception whose own __str__ raises
        return name
    if not text:
        return name
    return text if isinstance(error, Exception) else f"{name}: {text}"
