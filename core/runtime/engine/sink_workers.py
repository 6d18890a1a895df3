"""Sink workers, made from configured sinks: queue in memory or on disk, encoder, retry policy, route."""

from collections.abc import Callable, Coroutine

from mozu.core.delivery.alert_queue import AlertQueue
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.model.alert import Severity
from mozu.core.runtime.config import Entry
from mozu.core.runtime.engine.built import BuiltSink

SpawnWriter = Callable[[Coroutine[None, None, None], str], None]
"""(work, name): start the task that writes a disk queue; it ends once everything is on disk."""


def sink_worker_for(
    built: BuiltSink, *, agent: str, on_closed: Callable[[str], None], spawn_writer: SpawnWriter
) -> SinkWorker:
    """Return the worker of one sink. `on_closed` is called with a sentence when its destination is gone for good."""
    entry = built.entry
    return SinkWorker(
        built.isolated,
        built.encoder,
        _queue(built, spawn_writer),
        agent=agent,
        on_closed=on_closed,
        retry=retry_policy(entry),
        route=route_of(entry),
    )


def retry_policy(entry: Entry) -> RetryPolicy:
    """Return the retry policy of a sink."""
    return RetryPolicy(entry.retry.first, entry.retry.longest, entry.retry.attempts)


def route_of(entry: Entry) -> Route:
    """Return the route of a sink."""
    route = entry.route.model_dump()
    return Route(**{**route, "priority": Severity[route["priority"].upper()]})


def _queue(built: BuiltSink, spawn_writer: SpawnWriter) -> AlertQueue:
    entry, metrics = built.entry, built.isolated.metrics
    if not entry.spool.enabled:
        return MemoryQueue(entry.queue.bytes, metrics)
    from mozu.core.delivery.disk_queue import DiskQueue  # with SQLite, for sinks that have a spool

    return DiskQueue(
        entry.spool.file(entry.id),
        entry.queue.bytes,
        metrics,
        max_bytes=entry.spool.bytes,
        fsync=entry.spool.fsync,
        drop_oldest=entry.spool.when_full == "drop_oldest",
        live_first=entry.spool.backlog == "live_first",
        spawn=spawn_writer,
    )
