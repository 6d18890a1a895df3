"""Components in a process, as the core calls them. A process that has ended is replaced after a back-off.

Every batch crosses a socket twice, pickled. What the core asks without awaiting (`counts`, `demand`) is what the
process said last.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import cast

from mozu.core.api import (
    AcksAlerts,
    AcksBatches,
    Alert,
    ChecksDestination,
    Counts,
    Demand,
    Dropped,
    Event,
    Outcome,
    Record,
    Reopens,
)
from mozu.core.common.backoff import Backoff
from mozu.core.runtime.hosting.process.plan import ProcessPlan
from mozu.core.runtime.hosting.process.worker import ProcessFailed, Worker

_FIRST, _LONGEST = 1.0, 30.0
"""Seconds before a process that has ended is replaced."""


class RemoteSource:
    """A source in a process. When that ends the source has failed; its pump builds another one."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._reading = False

    async def start(self, demand: Demand) -> None:
        """In the process."""
        await self._worker.call("start", demand)

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Each is asked for when the one before it was processed."""
        self._reading = True
        try:
            while True:
                batch = await self._worker.call("next")
                if batch is None:
                    return
                yield cast("Sequence[Event | Alert]", batch)
        finally:
            self._worker.end("it is not needed any more")

    async def update(self, demand: Demand) -> None:
        """In the process."""
        await self._worker.call("update", demand)

    def counts(self) -> Mapping[str, Counts]:
        """What it said last."""
        return cast("Mapping[str, Counts]", self._worker.counts or {})

    async def stop(self) -> None:
        """In the process, which ends when the last batch was read."""
        if self._worker.why_ended:
            return
        try:
            await self._worker.call("stop")
        except ProcessFailed:
            return
        finally:
            if not self._reading:
                self._worker.end("it is not needed any more")


class AckingRemoteSource(RemoteSource, AcksBatches):
    """One that acknowledges its input."""

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        """In the process."""
        await self._worker.call("ack", batch)


class AlertAckingRemoteSource(RemoteSource, AcksAlerts):
    """One whose input can send again."""

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        """In the process."""
        await self._worker.call("ack_alerts", batch, dict(dropped))


class _Restarted:
    """The process behind a component that its caller does not build again."""

    def __init__(self, plan: ProcessPlan, worker: Worker) -> None:
        self._plan, self._worker = plan, worker
        self._backoff = Backoff(_FIRST, _LONGEST, jitter=0.0)

    async def _alive(self) -> bool:
        """Whether the process is another one than before; waits for its back-off. Raises ProcessFailed."""
        if not self._worker.why_ended:
            return False
        await asyncio.sleep(self._backoff.failed())
        self._worker = await self._plan.launch_beside()
        self._plan.context.log.warning("%s %s has a new process", self._plan.spec.kind, self._plan.spec.id)
        return True

    async def _call(self, method: str, *arguments: object) -> object:
        """A call that is broken off ends the process: what it does there cannot be taken back otherwise."""
        try:
            result = await self._worker.call(method, *arguments)
        except asyncio.CancelledError:
            self._worker.end(f"`{method}` took too long")
            raise
        self._backoff.succeeded()
        return result


class RemoteEvaluator(_Restarted):
    """An evaluator in a process: see `AwaitedEvaluator`."""

    def demand(self) -> Demand:
        """What it said when it was built."""
        return cast("Demand", self._worker.built.demand)

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Not used: it is awaited."""
        raise NotImplementedError("an evaluator in a process is awaited")

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[object]:
        """In the process."""
        await self._alive()
        return cast("Sequence[object]", await self._call("evaluate", list(batch)))

    def reload(self) -> "RemoteEvaluator":
        """A new process; off the loop."""
        return RemoteEvaluator(self._plan, self._plan.launch())

    def rules_digest(self) -> str:
        """What it said when it was built."""
        return self._worker.built.rules_digest

    def rule_names(self) -> Sequence[str]:
        """What it said when it was built."""
        return self._worker.built.rule_names


class RemoteSink(_Restarted):
    """A sink in a process."""

    async def start(self) -> None:
        """In the process."""
        await self._alive()
        await self._call("start")

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """In the process; a new one is started first."""
        if await self._alive():
            await self._call("start")
        return cast("Sequence[Outcome] | None", await self._call("deliver", list(records)))

    async def stop(self) -> None:
        """In the process, and then its end."""
        try:
            if not self._worker.why_ended:
                await self._call("stop")
        finally:
            self._worker.end("it is not needed any more")


class CheckedRemoteSink(RemoteSink, ChecksDestination):
    """One that can find out whether its destination would take an alert."""

    async def check(self) -> str | None:
        """In the process."""
        return cast("str | None", await self._call("check"))


class ReopeningRemoteSink(CheckedRemoteSink, Reopens):
    """One that keeps a file open."""

    def reopen(self) -> None:
        """In the process, soon."""
        if self._plan.context.spawn is not None and not self._worker.why_ended:
            self._plan.context.spawn(self._reopen(), "reopen")

    async def _reopen(self) -> None:
        await self._worker.call("reopen")
