"""A plugin that misbehaves as configured, of each kind; and a source, an evaluator and a sink that work.

`at` names the call and `how` the fault. Everything is in one module, so that blame by module would blame all of
them.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Literal

from mozu.core.api import (
    Alert,
    Context,
    Counts,
    DataEvent,
    Demand,
    EnricherDeclaration,
    EvaluatorDeclaration,
    Event,
    Field,
    FieldType,
    Interest,
    Record,
    Settings,
    Severity,
    SinkDeclaration,
    SourceDeclaration,
    hookimpl,
)
from mozu.core.model.alert import Template

LONG = 3600.0
MOMENT = 0.3
"""Seconds for which the loop is held by faults that end by themselves."""


class Misbehaviour(Settings):
    at: Literal["", "build", "start", "work", "callback", "stop"] = ""
    how: str = "raise"


def misbehave(how: str, good: Any = None) -> Any:
    """Misbehave as a plain function would; return what the function returns."""
    raised: dict[str, BaseException] = {
        "raise": ValueError("misbehaves"),
        "exit": SystemExit(0),
        "interrupt": KeyboardInterrupt(),
        "cancel": asyncio.CancelledError(),
        "generator": GeneratorExit(),
    }
    if how in raised:
        raise raised[how]
    fatal: dict[str, Callable[[], Any]] = {
        "leave": lambda: os._exit(3),
        "crash": lambda: ctypes.string_at(0),
        "spin in C": lambda: sum(range(1 << 60)),
        "leak": lambda: [b"x" * (16 << 20) for _ in range(1 << 20)],
    }
    if how in fatal:
        fatal[how]()
    if how == "block":
        time.sleep(MOMENT)
    elif how == "block for ever":
        time.sleep(LONG)
    elif how == "spin":
        _spin(MOMENT)
    elif how == "spin for ever":
        _spin(LONG)
    return {"wrong": 7, "none": None}.get(how, good)


async def misbehave_awaited(how: str, good: Any = None) -> Any:
    if how == "hang":
        await asyncio.sleep(LONG)
    if how == "late":
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            await asyncio.sleep(MOMENT)
            return good
    return misbehave(how, good)


def _spin(seconds: float) -> None:
    """Use `seconds` of CPU time, which takes longer on a busy machine."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Faulty:
    """The part that every kind of faulty component shares."""

    def __init__(self, settings: Misbehaviour, context: Context) -> None:
        self.settings = settings
        if settings.at == "build":
            misbehave(settings.how)

    def how(self, at: str) -> str:
        return self.settings.how if self.settings.at == at else ""

    async def _started(self) -> None:
        await misbehave_awaited(self.how("start"))
        if self.settings.at == "callback":
            asyncio.get_running_loop().call_later(0.05, misbehave, self.settings.how)
            asyncio.ensure_future(self._task())  # noqa: RUF006  what a component must not do

    async def _task(self) -> None:
        await misbehave_awaited(self.settings.how)

    async def stop(self) -> None:
        await misbehave_awaited(self.how("stop"))


class FaultySource(Faulty):
    async def start(self, demand: Demand) -> None:
        self._stopped = asyncio.Event()
        await self._started()

    async def batches(self) -> AsyncIterator[Any]:
        good = [DataEvent("faulty", "made", 1, data=0)]
        while not self._stopped.is_set():
            how = self.how("work")
            if how == "huge":
                yield [DataEvent("faulty", "made", 1, data="x" * 100) for _ in range(20_000)]
                await self._stopped.wait()
            elif how in ("wrong", "none"):
                yield misbehave(how)
                yield [misbehave(how)]
            elif how:
                yield await misbehave_awaited(how, good)
            else:
                yield good
            await asyncio.sleep(0.02)

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Any:
        return misbehave(self.how("work"), {}) if self.how("work") in ("wrong", "none") else {}

    async def stop(self) -> None:
        self._stopped.set()
        await super().stop()


class FaultyEnricher(Faulty):
    async def start(self) -> None:
        await self._started()

    def key(self, event: Event) -> Any:
        how = self.how("work")
        if how in ("hang", "late"):
            return "key"
        return misbehave(how, "k" * 1_000_000 if how == "huge" else None) if event.num % 50 == 1 else None

    def known(self, key: str) -> Any:
        return misbehave(self.how("work"), False)

    async def resolve(self, key: str) -> None:
        await misbehave_awaited(self.how("work"))

    def readers(self) -> Any:
        return {"faulty.value": lambda argument: lambda event: misbehave(self.how("work"), "value")}


class FaultyEvaluator(Faulty):
    def demand(self) -> Demand:
        if self.settings.at in ("start", "callback", "stop"):
            misbehave(self.settings.how)  # an evaluator has no other call beside its work
        return Demand({"steady": {"*": Interest()}})

    def evaluate(self, batch: Sequence[Event]) -> Any:
        how = self.how("work")
        if not any(event.num % 50 == 1 for event in batch):
            return []
        if how == "huge":
            return [_alert("huge", event, "x" * 100_000) for event in batch[:5] for _ in range(10)]
        return misbehave(how, [])

    def reload(self) -> "FaultyEvaluator":
        return self


