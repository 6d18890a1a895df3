"""Texts of components' exceptions and log records: without the secrets of settings, and of a bounded length."""

from typing import Final
from urllib.parse import quote

LONGEST: Final = 4_096
"""Most characters of an exception's text, and of a log message."""


_LEAST: Final = 6
"""Characters of the shortest secret that is hidden: a shorter one is a part of too many words."""
_STARS: Final = "**********"
_hidden: dict[str, None] = {}
"""Secrets of this process, in each form that a text may contain. A secret that was replaced stays: texts with it may
still come."""


def hide(secret: str) -> None:
    """Have `without_secrets` put stars in the place of a secret from now on, also if it is quoted for a URL or in a
    representation."""
    if len(secret) >= _LEAST:
        _hidden.update(dict.fromkeys((secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1])))


def without_secrets(text: str) -> str:
    """Return the text with stars in the place of secrets."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, _STARS)
    return text


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the text without secrets; if it is too long, cut and with its full length."""
    text = without_secrets(text)
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
