"""From a configured sink to the outlet that leads there."""

from collections.abc import Callable
from typing import Any

from mozu.core.delivery.alert_queue import AlertQueue
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.flow import Pipeline
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.assembly import Built


def sink_worker_for(
    built: Built,
    *,
    agent: str,
    on_closed: Callable[[str], None],
    write: Callable[[Any, str], None],
    pipeline: Callable[[], Pipeline],
) -> SinkWorker:
    """`write` runs the writer of a spool, by name; `pipeline` is asked for when there is something to tell."""
    entry = built.entry
    route = entry.route.model_dump()
    return SinkWorker(
        built.stage,
        built.encoder,
        _buffer(built, write, pipeline),
        agent=agent,
        on_closed=on_closed,
        retry=RetryPolicy(entry.retry.first, entry.retry.longest, entry.retry.attempts),
        route=Route(**{**route, "priority": Severity[route["priority"].upper()]}),
    )


def _buffer(built: Built, write: Callable[[Any, str], None], pipeline: Callable[[], Pipeline]) -> AlertQueue:
    entry, metrics = built.entry, built.stage.metrics
    if not entry.spool.enabled:
        return MemoryQueue(entry.queue.size, metrics)
    return DiskQueue(
        entry.spool.file(entry.id),
        entry.queue.size,
        metrics,
        most_bytes=entry.spool.bytes,
        fsync=entry.spool.fsync,
        drop_oldest=entry.spool.when_full == "drop_oldest",
        live_first=entry.spool.backlog == "live_first",
        spawn=write,
        tell=lambda text: pipeline().notice("Spool damaged", Severity.CRITICAL, text, sink=entry.id),
    )