class FaultySink(Faulty):
    async def start(self) -> None:
        await self._started()

    async def deliver(self, records: Sequence[Record]) -> Any:
        how = self.how("work")
        if how == "huge":
            return [None] * 1_000_000
        return await misbehave_awaited(how, None)


class Steady:
    """A live source that emits numbered events at a pace, and counts them."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._given = 0

    async def start(self, demand: Demand) -> None:
        self._stopped = asyncio.Event()

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        while not self._stopped.is_set():
            batch = [DataEvent("steady", "tick", 1, data=self._given + number) for number in range(5)]
            self._given += len(batch)
            yield batch
            await asyncio.sleep(0.01)

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> dict[str, Counts]:
        return {"tick": Counts(seen=self._given, received=self._given)}

    async def stop(self) -> None:
        self._stopped.set()


class Each:
    """An evaluator that makes an alert of each event of `steady`, and reads the enrichers' fields of it."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._read = context.fields.resolve("faulty.value").read if "faulty.value" in context.fields else None

    def demand(self) -> Demand:
        return Demand({"steady": {"*": Interest(frozenset({"enricher:*"}))}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        batch = [event for event in batch if event.source == "steady"]
        for event in batch[:1]:
            if self._read is not None:
                self._read(event)
        return [_alert("each", event, str(event.data)) for event in batch if isinstance(event, DataEvent)]

    def reload(self) -> "Each":
        return self


KEPT: list[Alert] = []


class Kept:
    """A sink that keeps what it receives."""

    def __init__(self, settings: Settings, context: Context) -> None:
        KEPT.clear()

    async def start(self) -> None:
        pass

    async def deliver(self, records: Sequence[Record]) -> None:
        KEPT.extend(record.alert for record in records)

    async def stop(self) -> None:
        pass


def _alert(rule: str, event: Any, text: str) -> Alert:
    return Alert(
        rule=rule, priority=Severity.NOTICE, source=event.source, time=event.time, template=Template((text,)),
        values={}, event_num=event.num,
    )  # fmt: skip


class BlockingSource:
    """`FaultySource` with plain functions."""

    def __init__(self, settings: Misbehaviour, context: Context) -> None:
        self._settings, self._stopped = settings, False

    def _do(self, at: str, good: Any = None) -> Any:
        return misbehave(self._settings.how, good) if self._settings.at == at else good

    def start(self, demand: Demand) -> None:
        self._do("start")

    def batches(self) -> Iterator[Any]:
        while not self._stopped:
            yield self._do("work", [DataEvent("faulty", "made", 1, data=0)])
            time.sleep(0.02)

    def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> dict[str, Counts]:
        return {}

    def stop(self) -> None:
        self._stopped = True
        self._do("stop")


class BlockingEvaluator(FaultyEvaluator):
    pass


class BlockingSink:
    def __init__(self, settings: Misbehaviour, context: Context) -> None:
        self._settings = settings

    def _do(self, at: str) -> Any:
        return misbehave(self._settings.how) if self._settings.at == at else None

    def start(self) -> None:
        self._do("start")

    def deliver(self, records: Sequence[Record]) -> Any:
        return self._do("work")

    def stop(self) -> None:
        self._do("stop")


def build(made: Callable[..., Any]) -> Callable[[Misbehaviour, Context], Any]:
    """Return a `build` that may return something other than a component."""

    def make(settings: Misbehaviour, context: Context) -> Any:
        component = made(settings, context)
        return misbehave(settings.how, component) if settings.at == "build" else component

    return make


FIELD = Field(
    name="faulty.value", type=FieldType.STRING, doc="Nothing.", sources=frozenset({"*"}), needs=frozenset()
)


@hookimpl
def mozu_components() -> Sequence[Any]:
    of: dict[str, Any] = {"settings": Misbehaviour, "summary": "Misbehaves."}
    fine: dict[str, Any] = {"settings": Settings, "summary": "Does its work."}
    return [
        SourceDeclaration(name="faulty", build=build(FaultySource), event_source="faulty", **of),
        SourceDeclaration(name="blocking", build=BlockingSource, event_source="faulty", blocking=True, **of),
        SourceDeclaration(name="steady", build=Steady, event_source="steady", **fine),
        EnricherDeclaration(name="faulty", build=build(FaultyEnricher), fields=(FIELD,), **of),
        EvaluatorDeclaration(name="faulty", build=build(FaultyEvaluator), **of),
        EvaluatorDeclaration(name="blocking", build=BlockingEvaluator, blocking=True, **of),
        EvaluatorDeclaration(name="each", build=Each, **fine),
        SinkDeclaration(name="faulty", build=build(FaultySink), **of),
        SinkDeclaration(name="blocking", build=BlockingSink, blocking=True, **of),
        SinkDeclaration(name="kept", build=Kept, **fine),
    ]
