"""Components whose behaviour is random, and which report it to their scene: source, evaluators, enricher, recorder,
destination.

`Scene` is their common part (scenes.py): a random generator of its own, and a log.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final, Literal, Protocol

from msgspec.structs import replace

from mozu.core.api import Counts, Dropped, Flood, Outcome, Record, Rejected, Retry
from mozu.core.errors import SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand, Interest
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.testing import alert

TYPES: Final = ("openat", "execve", "clone", "connect", "procexit")


class Scene(Protocol):
    """The parts of a scene that its components share."""

    chance: Random
    stream: Iterator[SyscallEvent]

    def log(self, event: str, **values: object) -> None:
        """Log an event with its values."""


class Source:
    """A source of batches of system calls, of documents and ready alerts, or of invalid objects; it fails and ends at
    times.
    """

    def __init__(self, scene: Scene, name: str, *, documents: bool) -> None:
        self._scene, self._chance, self._name, self._documents = scene, scene.chance, name, documents
        self._stopped = asyncio.Event()
        self._counts: dict[str, Counts] = {}
        self._given = 0
        self.probe: Callable[[Event], bool] | None = None

    async def start(self, demand: Demand) -> None:
        self._scene.log(f"{self._name} starts", types=sorted(demand.types))
        if self._chance.random() < 0.2:
            raise self._chance.choice((SourceUnavailable("no BTF"), OSError(2, "gone", "/proc/x"), ValueError("no")))

    async def update(self, demand: Demand) -> None:
        self._scene.log(f"{self._name} takes a demand", types=sorted(demand.types))
        if self._chance.random() < 0.2:
            raise ValueError("not that")

    async def stop(self) -> None:
        self._scene.log(f"{self._name} stops")
        self._stopped.set()

    async def batches(self) -> AsyncIterator[object]:
        while not self._stopped.is_set():
            try:
                async with asyncio.timeout(self._chance.choice((0.0, 0.1, 0.5, 3.0))):
                    await self._stopped.wait()
            except TimeoutError:
                yield self._batch()

    def _batch(self) -> object:
        drawn = self._chance.random()
        if drawn < 0.02:
            raise self._chance.choice((OSError("lost its place"), SourceBroken("cut off")))
        if drawn < 0.04:
            return "no batch"
        items: list[Any] = [self._item() for _ in range(self._chance.choice((0, 1, 1, 4, 4, 30, 600)))]
        return [*items, "no event"] if drawn < 0.1 else items

    def _item(self) -> Event | Alert:
        self._given += 1
        if not self._documents:
            return next(self._scene.stream)
        if self._chance.random() < 0.3:
            ready = replace(alert("ready", number=self._given % 7), source="json")
            ready.id = f"ready-{self._given}"
            return ready
        kind = self._chance.choice(("json", "json", "json", "unheard"))
        return DataEvent(kind, self._chance.choice(("a", "b")), 0, data={"n": self._given})

    def counts(self) -> Mapping[str, Counts]:
        if self._chance.random() < 0.1:
            raise OSError("maps have gone")
        kind = self._chance.choice((*TYPES, "compat32", "socket", "bind"))
        before, more = self._counts.get(kind, Counts()), self._chance.choice((0, 0, 1, 50))
        self._counts[kind] = Counts(
            before.seen + 3 * more, before.filtered + more, before.lost + more,
            self._chance.choice((before.missed, (before.missed or 0) + 1)), before.received + more,
            before.over_share + more // 2,
        )  # fmt: skip
        return self._counts

    def take_gaps(self) -> Sequence[str]:
        return ["the clock was set"] if self._chance.random() < 0.1 else []

    def take_floods(self) -> Sequence[Flood]:
        if self._chance.random() > 0.1:
            return []
        accounts: tuple[Literal["process", "user", "container"], ...] = ("process", "user", "container")
        account = self._chance.choice(accounts)
        return [Flood(account, 10, 1000, 77, "openat", 500, 3, 1234.5, 2.4, self._chance.random() < 0.5)]

    def limits(self) -> Sequence[str]:
        return ["32-bit calls"]

    def make_probe(self) -> Callable[[Event], bool]:
        return lambda event: event.num % 5 == 0


class Receipted(Source):
    """A source that asks for a receipt of each alert."""

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        self._scene.log(f"{self._name} is told of alerts", batch=len(batch), dropped=dict(dropped))


class Positioned(Source):
    """A source that keeps a position."""

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        self._scene.log(f"{self._name} may move on", batch=len(batch))


class Judge:
    """An evaluator that raises an alert for some events, and fails on others."""

    def __init__(self, scene: Scene, name: str, every: int) -> None:
        self._scene, self._chance, self._name, self._every = scene, scene.chance, name, every

    def demand(self) -> Demand:
        kinds = self._chance.sample(TYPES, 3)
        needs = frozenset(self._chance.sample(("env", "threads", "enricher:names"), 1))
        return Demand({"syscall": dict.fromkeys(kinds, Interest(needs)), "json": {"*": Interest(needs)}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self._scene.log(f"{self._name} judges", events=[event.num for event in batch])
        return self._judged(batch)

    def _judged(self, batch: Sequence[Event]) -> Sequence[Alert]:
        if any(event.num % (self._every * 11) == 1 for event in batch):
            raise ValueError("cannot judge this")
        found = []
        for event in batch:
            if event.num % self._every == 0:
                one = alert(f"{self._name} {event.num % 3}", thing=event.type)
                one.event_num, one.event_type, one.id = event.num, event.type, ""
                one.priority = self._chance.choice((Severity.CRITICAL, Severity.NOTICE))
                found.append(one)
        return found

    def rule_names(self) -> Sequence[str]:
        return [f"{self._name} {number}" for number in range(3)]


class SlowJudge(Judge):
    """An evaluator that is awaited and takes its time."""

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self._scene.log(f"{self._name} is given", events=[event.num for event in batch])
        await asyncio.sleep(self._chance.choice((0.0, 0.1, 2.0, 2.0, 40.0)))
        return self._judged(batch)


class Names:
    """An enricher of five keys, some of which it learns late, some never."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._chance = scene, scene.chance
        self._known: set[str] = set()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        if event.num % 101 == 7:
            raise ValueError("no key")
        return f"key {event.num % 6}" if event.num % 6 else None

    def known(self, key: str) -> bool:
        return key in self._known

    async def resolve(self, key: str) -> None:
        self._scene.log("asked", key=key)
        await asyncio.sleep(self._chance.choice((0.0, 0.01, 0.4, 5.0, 50.0)))
        if self._chance.random() < 0.3:
            raise OSError("no answer")
        if self._chance.random() < 0.8:
            self._known.add(key)
        self._scene.log("answered", key=key, known=sorted(self._known))

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        return {}


