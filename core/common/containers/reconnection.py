"""Pauses between two connections to a socket: a back-off, which a change at the socket's place ends at once."""

from pathlib import Path
from typing import Final

from mozu.core.common.backoff import Backoff
from mozu.core.common.containers.runtime_api import is_socket
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch

_PAUSES: Final = (0.1, 1.0)
"""First and longest seconds between two connections; a fifth of it is jitter."""


class Reconnection:
    """Of one socket. `begin` before each connection, `succeeded` once it is there, `wait` after it has ended or failed.

    A server that is killed leaves its socket, and no connection to that is ever accepted again: only a new one counts.
    """

    def __init__(self, socket: Path) -> None:
        self._socket, self._backoff, self._watch = socket, Backoff(*_PAUSES, jitter=0.2), PathWatch()
        self._is_watching = False

    def begin(self) -> None:
        """What comes and goes at the socket's place from now on ends the next wait."""
        self._watch.renew()
        self._watch.add([str(self._socket)])
        self._is_watching = True

    def succeeded(self) -> None:
        """The next wait is a short one."""
        self._backoff.succeeded()
        self.close()

    async def wait(self) -> None:
        """Until a connection is due. Where no socket is, that is when one comes."""
        if not self._is_watching:  # there was a connection: what has become of the socket meanwhile is looked for below
            self.begin()
        if await self._watch.wait(self._backoff.failed() if is_socket(self._socket) else LOOK_INTERVAL):
            self._backoff.succeeded()  # it may be bound and not listen yet

    def close(self) -> None:
        """Idempotent."""
        self._watch.close()
        self._is_watching = False
