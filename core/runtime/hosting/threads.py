"""Blocking components: plain functions and generators, called on threads of the component and awaited here.

One thread does the work, one call at a time, in order; an enricher may have several. Calls that may come while the work
waits for input (`update`, `stop`) have a second thread. Calls made for every event, and capabilities that are not
awaited, stay on the event loop.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, cast

from mozu.core.api import (
    BlockingEnricher,
    BlockingResponder,
    BlockingSource,
    Counts,
    Demand,
    Evaluator,
    FieldReaders,
    Incident,
    Kind,
    ResponsePlan,
    ResponseTarget,
)
from mozu.core.api.capabilities import Capability
from mozu.core.common.thread_pool import ThreadPool, WorkerThread
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event
from mozu.core.runtime.plugin_checks import capabilities

_END: Final = object()


class ThreadedSource:
    """A source whose `batches` is a plain generator."""

    def __init__(self, name: str, source: BlockingSource, capabilities: Iterable[Capability]) -> None:
        self._source = source
        self._thread, self._aside = WorkerThread(f"mozu-{name}"), WorkerThread(f"mozu-{name}-control")
        self._is_read = False
        bind_capabilities(self, source, Kind.SOURCE, capabilities, self._thread.run)

    async def start(self, demand: Demand) -> None:
        """Start the source on its thread."""
        await self._thread.run(lambda: self._source.start(demand))

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Yield batches; each is requested when the one before it was processed."""
        self._is_read = True
        try:
            batches = await self._thread.run(lambda: iter(self._source.batches()))
            while (batch := await self._thread.run(lambda: next(batches, _END))) is not _END:
                yield cast("Sequence[Event | Alert]", batch)
        finally:
            self._thread.close()

    async def update(self, demand: Demand) -> None:
        """Use this demand; called on the second thread, because the first may wait for input."""
        await self._aside.run(lambda: self._source.update(demand))

    def counts(self) -> Mapping[str, Counts]:
        """Return the source's counts; called on the event loop."""
        return self._source.counts()

    async def stop(self) -> None:
        """Stop the source on the second thread; the first ends once `batches` has yielded what is left."""
        try:
            await self._aside.run(self._source.stop)
        finally:
            if not self._is_read:
                self._thread.close()


class ThreadedEnricher:
    """An enricher whose `start`, `resolve` and `stop` are plain functions.

    The number of threads is that of calls that may run at the same time; a thread whose call was given up is replaced.
    """

    def __init__(
        self, name: str, enricher: BlockingEnricher, capabilities: Iterable[Capability], threads: int = 1
    ) -> None:
        self._enricher = enricher
        self._pool, self._aside = ThreadPool(name, threads), WorkerThread(f"mozu-{name}-control")
        bind_capabilities(self, enricher, Kind.ENRICHER, capabilities, self._on_pool)

    async def start(self) -> None:
        """Start the enricher, on the first thread."""
        await self._on_pool(self._enricher.start)

    def key(self, event: Event) -> str | None:
        """Return the key of an event, on the event loop."""
        return self._enricher.key(event)

    def known(self, key: str) -> bool:
        """Return True if the key need not be waited for; called on the event loop."""
        return self._enricher.known(key)

    async def resolve(self, key: str) -> None:
        """Resolve a key on a thread that is free; the caller starts no more calls than there are threads."""
        await self._on_pool(lambda: self._enricher.resolve(key))

    async def _on_pool(self, call: Callable[[], object]) -> object:
        """Return the result of a call; the caller, not the pool, bounds its time."""
        return await self._pool.run(call, None)

    def readers(self) -> FieldReaders:
        """Return the readers, which rules call on the event loop."""
        return self._enricher.readers()

    async def stop(self) -> None:
        """Stop the enricher on the second thread."""
        try:
            await self._aside.run(self._enricher.stop)
        finally:
            self._pool.stop()


class ThreadedEvaluator:
    """An evaluator whose `evaluate` may block; see `AwaitedEvaluator`."""

    def __init__(self, name: str, evaluator: Evaluator, capabilities: Iterable[Capability]) -> None:
        self._name, self._evaluator, self._capabilities = name, evaluator, tuple(capabilities)
        self._thread = WorkerThread(f"mozu-{name}")
        bind_capabilities(self, evaluator, Kind.EVALUATOR, self._capabilities, self._thread.run)

    def demand(self) -> Demand:
        """Return the demand; called on the event loop."""
        return self._evaluator.demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Evaluate on the calling thread; engines call `evaluate_batch` instead."""
        return self._evaluator.evaluate(batch)

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Evaluate a batch on the thread and return its alerts."""
        return await self._thread.run(lambda: self._evaluator.evaluate(batch))

    def reload(self) -> "ThreadedEvaluator":
        """Return the reloaded evaluator, which has a thread of its own. Blocks; called off the event loop."""
        return ThreadedEvaluator(self._name, self._evaluator.reload(), self._capabilities)


class ThreadedResponder:
    """A responder whose `start`, `act`, `undo` and `stop` are plain functions."""

    def __init__(self, name: str, responder: BlockingResponder, capabilities: Iterable[Capability]) -> None:
        self._responder = responder
        self._thread, self._aside = WorkerThread(f"mozu-{name}"), WorkerThread(f"mozu-{name}-control")
        bind_capabilities(self, responder, Kind.RESPONDER, capabilities, self._thread.run)

    async def start(self) -> None:
        """Start the responder on its thread."""
        await self._thread.run(self._responder.start)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the planned response, or None; called on the event loop."""
        return self._responder.plan(incident)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Act on the thread, one response after the other."""
        await self._thread.run(lambda: self._responder.act(incident, plan, targets))

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Undo a response on the thread."""
        await self._thread.run(lambda: self._responder.undo(detail, targets))

    async def stop(self) -> None:
        """Stop the responder on the second thread."""
        try:
            await self._aside.run(self._responder.stop)
        finally:
            self._thread.close()


def on_thread(blocking: bool, kind: Kind, name: str, component: object, *, threads: int = 1) -> object:
    """Return the component, behind an awaited contract if it blocks. Sinks are returned as they are: their worker knows
    how to call them. `threads` is the number of an enricher's threads."""
    if not blocking or kind is Kind.SINK:
        return component
    if kind is Kind.SOURCE:
        return ThreadedSource(name, cast("BlockingSource", component), capabilities(kind))
    if kind is Kind.ENRICHER:
        return ThreadedEnricher(name, cast("BlockingEnricher", component), capabilities(kind), threads)
    if kind is Kind.RESPONDER:
        return ThreadedResponder(name, cast("BlockingResponder", component), capabilities(kind))
    return ThreadedEvaluator(name, cast("Evaluator", component), capabilities(kind))


def bind_capabilities(
    host: object,
    component: object,
    kind: Kind,
    capabilities: Iterable[Capability],
    run: Callable[[Callable[[], object]], Awaitable[object]],
) -> None:
    """Set the capabilities of the component on its host. `run` calls a blocking member and returns an awaitable."""
    for one in capabilities:
        if kind in one.kinds and isinstance(component, one.protocol):
            member = attrgetter(one.member)(component)
            setattr(host, one.member, _awaited(member, run) if one.is_awaited else member)


def _awaited(
    method: Callable[..., object], run: Callable[[Callable[[], object]], Awaitable[object]]
) -> Callable[..., Awaitable[object]]:
    async def call(*arguments: object) -> object:
        return await run(lambda: method(*arguments))

    return call


