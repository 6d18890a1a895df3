"""What a test of a component needs around it: a context, events, alerts, records."""

import logging
import time
from typing import Any

from mozu.core.api import Context, Record
from mozu.core.api.context import Spawn
from mozu.core.delivery.encode import FalcoJson
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Ref, Severity, Stamp, Template, alert_id
from mozu.core.model.event import DataEvent, Process, SyscallEvent, Task
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import FieldValue


def context(
    name: str = "under-test",
    *,
    offline: bool = False,
    requested_fields: tuple[str, ...] = (),
    content_type: str = "",
    spawn: Spawn | None = None,
    fields: FieldRegistry | None = None,
) -> Context:
    """A Context as the engine would give it, without an engine. `fields`: by default there are none."""
    metrics = Metrics().scope(id=name)
    return Context(
        id=name,
        log=logging.getLogger(f"mozu.test.{name}"),
        metrics=metrics,
        fields=FieldRegistry() if fields is None else fields,
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


def event(kind: str = "openat", *args: object, **keywords: Any) -> SyscallEvent:
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


def data_event(kind: str, data: object = None, *, source: str, time: int = 1_700_000_000_000_000_000) -> DataEvent:
    """An event of a source of its own; `source` is the class that rules name."""
    return DataEvent(source, kind, time, data=data)


def alert(rule: str = "A rule", text: str = "something happened", **values: FieldValue) -> Alert:
    """An alert of this rule and this text, followed by ` NAME=VALUE` for each of `values` (`**{"proc.name": "sh"}`)."""
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
