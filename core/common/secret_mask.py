"""Secret mask: replaces secrets in texts from a server, which may repeat what it was sent."""

from collections.abc import Iterable

_MIN_LENGTH = 4
"""Least characters of a secret; masking shorter ones would spoil every text and protect nothing."""


class SecretMask:
    """A function that replaces each secret by stars, longer ones first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _MIN_LENGTH}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
