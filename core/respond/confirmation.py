"""Whether a process that is held is the one of an event, where its start cannot tell.

Between the event and the pidfd the process could have ended, and another one have got its number. Its end is an event,
too: once the state machine has seen everything until after the pidfd was opened, and still has the process, it is the
one that is held. A machine on which nothing happens is given something to report: a child of mozu that ends at once.
All that wait are looked at together.
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
"""ns by which one record may lie behind a later one: its time is read before it has a place in the ring buffer."""
_INTERVAL, _TRIES = 0.002, 500
"""Seconds between two looks, and how many there are at most."""
_PROD_AT: Final = frozenset({4, 20, 80, 200})
"""Looks after which something is made to happen."""
Latest = Callable[[], int]
"""The time of the newest event that the state machine has seen, ns since the boot."""


class Confirmations:
    """Of a run."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def confirmed(self, event: Event | None, latest: Latest) -> bool:
        """Call it once the process is held. False: it has ended, or the state machine does not come so far."""
        one = _Waiting(event, latest)
        if (answer := one.look()) is not None:
            return answer
        if not self._waiting:
            asyncio.get_running_loop().call_later(_INTERVAL, self._look)
        self._waiting.append(one)
        return await one.answer

    def _look(self) -> None:
        """The state catches up with the kernel."""
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
    """One process that is held since now."""

    def __init__(self, event: Event | None, latest: Latest) -> None:
        self._event, self._latest, self._held_at = event, latest, boot_time()
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.looks = 0

    def look(self) -> bool | None:
        """None: that is not known yet."""
        self.looks += 1
        has_come = self._latest() > self._held_at + _MARGIN
        if not is_there(self._event):
            return False
        if has_come:
            return True
        return False if self.looks > _TRIES else None


def prod() -> None:
    """A child that cannot execute anything, and ends: an event of a process that is not mozu's own."""
    with suppress(OSError):
        os.posix_spawn("/proc/self/nothing", ["nothing"], {})
