"""Whether the HTTP listener could listen: its certificate can be used, and its address is free."""

import errno
from collections.abc import Sequence

from mozu.core.api import ChecksStart, Obstacle
from mozu.core.common.http.listener import try_bind
from mozu.core.common.tls import server_context
from mozu.core.runtime.config.http import HttpSettings


class ListenCheck(ChecksStart):
    """Of the settings `http`."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    def obstacles(self) -> Sequence[Obstacle]:
        """Why not; empty: it could."""
        address = self._settings.address()
        try:
            server_context(self._settings.tls)
            if address is not None:
                try_bind(address)
        except OSError as error:
            return [Obstacle(why_not(self._settings, error), refuses=True, held=error.errno == errno.EADDRINUSE)]
        return []


def why_not(settings: HttpSettings, error: OSError) -> str:
    """A sentence for an error of `try_bind`, or of the listener's own."""
    reason = getattr(error, "reason", None) or error.strerror or error
    return f"cannot listen on {settings.listen}: {reason}; change `http.listen` or `http.tls`, or stop what holds it"
