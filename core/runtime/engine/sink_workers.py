"""From a configured sink to the outlet that leads there."""

from collections.abc import Callable
from typing import Any

from mozu.core.delivery.buffer import Buffer
from mozu.core.delivery.disk_queue import Durable
from mozu.core.delivery.memory_queue import Channel
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_worker import RetryPolicy
from mozu.core.flow import Outlet, Pipeline
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.assembly import Built


def outlet_for(
    built: Built,
    *,
    agent: str,
    on_closed: Callable[[str], None],
    write: Callable[[Any, str], None],
    pipeline: Callable[[], Pipeline],
) -> Outlet:
    """`write` runs the writer of a spool, by name; `pipeline` is asked for when there is something to tell."""
    entry = built.entry
    route = entry.route.model_dump()
    return Outlet(
        built.stage,
        built.encoder,
        _buffer(built, write, pipeline),
        agent=agent,
        on_closed=on_closed,
        retry=RetryPolicy(entry.retry.first, entry.retry.longest, entry.retry.attempts),
        route=Route(**{**route, "priority": Severity[route["priority"].upper()]}),
    )


def _buffer(built: Built, write: Callable[[Any, str], None], pipeline: Callable[[], Pipeline]) -> Buffer:
    entry, metrics = built.entry, built.stage.metrics
    if not entry.spool.enabled:
        return Channel(entry.queue.size, metrics)
    return Durable(
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
