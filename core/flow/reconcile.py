"""Reconcile: after a loss of events the state is compared with /proc, and differences are repaired.

/proc shows the present, while the stream is a little behind. So /proc is read, then the stream is awaited until it has
passed that moment; a process that still differs, and that no event since has touched, is wrong. It is read once more
and enters the state as an event `_repaired`, which recordings hold like any other.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from mozu.core.common.boot_clock import boot_time
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import ProcSnapshot

_CHUNK: Final = 500
"""The most processes that are compared, or read and repaired, before other tasks of the event loop may run."""
_MIN_INTERVAL: Final = 1.0
"""Seconds between a loss and the first pass, and the least between two passes."""
_REST_FACTOR: Final = 10
"""Rest after a pass, in multiples of its duration: reconciling takes a tenth of a processor at most."""
_MAX_PASSES: Final = 5
"""The most passes for one loss, if not every process could be compared at once."""
_CATCH_UP_TIMEOUT: Final = 30.0
"""Seconds after which a pass is given up because the stream has not caught up."""
_POLL_INTERVAL: Final = 0.1
_QUIET: Final = 1.0
"""Seconds without any event after which the stream counts as having caught up."""


class Reconciler:
    """The reconciler of one live source's state. `lost` asks for a pass, `run` does the work until it is cancelled."""

    def __init__(
        self,
        pipeline: SourcePipeline,
        state: StateMachine,
        metrics: Metrics,
        *,
        threads: Callable[[], bool],
        pids: Callable[[], Iterable[int] | None] | None = None,
    ) -> None:
        self._pipeline, self._state, self._threads, self._pids = pipeline, state, threads, pids
        self._requested = asyncio.Event()
        self._ended = False
        self._repaired = metrics.counter("state_processes_repaired_total")

    def lost(self) -> None:
        """Ask for a pass: events about processes were lost."""
        self._requested.set()

    async def run(self) -> None:
        """Wait for losses and repair the processes they have corrupted, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._requested.wait()
                await asyncio.sleep(_MIN_INTERVAL)  # losses come in bursts
                for _ in range(_MAX_PASSES):
                    self._requested.clear()
                    begun = loop.time()
                    clean = False
                    with self._pipeline.source.contained("repair the state"), self._state.comparing() as since:
                        clean = await self._pass(since)
                    await asyncio.sleep(max(_MIN_INTERVAL, _REST_FACTOR * (loop.time() - begun)))
                    if clean:
                        break
        finally:
            self._ended = True

    async def _pass(self, since: int) -> bool:
        """Compare and repair; return True if every process could be compared and none was wrong. `since`: number of the
        last event."""
        found = {one.tid: one for one in await asyncio.to_thread(self._read_procfs, None)}
        if not await self._caught_up(boot_time()):
            return False
        differs = partial(self._state.differs, since=since, threads=self._threads())
        wrong, undecided = await self._compare(found, differs)
        repaired = 0
        for start in range(0, len(wrong), _CHUNK):
            chunk = wrong[start : start + _CHUNK]
            again = {one.tid: one for one in await asyncio.to_thread(self._read_procfs, chunk)}
            # Events about those that have come or gone since the first reading are under way.
            same = [again.get(pid, ProcSnapshot(pid)) for pid in chunk if (pid in found) == (pid in again)]
            repaired += self._repair([one for one in same if differs(one)])
        if repaired:
            self._repaired.value += repaired
            self._pipeline.source.log.info(
                "source %s: %d processes were repaired from /proc", self._pipeline.name, repaired
            )
        return not wrong and not undecided

    async def _compare(
        self, found: dict[int, ProcSnapshot], differs: Callable[[ProcSnapshot], bool | None]
    ) -> tuple[list[int], int]:
        """Return (processes that are wrong in the state, in order of their start; number of those that changed
        meanwhile)."""
        pids = sorted((found.keys() | set(self._state.processes())) - {os.getpid()})  # no source reports mozu itself
        wrong: list[int] = []
        undecided = 0
        for start in range(0, len(pids), _CHUNK):
            for pid in pids[start : start + _CHUNK]:
                answer = differs(found.get(pid, ProcSnapshot(pid)))
                undecided += answer is None
                if answer:
                    wrong.append(pid)
            await asyncio.sleep(0)  # the pumps first
        return sorted(wrong, key=lambda pid: _began(found.get(pid))), undecided

    def _repair(self, wrong: list[ProcSnapshot]) -> int:
        events = [SyscallEvent("syscall", "_repaired", 0, tid=one.tid, pid=one.tid, observed=one) for one in wrong]
        self._pipeline.repair(events)
        return len(events)

    def _read_procfs(self, pids: list[int] | None) -> list[ProcSnapshot]:
        """Read processes from /proc, on a worker thread, which ends soon after the work is given up."""
        if pids is None and self._pids is not None:
            observed = self._pids()
            pids = None if observed is None else list(observed)
        found = []
        for one in self._state.read_procfs(pids):
            if self._ended:
                break
            found.append(one)
        return found

    async def _caught_up(self, moment: int) -> bool:
        """Wait until the stream has passed this moment (ns since the boot); return False after a timeout."""
        loop = asyncio.get_running_loop()
        pipeline = self._pipeline
        begun = quiet = loop.time()
        received = pipeline.received.value
        while pipeline.latest < moment and loop.time() - quiet < _QUIET:
            if loop.time() - begun > _CATCH_UP_TIMEOUT:
                return False
            await asyncio.sleep(_POLL_INTERVAL)  # no event says when a stream has reached a moment
            if pipeline.received.value != received:
                received, quiet = pipeline.received.value, loop.time()
        return True


def _began(found: ProcSnapshot | None) -> int:
    """Return a sort key: processes that have ended first, then parents before their children."""
    return 0 if found is None or found.known is None else found.known.start
