"""Check a source: order, sums, the shape of its events, a stop that ends its batches, a second instance."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final, cast

import msgspec

from mozu.core.api import (
    AcksAlerts,
    AcksBatches,
    Alert,
    BlockingSource,
    Counts,
    DataEvent,
    DataEventType,
    Demand,
    Event,
    Kind,
    Source,
    SyscallEvent,
)
from mozu.core.flow.received import sound
from mozu.core.runtime.hosting.threads import ThreadedSource
from mozu.core.runtime.plugin_checks import capabilities
from mozu.core.testing.broken import (
    SECONDS,
    BrokenContract,
    advise,
    calling,
    done,
    expect,
    expect_members,
    expect_time,
    stopped_again,
    watched_loop,
)
from mozu.core.testing.json_data import json_fault

_LARGE_BATCH: Final = 20_000
_IDLE_SECONDS: Final = 1.0
"""A source that has given something and is quiet for so long is taken to have no more for now."""


async def check_source(
    source: Source | BlockingSource | Callable[[], Source | BlockingSource],
    *,
    most: int = 100,
    demand: Demand | None = None,
    events: Iterable[DataEventType] = (),
    event_source: str = "",
    blocking: bool = False,
    seconds: float = SECONDS,
) -> Sequence[Event | Alert]:
    """Start, read up to `most` items, stop; the items. Raises BrokenContract with the sentence that does not hold.

    It must give something within `seconds`, and so must the second instance: a test that feeds a source which listens
    feeds it until the check returns. `events`, `event_source` and `blocking` as in the declaration.
    `source`: a function that makes one is called twice, for a restart is a new instance.
    """
    types = {one.name: one for one in events}
    checker = _Checker(most, demand or Demand(), types, event_source, seconds, blocking=blocking)
    if not callable(source):
        return await checker.check(source)
    found = await checker.check(_built(source))
    await checker.check(_built(source), of="the second instance (a restart)")
    return found


def _built(make: Callable[[], Source | BlockingSource]) -> Source | BlockingSource:
    with calling("build"):
        return make()


class _Checker:
    def __init__(
        self,
        most: int,
        demand: Demand,
        types: dict[str, DataEventType],
        event_source: str,
        seconds: float,
        *,
        blocking: bool,
    ) -> None:
        self._blocking = blocking
        self._most, self._demand, self._types = most, demand, types
        self._event_source, self._seconds = event_source, seconds

    async def check(self, given: Source | BlockingSource, of: str = "") -> Sequence[Event | Alert]:
        expect_members(Kind.SOURCE, given, blocking=self._blocking)
        source = cast("Source", given)
        if self._blocking:
            source = ThreadedSource("under-test", cast("BlockingSource", given), capabilities(Kind.SOURCE))
        await done("start", lambda: source.start(self._demand))
        await done("update", lambda: source.update(self._demand))
        with calling("batches"):
            batches = _Batches(source.batches())
        seen = await self._read(source, batches, of)
        await done("stop", source.stop)
        await self._drain(source, batches)
        await stopped_again(source.stop)
        for item in seen:
            self._check_item(item)
        self._check_order(seen)
        self._check_sums(source)
        return seen

    async def _read(self, source: Source, batches: "_Batches", of: str) -> list[Event | Alert]:
        seen: list[Event | Alert] = []
        with watched_loop("batches"):
            while len(seen) < self._most:
                batch = await batches.next(_IDLE_SECONDS if seen else self._seconds)
                if batch is None:
                    break
                await _acknowledge(source, batch)
                advise(len(batch) <= _LARGE_BATCH, f"a batch SHOULD be bounded to about 2,000 events, not {len(batch)}")
                seen += batch
        text = f"`batches` gave nothing within {self._seconds:g} s; give it something that it sees"
        again = f"{of} was given nothing within {self._seconds:g} s: keep feeding until the check returns"
        expect(seen or batches.ended, again if of else text)
        return seen

    async def _drain(self, source: Source, batches: "_Batches") -> None:
        ends = asyncio.get_running_loop().time() + self._seconds
        while not batches.ended and (left := ends - asyncio.get_running_loop().time()) > 0:
            batch = await batches.next(left)
            if batch is not None:
                await _acknowledge(source, batch)
        if not batches.ended:
            batches.give_up()
            raise BrokenContract(f"`batches` MUST end after `stop`, and did not within {self._seconds:g} s")

    def _check_item(self, item: object) -> None:
        expect(isinstance(item, Event | Alert), f"a batch MUST hold events or alerts, not {type(item).__name__}")
        if isinstance(item, Alert):
            expect_time(item.time, f"the alert {item.rule!r}")
        if not isinstance(item, Event):
            return
        try:
            sound(item)
        except TypeError as error:
            raise BrokenContract(f"an event's members MUST have their types: {error}") from None
        if item.type.startswith("_"):  # for the state machine alone
            return
        expect(item.source, f"an event MUST name its source class, and {item.type!r} does not")
        expect(
            not self._event_source or item.source == self._event_source,
            f"an event's source MUST be the declaration's `event_source`, {self._event_source!r}, not {item.source!r}",
        )
        expect_time(item.time, f"the event {item.type!r}")
        if isinstance(item, DataEvent):
            self._check_data(item)

    def _check_data(self, event: DataEvent) -> None:
        fault = json_fault(event.data)
        text = f"the data of {event.type!r} MUST be decoded JSON (None, bool, int, float, str, list, dict): {fault}"
        expect(not fault, text)
        if not self._types:
            return
        known = self._types.get(event.type)
        expect(known is not None, f"the type {event.type!r} MUST be among the declaration's `events`")
        if known is None or known.data is None:
            return
        try:
            msgspec.convert(event.data, cast(type[object], known.data), strict=True)
        except msgspec.ValidationError as error:
            text = f"the data of {event.type!r} MUST have the shape that the declaration's `events` say: {error}"
            raise BrokenContract(text) from None

    def _check_order(self, seen: Sequence[Event | Alert]) -> None:
        newest: dict[tuple[str, int], int] = {}
        for item in seen:
            if isinstance(item, Event) and not item.type.startswith("_"):
                stream = item.source, item.tid if isinstance(item, SyscallEvent) else 0
                text = "events MUST come in the order in which they happened"
                is_in_order = item.time >= newest.get(stream, 0)
                expect(is_in_order, f"{text}; {item.type!r} is older than one before it")
                newest[stream] = item.time

    def _check_sums(self, source: Source) -> None:
        with watched_loop("counts"):
            counts: object = source.counts()
        if not isinstance(counts, Mapping):
            raise BrokenContract(f"`counts` MUST give a mapping, not {type(counts).__name__}")
        for kind, count in counts.items():
            expect(isinstance(count, Counts), f"`counts` MUST give Counts by type, not {type(count).__name__}")
            known = count.filtered + count.lost + (count.missed or 0) + count.received
            expect(
                count.seen >= known if count.missed is None else count.seen == known,
                f"`counts` of {kind!r}: seen MUST be filtered + lost + missed + received; {count.seen} is not {known}",
            )


async def _acknowledge(source: Source, batch: Sequence[Event | Alert]) -> None:
    """Acknowledge a batch before the next one is asked for, as a run does."""
    if isinstance(source, AcksAlerts):
        await done("ack_alerts", lambda: source.ack_alerts(batch, {}))
    elif isinstance(source, AcksBatches):
        await done("ack", lambda: source.ack(batch))


class _Batches:
    """Reads with a timeout: what is not there in time is waited for again, and nothing is cancelled."""

    def __init__(self, batches: AsyncIterator[Sequence[Event | Alert]]) -> None:
        self._batches = batches
        self._task: asyncio.Task[Sequence[Event | Alert] | None] | None = None
        self.ended = False

    async def next(self, seconds: float) -> Sequence[Event | Alert] | None:
        """The next batch; None where there is none in time, or none any more (`ended`)."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._one())
        done, _ = await asyncio.wait([self._task], timeout=seconds)
        if not done:
            return None
        task, self._task = self._task, None
        return task.result()

    def give_up(self) -> None:
        """Cancel the task, which does not end."""
        if self._task is not None:
            self._task.cancel()

    async def _one(self) -> Sequence[Event | Alert] | None:
        with calling("batches"):
            try:
                batch: object = await anext(self._batches)
            except StopAsyncIteration:
                self.ended = True
                return None
        if isinstance(batch, str | bytes) or not isinstance(batch, Sequence):
            raise BrokenContract(f"`batches` MUST yield sequences of events or alerts, not {type(batch).__name__}")
        return batch
