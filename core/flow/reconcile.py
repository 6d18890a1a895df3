"""After a loss of events the state is held against the machine, and what differs is put right.

The machine says what is true now, the stream is a little behind. So the machine is read, then the stream is awaited
until it has passed that moment; what differs still, and no event since has touched, is wrong. That is read once more
and goes into the state as an event, which recordings hold like any other.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from mozu.core.flow.source_pump import Intake
from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import ProcSnapshot

_CHUNK: Final = 500
"""Processes that are compared, or read and repaired, between two turns of the loop."""
_REST: Final = 1.0
"""Seconds between a loss and the first look, and the least between two."""
_RESTS: Final = 10
"""How many times its own duration a look is followed by rest: it takes a tenth of a processor at most."""
_LOOKS: Final = 5
"""For one loss, if not everything could be told at once."""
_BEHIND: Final = 30.0
"""Seconds after which a look is given up because the stream has not caught up; a stepped clock has that effect, too."""
_POLL: Final = 0.1
_QUIET: Final = 1.0
"""Seconds without any event after which the stream has passed every moment before them."""


class Reconciler:
    """For the state of one live source. `lost` calls for it, `run` does the work until it is cancelled."""

    def __init__(
        self,
        intake: Intake,
        state: StateMachine,
        metrics: Metrics,
        *,
        threads: Callable[[], bool],
        concerned: Callable[[], Iterable[int]] | None = None,
    ) -> None:
        self._intake, self._state, self._threads, self._concerned = intake, state, threads, concerned
        self._called = asyncio.Event()
        self._ended = False
        self._repaired = metrics.counter("state_processes_repaired_total")

    def lost(self) -> None:
        """Events are missing that could tell of processes."""
        self._called.set()

    async def run(self) -> None:
        """Wait for losses and put right what they have done."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._called.wait()
                await asyncio.sleep(_REST)  # losses come in bursts
                for _ in range(_LOOKS):
                    self._called.clear()
                    begun = loop.time()
                    whole = False
                    with self._intake.stage.contained("put the state right"), self._state.comparing() as since:
                        whole = await self._look(since)
                    await asyncio.sleep(max(_REST, _RESTS * (loop.time() - begun)))
                    if whole:
                        break
        finally:
            self._ended = True

    async def _look(self, since: int) -> bool:
        """Whether everything could be told and nothing was wrong. `since`: number of the last event."""
        looked = {one.tid: one for one in await asyncio.to_thread(self._survey, None)}
        if not await self._passed(time.time_ns()):
            return False
        differs = partial(self._state.differs, since=since, threads=self._threads())
        wrong, untold = await self._compare(looked, differs)
        repaired = 0
        for start in range(0, len(wrong), _CHUNK):
            chunk = wrong[start : start + _CHUNK]
            again = {one.tid: one for one in await asyncio.to_thread(self._survey, chunk)}
            # Who has come or gone since the first look is told of by events that are under way.
            same = [again.get(pid, ProcSnapshot(pid)) for pid in chunk if (pid in looked) == (pid in again)]
            repaired += self._repair([one for one in same if differs(one)])
        if repaired:
            self._repaired.value += repaired
            self._intake.stage.log.info(
                "source %s: %d processes were put right from /proc", self._intake.name, repaired
            )
        return not wrong and not untold

    async def _compare(
        self, looked: dict[int, ProcSnapshot], differs: Callable[[ProcSnapshot], bool | None]
    ) -> tuple[list[int], int]:
        """(processes that the state has wrong, how many changed meanwhile), in the order in which they began."""
        pids = sorted((looked.keys() | set(self._state.processes())) - {os.getpid()})  # of itself no source tells
        wrong: list[int] = []
        untold = 0
        for start in range(0, len(pids), _CHUNK):
            for pid in pids[start : start + _CHUNK]:
                answer = differs(looked.get(pid, ProcSnapshot(pid)))
                untold += answer is None
                if answer:
                    wrong.append(pid)
            await asyncio.sleep(0)  # the pumps first
        return sorted(wrong, key=lambda pid: _began(looked.get(pid))), untold

    def _repair(self, wrong: list[ProcSnapshot]) -> int:
        events = [SyscallEvent("syscall", "_repaired", 0, tid=one.tid, pid=one.tid, observed=one) for one in wrong]
        self._intake.repair(events)
        return len(events)

    def _survey(self, pids: list[int] | None) -> list[ProcSnapshot]:
        """On a worker thread, which ends soon after the work is given up."""
        if pids is None and self._concerned is not None:
            pids = list(self._concerned())
        found = []
        for one in self._state.read_procfs(pids):
            if self._ended:
                break
            found.append(one)
        return found

    async def _passed(self, moment: int) -> bool:
        """Wait until the stream has told of everything before this moment (ns since the epoch)."""
        loop = asyncio.get_running_loop()
        intake = self._intake
        begun = quiet = loop.time()
        received = intake.received.value
        while intake.latest < moment and loop.time() - quiet < _QUIET:
            if loop.time() - begun > _BEHIND:
                return False
            await asyncio.sleep(_POLL)  # nothing tells when a stream has reached a moment
            if intake.received.value != received:
                received, quiet = intake.received.value, loop.time()
        return True


def _began(looked: ProcSnapshot | None) -> int:
    """Whoever has gone comes first; parents come before their children."""
    return 0 if looked is None or looked.known is None else looked.known.start
