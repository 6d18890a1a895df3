"""Components in child processes, behind the contracts that the core calls. A process that has ended is replaced after a
back-off.

Every batch crosses a socket twice, pickled. Calls that are not awaited (`counts`, `demand`) return the values that the
process sent last.
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
"""Shortest and longest back-off, in seconds, before a process that has ended is replaced."""


class RemoteSource:
    """A source in a child process. When the process ends the source has failed; the source's pump builds another
    one."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._reading = False

    async def start(self, demand: Demand) -> None:
        """Start the source in the process."""
        await self._worker.call("start", demand)

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Yield batches; each is requested when the one before it was processed."""
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
        """Use this demand in the process."""
        await self._worker.call("update", demand)

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts that the process sent last."""
        return cast("Mapping[str, Counts]", self._worker.counts or {})

    async def stop(self) -> None:
        """Stop the source in the process, which ends when the last batch was read."""
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
    """A remote source that acknowledges its input."""

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        """Acknowledge a batch in the process."""
        await self._worker.call("ack", batch)


class AlertAckingRemoteSource(RemoteSource, AcksAlerts):
    """A remote source whose input can send alerts again."""

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        """Acknowledge the alerts of a batch in the process."""
        await self._worker.call("ack_alerts", batch, dict(dropped))


class _Restarted:
    """A base for components that their caller does not build again: the process is replaced instead."""

    def __init__(self, plan: ProcessPlan, worker: Worker) -> None:
        self._plan, self._worker = plan, worker
        self._backoff = Backoff(_FIRST, _LONGEST, jitter=0.0)

    async def _alive(self) -> bool:
        """Replace a process that has ended, after the back-off; return True if the process was replaced. Raises
        ProcessFailed."""
        if not self._worker.why_ended:
            return False
        await asyncio.sleep(self._backoff.failed())
        self._worker = await self._plan.launch_beside()
        self._plan.context.log.warning("%s %s has a new process", self._plan.spec.kind, self._plan.spec.id)
        return True

    async def _call(self, method: str, *arguments: object) -> object:
        """Call a method in the process. If the call is cancelled the process is killed: nothing else stops the
        method."""
        try:
            result = await self._worker.call(method, *arguments)
        except asyncio.CancelledError:
            self._worker.end(f"`{method}` took too long")
            raise
        self._backoff.succeeded()
        return result


class RemoteEvaluator(_Restarted):
    """An evaluator in a child process; see `AwaitedEvaluator`."""

    def demand(self) -> Demand:
        """Return the demand at the time of the build."""
        return cast("Demand", self._worker.built.demand)

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Raise NotImplementedError: the core awaits `evaluate_batch` instead."""
        raise NotImplementedError("an evaluator in a process is awaited")

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[object]:
        """Evaluate a batch in the process; returns its alerts."""
        await self._alive()
        return cast("Sequence[object]", await self._call("evaluate", list(batch)))

    def reload(self) -> "RemoteEvaluator":
        """Launch a new process and return its evaluator. Blocks; called off the event loop."""
        return RemoteEvaluator(self._plan, self._plan.launch())

    def rules_digest(self) -> str:
        """Return the digest of the rules at the time of the build."""
        return self._worker.built.rules_digest

    def rule_names(self) -> Sequence[str]:
        """Return the names of the rules at the time of the build."""
        return self._worker.built.rule_names


class RemoteSink(_Restarted):
    """A sink in a child process."""

    async def start(self) -> None:
        """Start the sink in the process."""
        await self._alive()
        await self._call("start")

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Deliver records in the process, in a new one if the last has ended; returns the outcomes."""
        if await self._alive():
            await self._call("start")
        return cast("Sequence[Outcome] | None", await self._call("deliver", list(records)))

    async def stop(self) -> None:
        """Stop the sink in the process, then end the process."""
        try:
            if not self._worker.why_ended:
                await self._call("stop")
        finally:
            self._worker.end("it is not needed any more")


class CheckedRemoteSink(RemoteSink, ChecksDestination):
    """A remote sink that can check if its destination would accept an alert."""

    async def check(self) -> str | None:
        """Check the destination in the process; returns what is wrong, or None."""
        return cast("str | None", await self._call("check"))


class ReopeningRemoteSink(CheckedRemoteSink, Reopens):
    """A remote sink that keeps a file open."""

    def reopen(self) -> None:
        """Reopen the file in the process, in a background task."""
        if self._plan.context.spawn is not None and not self._worker.why_ended:
            self._plan.context.spawn(self._reopen(), "reopen")

    async def _reopen(self) -> None:
        await self._worker.call("reopen")
