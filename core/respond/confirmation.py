"""Confirmation that a held process is the one of an event, if its start time cannot show it.

Between the event and the pidfd the process could have ended, and another one have got its pid. Its end is an event,
too: once the state machine has processed all events until after the pidfd was opened, and still has the process, it is
the held one. On an idle machine mozu causes an event itself: a child that ends at once. All waiting processes are
checked together.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from mozu.core.common.boot_clock import boot_time
from mozu.core.model.event import Event
from mozu.core.respond.subject import is_there

_MARGIN: Final = 6_000_000
"""ns by which a record may be older than its predecessor: its time is read before its place in the ring buffer is
reserved."""
_INTERVAL, _TRIES = 0.002, 500
"""Seconds between two checks, and the most checks."""
_PROD_AT: Final = frozenset({4, 20, 80, 200})
"""Numbers of checks after which mozu causes an event."""
Latest = Callable[[], int]
"""Function that returns the time of the newest event that the state machine has processed, ns since boot."""


class Confirmations:
    """Pending confirmations of a run."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def confirmed(self, event: Event | None, latest: Latest) -> bool:
        """Return True once the held process is confirmed; False if it has ended, or the state machine does not catch up
        in time. To be called after the process is held."""
        one = _Waiting(event, latest)
        if (answer := one.look()) is not None:
            return answer
        if not self._waiting:
            asyncio.get_running_loop().call_later(_INTERVAL, self._look)
        self._waiting.append(one)
        return await one.answer

    def _look(self) -> None:
        """Check all waiting processes, while the state catches up with the kernel."""
        for one in self._waiting:
            found = one.look()
            if found is not None and not one.answer.done():
                one.answer.set_result(found)
        self._waiting = [one for one in self._waiting if not one.answer.done()]
        if any(one.looks in _PROD_AT for one in self._waiting):
            prod()
        if self._waiting:
            asyncio.get_running_loop().call_later(_INTERVAL, self._look)


class _Waiting:
    """A process that is held from now on."""

    def __init__(self, event: Event | None, latest: Latest) -> None:
        self._event, self._latest, self._held_at = event, latest, boot_time()
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.looks = 0

    def look(self) -> bool | None:
        """Return True if confirmed, False if not, None if undecided yet."""
        self.looks += 1
        has_come = self._latest() > self._held_at + _MARGIN
        if not is_there(self._event):
            return False
        if has_come:
            return True
        return False if self.looks > _TRIES else None


def prod() -> None:
    """Start a child that cannot execute anything and ends: an event of a process that is not mozu's own."""
    with suppress(OSError):
        os.posix_spawn("/proc/self/nothing", ["nothing"], {})
