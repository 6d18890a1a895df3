"""Check of the HTTP listener: its certificate must be usable, and its address free."""

import errno
from collections.abc import Sequence
from pathlib import Path

from mozu.core.api import ChecksStart, Obstacle
from mozu.core.common.http.listener import try_bind
from mozu.core.common.owner_identity import checking_identity
from mozu.core.common.tls import server_context
from mozu.core.runtime.config.http import HttpSettings


class ListenCheck(ChecksStart):
    """The check of the settings `http`."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    def obstacles(self) -> Sequence[Obstacle]:
        """Return why the listener could not listen; empty if it could."""
        address = self._settings.address()
        try:
            server_context(self._settings.tls)
            if address is not None:
                with checking_identity(Path(address.path or "/")):
                    try_bind(address)
        except OSError as error:
            return [Obstacle(why_not(self._settings, error), refuses=True, held=error.errno == errno.EADDRINUSE)]
        return []


def why_not(settings: HttpSettings, error: OSError) -> str:
    """Return a sentence for an error of `try_bind`, or of the listener's own."""
    reason = getattr(error, "reason", None) or error.strerror or error
    return f"cannot listen on {settings.listen}: {reason}; change `http.listen` or `http.tls`, or stop what holds it"
