"""Components of a third party for tests of the kit: correct by default, with each possible defect selected by name."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest

from mozu.core.api import (
    Alert,
    Context,
    Counts,
    DataEvent,
    DataEventType,
    Demand,
    EnricherDeclaration,
    Event,
    Field,
    FieldsDeclaration,
    FieldType,
    FormatDeclaration,
    LookupLimits,
    Record,
    Settings,
    SinkDeclaration,
    SourceDeclaration,
    Stamp,
)
from mozu.testing import BrokenContract

T0 = 1_700_000_000_000_000_000
ACME = frozenset({"acme"})


def visit(client: str, number: int = 0) -> DataEvent:
    return DataEvent("acme", "visit", T0 + number, data={"client": client})


class Unreachable:
    """A mixin of an enricher that cannot ask for the data of `z`."""

    def is_unanswered(self, key: str) -> bool:
        return key == "z"


class Geo:
    """An enricher: client → country, by a table that a test sets."""

    def __init__(self, context: Context, table: Mapping[str, str | None], wrong: str = "") -> None:
        self.table, self.wrong, self._lookups = table, wrong, context.lookups
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.stops = 0

    async def start(self) -> None:
        if self.wrong == "start hangs":
            await asyncio.sleep(3600)

    def key(self, event: Event) -> str | None:
        if self.wrong == "key raises":
            raise KeyError("key")
        if self.wrong == "key is no text":
            return 7  # type: ignore[return-value]
        return event.data.get("client") if isinstance(event, DataEvent) else None

    def known(self, key: str) -> bool:
        return None if self.wrong == "known is none" else key in self._lookups  # type: ignore[return-value]

    async def resolve(self, key: str) -> None:
        self.asked.append(key)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(3600 if self.wrong == "resolve hangs" else 0.01)
            if self.wrong == "resolve blocks":
                time.sleep(0.9)  # noqa: ASYNC251  what the kit is to find
            if self.wrong == "never known":
                return
            if self.wrong == "resolve raises":
                raise OSError("no route")
            self._lookups.put(key, self.table.get(key))
        finally:
            self.at_once -= 1

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        if self.wrong == "no reader":
            return {}
        if self.wrong == "wrong type":
            return {"geo.country": lambda _: lambda event: 49}
        if self.wrong == "reader exits":
            return {"geo.country": lambda _: lambda event: sys.exit(0)}
        return {"geo.country": lambda _: lambda event: self._lookups.get(event.data["client"])}

    async def stop(self) -> None:
        self.stops += 1
        if self.wrong == "stop hangs":
            await asyncio.sleep(3600)
        if self.wrong == "second stop raises" and self.stops > 1:
            raise RuntimeError("closed already")


class AbsentGeo(Unreachable, Geo):
    """An enricher whose server does not answer for some clients."""


COUNTRY = Field(name="geo.country", type=FieldType.STRING, doc="Country of the client.", sources=ACME)


def geo(
    table: Mapping[str, str | None], made: list[Geo] | None = None, wrong: str = "", **limits: Any
) -> EnricherDeclaration[Settings]:
    def build(settings: Settings, context: Context) -> Geo:
        found = AbsentGeo(context, table, wrong) if wrong == "unreachable" else Geo(context, table, wrong)
        if made is not None:
            made.append(found)
        return found

    return EnricherDeclaration(
        name="geo", build=build, settings=Settings, summary="Countries of clients.", fields=(COUNTRY,),
        lookups=LookupLimits(**limits),
    )  # fmt: skip


CLIENT = FieldsDeclaration(
    name="acme",
    summary="Fields of acme's events.",
    fields=(
        Field(
            name="acme.client", type=FieldType.STRING, doc="The client.", sources=ACME,
            read=lambda event: event.data["client"],
        ),
    ),
)  # fmt: skip


class Upper:
    """A format."""

    def __init__(self, options: Settings) -> None:
        pass

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        return " ".join(alert.rule.upper().split()).encode("utf-8", "backslashreplace")


UPPER = FormatDeclaration(name="upper", summary="The rule in capitals.", content_type="text/plain", build=Upper)


class Visits:
    """A source of its own events."""

    def __init__(self, settings: Settings, context: Context, wrong: str = "") -> None:
        self._wrong, self._stopped = wrong, asyncio.Event()
        self._count = Counts()

    async def start(self, demand: Demand) -> None:
        if self._wrong == "start blocks":
            time.sleep(0.9)  # noqa: ASYNC251  what the kit is to find

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        times = (5, 3) if self._wrong == "order" else (1, 2)
        batch: list[Any] = [visit("a", number) for number in times]
        if self._wrong == "no event":
            batch = ["visit"]
        if self._wrong == "other source":
            batch[0].source = "acne"
        if self._wrong == "other type":
            batch[0].type = "visti"
        if self._wrong == "other data":
            batch[0].data = {"client": 7}
        if self._wrong == "bytes":
            batch[0].data = {"client": "a", "raw": [b"x"]}
        if self._wrong == "float time":
            batch[0].time = time.time()
        if self._wrong == "raises":
            raise SystemExit(0)
        if self._wrong == "no batch":
            yield None  # type: ignore[misc]
        self._count = Counts(seen=2, received=1 if self._wrong == "sums" else 2)
        yield batch
        await self._stopped.wait()
        if self._wrong == "endless":
            await asyncio.sleep(3600)

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return None if self._wrong == "no counts" else {"visit": self._count}  # type: ignore[return-value]

    async def stop(self) -> None:
        if self._wrong == "stop hangs":
            await asyncio.sleep(3600)
        if self._wrong == "second stop" and self._stopped.is_set():
            raise RuntimeError("closed already")
        self._stopped.set()


class WaitingVisits(Visits):
    """A source that can wait: it yields one visit of each client, records the acknowledged batches, and ends."""

    def __init__(self, clients: str, log: list[str]) -> None:
        self._wrong, self._clients, self._log = "", clients, log

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        for number, client in enumerate(self._clients):
            yield [visit(client, number)]

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        self._log += [f"ack {event.data['client']}" for event in batch if isinstance(event, DataEvent)]

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        pass


class RecordedVisits(WaitingVisits):
    """A source whose input also contains the answers of enrichers."""

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        return {"geo.country": lambda _: lambda event: "FR"}


def waiting(made: WaitingVisits) -> SourceDeclaration[Settings]:
    return SourceDeclaration(
        name="log", build=lambda settings, context: made, settings=Settings, summary="Visits in a log.",
        event_source="acme", events=(VISIT,), live=False,
    )  # fmt: skip


VISIT = DataEventType(name="visit", doc="A visit.", data=dict[str, str])


def visits(wrong: str = "") -> SourceDeclaration[Settings]:
    def build(settings: Settings, context: Context) -> Visits:
        return Visits(settings, context, wrong)

    return SourceDeclaration(
        name="visits", build=build, settings=Settings, summary="Visits.", event_source="acme", events=(VISIT,)
    )


RULE = """
- rule: Foreign visit
  desc: A client from elsewhere.
  condition: geo.country = FR
  output: visit of %acme.client from %geo.country
  priority: NOTICE
  source: acme
- rule: Visit of z
  desc: The client z.
  condition: acme.client = z
  output: visit
  priority: NOTICE
  source: acme
"""


class Bell:
    """A sink, and possible defects of it."""

    def __init__(self, wrong: str = "") -> None:
        self._wrong, self._stopped = wrong, False

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> Any:
        if self._wrong == "blocks":
            time.sleep(0.9)  # a defect that the kit must find
        if self._wrong == "exits":
            raise SystemExit(0)
        outcomes = {"outcome": [True] * len(records), "too few": [None][: len(records)], "true": True, "text": "ok"}
        return outcomes.get(self._wrong)

    def stop(self) -> None:
        if self._stopped and self._wrong == "second stop":
            raise RuntimeError("closed already")
        self._stopped = True


def bell(build: Callable[[Any, Context], Bell], **more: Any) -> SinkDeclaration[Any]:
    given = {"name": "bell", "settings": Settings, "summary": "Rings.", "blocking": True, **more}
    return SinkDeclaration(build=build, **given)


def says(work: Any) -> str:
    with pytest.raises(BrokenContract) as raised:
        asyncio.run(work)
    return str(raised.value)