class Recorder:
    """A recorder that logs its calls and their arguments."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def record(self, events: Sequence[Event]) -> None:
        self._scene.log("recorded", events=[(event.type, event.num) for event in events])

    def evaluated(self, events: Sequence[Event]) -> None:
        self._scene.log("evaluated", events=[event.num for event in events])

    def alert(self, one: Alert) -> None:
        self._scene.log("an alert is recorded", rule=one.rule, number=one.event_num)

    def flush(self, oldest: int | None) -> None:
        self._scene.log("flushed", oldest=oldest)

    def tick(self, oldest: int | None) -> list[str]:
        self._scene.log("ticked", oldest=oldest)
        return ["the disk is slow"] if self._scene.chance.random() < 0.1 else []

    def shrink(self) -> int:
        return 0

    async def wait_capacity(self) -> None:
        await asyncio.sleep(self._scene.chance.choice((0.0, 0.0, 0.2)))

    async def close(self, seconds: float) -> list[str]:
        self._scene.log("closed", seconds=seconds)
        return []


class Destination:
    """A sink that is up, down or slow."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._scene, self._name = scene, name

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        shown = [_shown(record.alert) for record in records]
        self._scene.log(f"{self._name} is given", first=records[0].stamp.sequence, alerts=shown)
        drawn = self._scene.chance.random()
        if drawn < 0.2:
            await asyncio.sleep(2.0)
        if drawn > 0.8:
            raise OSError("no route")
        if drawn > 0.7:
            return [self._scene.chance.choice((None, Retry(0.5), Rejected("no"))) for _ in records]
        return None


def _shown(one: Alert) -> tuple[object, ...]:
    """Return the parts of an alert except its time and the values made from the time."""
    values = {key: value for key, value in one.values.items() if key not in ("traceback",)}
    return one.rule, one.priority.label, one.message(), values, one.enrichment, one.event_num, one.incomplete
