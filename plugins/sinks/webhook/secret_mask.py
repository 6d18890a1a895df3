"""Secrets kept out of texts that came from outside: a server may well repeat what it was sent."""

from collections.abc import Iterable

_SHORTEST = 4
"""Characters; hiding shorter ones would spoil every text and protect nothing."""


class Veil:
    """Replaces each secret by stars."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
