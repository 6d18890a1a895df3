"""Whether a process that is held is the one of an event, where its start cannot tell.

Between the event and the pidfd the process could have ended, and another one have got its number. Its end is an event,
too: once the state machine has seen everything until after the pidfd was opened, and still has the process, it is the
one that is held. A machine on which nothing happens is given something to report: a child of mozu that ends at once.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from mozu.core.model.event import Event
from mozu.core.respond.subject import is_there

_MARGIN: Final = 6_000_000
"""ns by which the clock of events may differ from this one (plugins/sources/ebpf/clock.py)."""
_INTERVAL, _TRIES = 0.004, 250
"""Seconds between two looks, and how many there are at most."""
_PROD_AT: Final = frozenset({3, 10, 40, 100})
"""Looks after which something is made to happen."""
Latest = Callable[[], int]
"""The time of the newest event that the state machine has seen, ns since the epoch."""


async def confirmed(event: Event | None, latest: Latest) -> bool:
    """Call it once the process is held. False: it has ended, or the state machine does not come so far."""
    held_at = time.time_ns()
    for number in range(_TRIES):
        has_come = latest() > held_at + _MARGIN
        if not is_there(event):
            return False
        if has_come:
            return True
        if number in _PROD_AT:
            prod()
        await asyncio.sleep(_INTERVAL)  # the state catches up with the kernel
    return False


def prod() -> None:
    """A child that cannot execute anything, and ends: an event of a process that is not mozu's own."""
    with suppress(OSError):
        os.posix_spawn("/proc/self/nothing", ["nothing"], {})
