"""Blocking components: plain functions and generators, called on threads of the component's own and awaited here.

One thread does the work, one call at a time, in order; an enricher may have several. What may come while that call
waits for input (`update`, `stop`) has a second thread. Calls that every event makes, and every capability that is not
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
        """On the thread."""
        await self._thread.run(lambda: self._source.start(demand))

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Each is asked for when the one before it was processed."""
        self._is_read = True
        try:
            batches = await self._thread.run(lambda: iter(self._source.batches()))
            while (batch := await self._thread.run(lambda: next(batches, _END))) is not _END:
                yield cast("Sequence[Event | Alert]", batch)
        finally:
            self._thread.close()

    async def update(self, demand: Demand) -> None:
        """Beside the thread, which may wait for input."""
        await self._aside.run(lambda: self._source.update(demand))

    def counts(self) -> Mapping[str, Counts]:
        """On the event loop."""
        return self._source.counts()

    async def stop(self) -> None:
        """Beside the thread, which ends once `batches` has given what is left."""
        try:
            await self._aside.run(self._source.stop)
        finally:
            if not self._is_read:
                self._thread.close()


class ThreadedEnricher:
    """An enricher whose `start`, `resolve` and `stop` are plain functions.

    It has as many threads as it may have calls at the same time; one whose call was given up is replaced.
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
        """On the event loop: every event asks."""
        return self._enricher.key(event)

    def known(self, key: str) -> bool:
        """On the event loop, too."""
        return self._enricher.known(key)

    async def resolve(self, key: str) -> None:
        """Resolve a key on a thread that is free; the caller starts no more calls than there are threads."""
        await self._on_pool(lambda: self._enricher.resolve(key))

    async def _on_pool(self, call: Callable[[], object]) -> object:
        """Return the result of a call; the caller, not the pool, bounds its time."""
        return await self._pool.run(call, None)

    def readers(self) -> FieldReaders:
        """Its readers are called where a rule looks."""
        return self._enricher.readers()

    async def stop(self) -> None:
        """Beside the thread."""
        try:
            await self._aside.run(self._enricher.stop)
        finally:
            self._pool.stop()


class ThreadedEvaluator:
    """An evaluator whose `evaluate` may take its time: see `AwaitedEvaluator`."""

    def __init__(self, name: str, evaluator: Evaluator, capabilities: Iterable[Capability]) -> None:
        self._name, self._evaluator, self._capabilities = name, evaluator, tuple(capabilities)
        self._thread = WorkerThread(f"mozu-{name}")
        bind_capabilities(self, evaluator, Kind.EVALUATOR, self._capabilities, self._thread.run)

    def demand(self) -> Demand:
        """On the event loop."""
        return self._evaluator.demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Where it is called: not used by an engine."""
        return self._evaluator.evaluate(batch)

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """On the thread."""
        return await self._thread.run(lambda: self._evaluator.evaluate(batch))

    def reload(self) -> "ThreadedEvaluator":
        """Off the loop. The new one has a thread of its own."""
        return ThreadedEvaluator(self._name, self._evaluator.reload(), self._capabilities)


class ThreadedResponder:
    """A responder whose `start`, `act`, `undo` and `stop` are plain functions."""

    def __init__(self, name: str, responder: BlockingResponder, capabilities: Iterable[Capability]) -> None:
        self._responder = responder
        self._thread, self._aside = WorkerThread(f"mozu-{name}"), WorkerThread(f"mozu-{name}-control")
        bind_capabilities(self, responder, Kind.RESPONDER, capabilities, self._thread.run)

    async def start(self) -> None:
        """On the thread."""
        await self._thread.run(self._responder.start)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """On the event loop."""
        return self._responder.plan(incident)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """On the thread, one after the other."""
        await self._thread.run(lambda: self._responder.act(incident, plan, targets))

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """On the thread."""
        await self._thread.run(lambda: self._responder.undo(detail, targets))

    async def stop(self) -> None:
        """Beside the thread."""
        try:
            await self._aside.run(self._responder.stop)
        finally:
            self._thread.close()


def on_thread(blocking: bool, kind: Kind, name: str, component: object, *, threads: int = 1) -> object:
    """Return the component, behind an awaited contract if it blocks. Sinks are called where they belong by their
    worker. `threads`: those of an enricher."""
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
    """Give the host what the component offers beside its contract. `run`: for what the core awaits."""
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


