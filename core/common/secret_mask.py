"""Secret mask: replaces secrets in texts that come from a server, which may well repeat what it was sent."""

from collections.abc import Iterable

_MIN_LENGTH = 4
"""Characters; masking shorter secrets would spoil every text and protect nothing."""


class SecretMask:
    """Replaces each secret by stars, longer ones first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _MIN_LENGTH}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
