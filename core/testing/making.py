"""Makes the surroundings of a component in a test: a context, events, alerts, records."""

import atexit
import functools
import itertools
import logging
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from mozu.core.api import Context, Record
from mozu.core.api.context import Spawn
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.errors import UnknownField
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Ref, Severity, Stamp, Template, alert_id
from mozu.core.model.event import DataEvent, Process, SyscallEvent, Task
from mozu.core.model.fields import FieldRegistry, FieldType
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.value_checks import value_fault
from mozu.core.model.value_types import FieldValue

_numbers: Final = itertools.count()


def context(
    name: str = "under-test",
    *,
    offline: bool = False,
    requested_fields: tuple[str, ...] = (),
    content_type: str = "",
    schema: str = "",
    spawn: Spawn | None = None,
    fields: FieldRegistry | None = None,
    state_path: Path | None = None,
) -> Context:
    """Return a Context as the engine would give it, without an engine. `fields`: by default there are none.
    `state_path`: the component's state directory; by default a temporary one, which goes when the process ends."""
    metrics = Metrics().scope(id=name)
    return Context(
        id=name,
        log=logging.getLogger(f"mozu.test.{name}"),
        metrics=metrics,
        fields=FieldRegistry() if fields is None else fields,
        offline=offline,
        requested_fields=requested_fields,
        content_type=content_type,
        schema=schema,
        spawn=spawn,
        state_path=temporary_path(name) if state_path is None else state_path,
    )


def temporary_path(name: str) -> Path:
    """Return a path of this name in a temporary directory, another one each time; nothing is there yet."""
    return Path(_folder(), str(next(_numbers)), name)


@functools.cache
def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="mozu-kit-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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
    """An alert of this rule and this text, followed by ` NAME=VALUE` for each of `values` (`**{"proc.name": "sh"}`).

    A value that is right for the field of its name has that field's type, any other the type that its class has.
    """
    now = time.time_ns()
    refs = tuple(part for name, value in values.items() for part in (f" {name}=", _ref(name, value)))
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


def _ref(name: str, value: FieldValue) -> Ref:
    try:
        field = _builtin().resolve(name).field
    except UnknownField:
        field = None
    if field is None or value_fault(field, value):
        is_list = isinstance(value, tuple)
        first = next((one for one in value if one is not None), None) if isinstance(value, tuple) else value
        return Ref(name, _type_of(first).value, is_list=is_list)
    return Ref(name, field.type.value, field.format, is_list=field.is_list, is_time="output_time" in field.traits)


def _type_of(value: FieldValue) -> FieldType:
    if isinstance(value, bytes):
        return FieldType.BYTES
    if isinstance(value, bool):
        return FieldType.BOOL
    if isinstance(value, int):
        return FieldType.INT
    return FieldType.DOUBLE if isinstance(value, float) else FieldType.STRING


@functools.cache
def _builtin() -> FieldRegistry:
    return FieldRegistry(builtin_fields())


def records(*alerts: Alert) -> list[Record]:
    """Alerts as a sink gets them, encoded as JSON and numbered from 1."""
    encoder = FalcoJson()
    stamps = (Stamp("host", "under-test", "epoch", number) for number in range(1, len(alerts) + 1))
    return [Record(item, encoder.encode(item, stamp), stamp) for item, stamp in zip(alerts, stamps, strict=True)]
