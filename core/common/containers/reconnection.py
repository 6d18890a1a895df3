"""Pauses between two connections to a socket: a back-off, which a change at the socket's place ends immediately."""

from pathlib import Path
from typing import Final

from mozu.core.common.backoff import Backoff
from mozu.core.common.containers.runtime_api import is_socket
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch

_PAUSES: Final = (0.1, 1.0)
"""First and longest seconds between two connections; a fifth is jitter."""


class Reconnection:
    """The pauses for one socket. Call `begin` before each connection, `succeeded` once it is made, `wait` after it has
    ended or failed.

    A server that is killed leaves its socket, and no connection to that is ever accepted again: only a new one counts.
    """

    def __init__(self, socket: Path) -> None:
        self._socket, self._backoff, self._watch = socket, Backoff(*_PAUSES, jitter=0.2), PathWatch()
        self._is_watching = False

    def begin(self) -> None:
        """Watch the socket's place: any file that appears or vanishes from now on ends the next wait."""
        self._watch.renew()
        self._watch.add([str(self._socket)])
        self._is_watching = True

    def succeeded(self) -> None:
        """Make the next wait a short one."""
        self._backoff.succeeded()
        self.close()

    async def wait(self) -> None:
        """Wait until a connection is due; if there is no socket, until one appears."""
        if not self._is_watching:  # there was a connection: changes of the socket meanwhile are searched below
            self.begin()
        if await self._watch.wait(self._backoff.failed() if is_socket(self._socket) else LOOK_INTERVAL):
            self._backoff.succeeded()  # the socket may be bound and not listen yet

    def close(self) -> None:
        """Close the watch. Idempotent."""
        self._watch.close()
        self._is_watching = False
