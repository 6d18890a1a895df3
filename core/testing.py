"""The kit for plugin authors: run a component as the core would, and check that it keeps the contract.

    from mozu.core.testing import alert, context, check_sink

    async def test_my_sink_keeps_the_contract():
        await check_sink(MySink(MySettings(), context("mine")))
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from mozu.core.api import Context, Kind, Record, Rejected, Retry, Sink, Source
from mozu.core.api.context import Spawn
from mozu.core.api.contract import faults
from mozu.core.delivery.encode import FalcoJson
from mozu.core.filter.demand import Demand
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Ref, Severity, Stamp, Template, alert_id
from mozu.core.model.event import DataEvent, Event, Process, SyscallEvent, Task
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import FieldValue

T = TypeVar("T")

_STOP_TIMEOUT = 10.0
"""Seconds in which a stop must have happened, as in a run."""


def context(
    name: str = "under-test",
    *,
    offline: bool = False,
    requested_fields: tuple[str, ...] = (),
    content_type: str = "",
    spawn: Spawn | None = None,
) -> Context:
    """A Context as the engine would give it, without an engine."""
    metrics = Metrics().scope(id=name)
    return Context(
        id=name,
        log=logging.getLogger(f"mozu.test.{name}"),
        metrics=metrics,
        fields=FieldRegistry(),
        offline=offline,
        requested_fields=requested_fields,
        content_type=content_type,
        spawn=spawn,
    )


def process(tid: int = 100, **keywords: Any) -> Process:
    """A main thread with a task of its own."""
    task = Task(tid)
    made = Process(task=task, tid=tid, pid=keywords.pop("pid", tid), **keywords)
    task.newest = made
    return made


def event(kind: str = "openat", *args: Any, **keywords: Any) -> SyscallEvent:
    """A system call event; `args` are its parameters in the table's order."""
    keywords.setdefault("process", process())
    actor = keywords["process"]
    return SyscallEvent(
        source="syscall",
        type=kind,
        time=keywords.pop("time", 1_700_000_000_000_000_000),
        num=keywords.pop("num", 1),
        tid=actor.tid,
        pid=actor.pid,
        args=args,
        **keywords,
    )


def alert(rule: str = "A rule", text: str = "something happened", **values: FieldValue) -> Alert:
    """An alert with text values."""
    now = time.time_ns()
    refs = tuple(part for name in values for part in (f" {name}=", Ref(name, "string")))
    return Alert(
        rule=rule,
        priority=Severity.NOTICE,
        source="syscall",
        time=now,
        template=Template((text, *refs)),
        values=dict(values),
        hostname="host",
        id=alert_id(now, "test/1", rule),
    )


def records(*alerts: Alert) -> list[Record]:
    """Alerts as a sink gets them, encoded as JSON and numbered from 1."""
    encoder = FalcoJson()
    stamps = (Stamp("host", "under-test", "epoch", number) for number in range(1, len(alerts) + 1))
    return [Record(item, encoder.encode(item, stamp), stamp) for item, stamp in zip(alerts, stamps, strict=True)]


def _check_members(kind: Kind, component: object) -> None:
    broken = list(faults(kind, component))
    assert not broken, "; ".join(broken)


async def _done(result: Awaitable[T] | T) -> T:
    return await result if isinstance(result, Awaitable) else result


async def check_sink(sink: Sink) -> None:
    """Start, deliver one batch and an empty one, stop twice; AssertionError names the sentence that is broken."""
    _check_members(Kind.SINK, sink)
    await _done(sink.start())
    batch = records(alert(), alert("Another rule", name="\udc80\x1b[31m"))
    outcomes = await _done(sink.deliver(batch))
    assert outcomes is None or len(outcomes) == len(batch), "deliver MUST return nothing or one outcome per record"
    for outcome in outcomes or ():
        assert outcome is None or isinstance(outcome, Retry | Rejected), f"{outcome!r} is not an outcome"
    await asyncio.wait_for(_done(sink.stop()), _STOP_TIMEOUT)
    await asyncio.wait_for(_done(sink.stop()), _STOP_TIMEOUT)


async def check_source(source: Source, *, most: int = 100) -> Sequence[Event | Alert]:
    """Start, read up to `most` items, stop; the items. AssertionError names the sentence that is broken."""
    _check_members(Kind.SOURCE, source)
    await source.start(Demand())
    seen: list[Event | Alert] = []
    batches = source.batches()
    async for batch in batches:
        for item in batch:
            assert isinstance(item, Event | Alert), f"a batch MUST hold events or alerts, not {type(item).__name__}"
            seen.append(item)
        if len(seen) >= most:
            break
    await asyncio.wait_for(source.stop(), _STOP_TIMEOUT)
    await source.stop()
    counts = source.counts()
    for kind, count in counts.items():
        known = count.filtered + count.lost + (count.missed or 0)
        assert count.seen >= known, f"{kind}: seen MUST be at least filtered + lost + missed"
    return seen


__all__ = ["DataEvent", "alert", "check_sink", "check_source", "context", "event", "process", "records"]
