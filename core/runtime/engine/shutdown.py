"""Shutdown: sources first, then everything in flight, then the sinks; all within one deadline.

Each phase has a share of the time left, so that a hanging component takes nothing from those after it. What exceeds its
share is named and given up. Alerts in a spool are safe: after a signal they are delivered for a moment, and otherwise
with the next start. A run whose sources have ended delivers them for as long as the deadline allows.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from mozu.core.api import Enricher, Responder
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.flow.source_pump import SourcePump
from mozu.core.isolation.deadline import exceeded, within
from mozu.core.isolation.isolated import Isolated, Isolation

_log = logging.getLogger("mozu.engine")

_LEAST: Final = 0.1
"""Seconds that a phase has in any case."""
_SAFE_SECONDS: Final = 0.3
"""Seconds for which the delivery of safe alerts continues after a signal, and between two checks for a signal."""
_FOR_SINKS: Final = 0.75
"""Share of the time left that deliveries have; the sinks' own `stop` has the rest."""

Tasks = Sequence["asyncio.Task[None]"]


class RunningWorker(msgspec.Struct):
    """A sink worker and the task that runs it."""

    worker: SinkWorker
    task: "asyncio.Task[None]"


class Shutdown:
    """The shutdown of one run; made when the stop begins. `at_once` returns True once a signal has asked for the stop,
    so that safe alerts are not waited for; the signal may come while the stop is under way."""

    def __init__(self, seconds: float, *, at_once: Callable[[], bool]) -> None:
        self._seconds, self._at_once = seconds, at_once
        self._end = asyncio.get_running_loop().time() + seconds

    def left(self, share: float = 1.0) -> float:
        """Return this share, in seconds, of the time left until the deadline."""
        return max(_LEAST, share * (self._end - asyncio.get_running_loop().time()))

    async def sources(self, pumps: Sequence[SourcePump], reading: Tasks) -> None:
        """Stop the sources; what they have read is in the queues then. `reading` are the tasks that run the pumps."""
        await asyncio.gather(*(self._stop_source(pump) for pump in pumps))
        if not reading:
            return
        seconds = self.left(0.5)
        _, late = await asyncio.wait(reading, timeout=seconds)
        for pump, task in zip(pumps, reading, strict=True):
            if task in late:
                pump.held_up.log(pump.pipeline.source, seconds)
        await _cancel(late)

    async def deliveries(self, deliveries: Sequence[RunningWorker], writers: Tasks) -> None:
        """Bring everything to disk or to its destination, as far as there is time. The queues are closed. `writers` are
        those of spools."""
        await self._finish(writers, self.left(_FOR_SINKS), [])
        await self._deliver_safe(deliveries)
        owed = [one for one in deliveries if not one.task.done() and one.worker.queue.in_memory()]
        await self._finish(
            [one.task for one in owed], self.left(_FOR_SINKS), [(one.worker.sink, "deliver") for one in owed]
        )
        await _cancel([one.task for one in deliveries if not one.task.done()])

    async def finish(self, tasks: Tasks) -> None:
        """Wait for other work on sinks, within its share."""
        await self._finish(tasks, self.left(_FOR_SINKS), [])

    async def sinks(self, workers: Iterable[SinkWorker]) -> None:
        """Stop the sinks, side by side."""
        await asyncio.gather(*(self._stop_sink(worker) for worker in workers))

    async def evaluated(self, pipeline: SourcePipeline) -> None:
        """Wait until evaluators that work elsewhere have returned their alerts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.left(0.5)):
                await pipeline.wait_evaluated()

    async def helpers(self, helpers: Iterable[Isolated[Enricher] | Isolated[Responder]]) -> None:
        """Stop enrichers and responders, side by side."""
        await asyncio.gather(*(self._stop_helper(helper) for helper in helpers))

    # Each has a task of its own: a component that holds the event loop uses up the time of those after it.

    async def _stop_source(self, pump: SourcePump) -> None:
        await pump.stop(self.left(0.5))

    async def _stop_sink(self, worker: SinkWorker) -> None:
        await worker.stop(seconds=self.left())

    async def _stop_helper(self, helper: Isolated[Enricher] | Isolated[Responder]) -> None:
        with helper.contained("stop"):
            await within(helper, "stop", self.left(), helper.component.stop)

    async def _deliver_safe(self, deliveries: Sequence[RunningWorker]) -> None:
        """Deliver until nothing is left, or only what is in a spool and its time is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.left(_FOR_SINKS)
        while (seconds := end - loop.time()) > 0:
            going = [one for one in deliveries if not one.task.done()]
            if all(one.worker.queue.in_memory() for one in going):
                return
            await asyncio.wait([one.task for one in going], timeout=min(_SAFE_SECONDS, seconds))
            if self._at_once():
                return

    async def _finish(self, tasks: Tasks, seconds: float, of: Sequence[tuple[Isolation, str]]) -> None:
        """Wait this many seconds for the tasks, and give up the others. `of` has component and method of each task."""
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late if not of else ():
            _log.error("%s did not end within the stop deadline", task.get_name())
        for task, (component, method) in zip(tasks, of, strict=False):
            if task in late:
                component.log.error("%s", exceeded(component, method, seconds))
        await _cancel(late)


async def _cancel(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel these tasks; work that ignores its cancellation is left to itself (`detached`)."""
    cancelled = list(tasks)
    for task in cancelled:
        task.cancel()
    if cancelled:
        await asyncio.wait(cancelled)
