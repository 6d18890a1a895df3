"""The kit finds what is wrong and says which sentence does not hold; what is right passes."""

import asyncio
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from mozu.core.api import (
    Alert,
    Context,
    Counts,
    Demand,
    EnricherDeclaration,
    Event,
    Field,
    FieldsDeclaration,
    FieldType,
    FormatDeclaration,
    Interest,
    Record,
    Settings,
    SinkDeclaration,
    SourceDeclaration,
    Stamp,
)
from mozu.core.delivery.encode import FORMATS
from mozu.core.model.alert import Severity, Template
from mozu.core.testing import broken
from mozu.testing import BrokenContract, check_declaration, check_evaluator, check_sink, check_source, context
from tests.core.testing.acme import CLIENT, COUNTRY, T0, UPPER, Visits, geo, visit, visits


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs for an hour is found in half a second, and a quiet source is taken to have no more at once."""
    monkeypatch.setattr(sys.modules["mozu.core.testing.check_source"], "_IDLE_SECONDS", 0.02)
    monkeypatch.setattr(broken.done, "__kwdefaults__", {"thread": None, "seconds": 0.5})


def says(work: Any) -> str:
    with pytest.raises(BrokenContract) as raised:
        asyncio.run(work)
    return str(raised.value)


@pytest.mark.parametrize("declaration", [visits(), geo({"a": "DE"}), CLIENT, UPPER], ids=lambda one: one.name)
def test_what_keeps_its_contract_passes(declaration: Any) -> None:
    asyncio.run(check_declaration(declaration, events=[visit("a"), visit("b", 1)]))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("order", "events MUST come in the order in which they happened; 'visit' is older than one before it"),
        ("no event", "a batch MUST hold events or alerts, not str"),
        ("other source", "an event's source MUST be the declaration's `event_source`, 'acme', not 'acne'"),
        ("other type", "the type 'visti' MUST be among the declaration's `events`"),
        ("other data", "MUST have the shape that the declaration's `events` say: Expected `str`, got `int`"),
        ("sums", "`counts` of 'visit': seen MUST be filtered + lost + missed + received; 2 is not 1"),
        ("start blocks", "`start` MUST NOT block the event loop"),
        ("stop hangs", "`stop` MUST end, and did not within 0.5 s"),
        ("bytes", "the data of 'visit' MUST be decoded JSON (None, bool, int, float, str, list, dict): it['raw']"),
        ("float time", "an event's members MUST have their types: source and type of an event must be str, time and"),
        ("raises", "`batches` raised SystemExit: 0"),
        ("no batch", "`batches` MUST yield sequences of events or alerts, not NoneType"),
        ("no counts", "`counts` MUST give a mapping, not NoneType"),
        ("second stop", "`stop` MUST be idempotent; the second one: `stop` raised RuntimeError: closed already"),
    ],
)
def test_a_source_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    assert sentence in says(check_declaration(visits(wrong)))


def test_batches_that_do_not_end_after_stop_are_found() -> None:
    source = Visits(Settings(), context(), "endless")
    text = says(check_source(source, most=2, seconds=0.3))
    assert text == "`batches` MUST end after `stop`, and did not within 0.3 s"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("start hangs", "`start` MUST end"),
        ("key is no text", "`key` MUST give a text or None, not int"),
        ("never known", "after `resolve('a')`, `known` MUST be true"),
        ("resolve blocks", "`resolve('a')` MUST NOT block the event loop"),
        ("no reader", "`readers` MUST have every field of the declaration, and lack geo.country"),
        ("wrong type", "the reader of geo.country MUST give values of its type: string takes str, not int"),
        ("stop hangs", "`stop` MUST end"),
        ("key raises", "`key` raised KeyError: 'key'"),
        ("known is none", "`known` MUST give True or False, not NoneType"),
        ("resolve raises", "`resolve('a')` raised OSError: no route"),
        ("reader exits", "`the reader of geo.country` raised SystemExit: 0"),
        ("second stop raises", "`stop` MUST be idempotent; the second one: `stop` raised RuntimeError: closed already"),
    ],
)
def test_an_enricher_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    assert sentence in says(check_declaration(geo({"a": "DE"}, wrong=wrong), events=[visit("a")]))


class Queue:
    """A source of plain functions, which waits for input on its thread and has more to give when it is stopped."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._stopped = threading.Event()
        self._count = Counts()

    def start(self, demand: Demand) -> None:
        pass

    def batches(self) -> Iterator[Sequence[Event]]:
        for number in range(4):
            if number == 2:
                self._stopped.wait()
            self._count = Counts(seen=number + 1, received=number + 1)
            yield [visit("a", number)]

    def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> dict[str, Counts]:
        return {"visit": self._count}

    def stop(self) -> None:
        self._stopped.set()


def test_a_blocking_source_gives_what_is_left_after_its_stop_and_ends() -> None:
    declaration = SourceDeclaration(
        name="queue", build=Queue, settings=Settings, summary="Waits.", event_source="acme", blocking=True
    )
    asyncio.run(check_declaration(declaration))


class Mailbox(Queue):
    """A source that gives what it is sent."""

    sent: queue.SimpleQueue[int] = queue.SimpleQueue()

    def batches(self) -> Iterator[Sequence[Event]]:
        while not self._stopped.is_set():
            try:
                number = self.sent.get(timeout=0.02)
            except queue.Empty:
                continue
            self._count = Counts(seen=self._count.seen + 1, received=self._count.received + 1)
            yield [visit("a", number)]


def test_the_second_instance_of_a_source_that_listens_is_named_where_it_is_given_nothing() -> None:
    Mailbox.sent.put(1)
    text = says(check_source(lambda: Mailbox(Settings(), context()), most=1, seconds=0.3, blocking=True))
    again = "the second instance (a restart) was given nothing within 0.3 s: keep feeding until the check returns"
    assert text == again


class Slow:
    """An enricher of plain functions."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._lookups = context.lookups

    def start(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        return "key"

    def known(self, key: str) -> bool:
        return key in self._lookups

    def resolve(self, key: str) -> None:
        time.sleep(0.05)  # a client library that blocks
        self._lookups.put(key, "value")

    def readers(self) -> Any:
        return {"geo.country": lambda argument: lambda event: self._lookups.get("key")}

    def stop(self) -> None:
        pass


def test_a_blocking_enricher_is_checked_on_a_thread_of_its_own() -> None:
    declaration = EnricherDeclaration(
        name="slow", build=Slow, settings=Settings, summary="Waits.", fields=(COUNTRY,), blocking=True
    )
    asyncio.run(check_declaration(declaration, events=[visit("a")]))
    asyncio.run(check_evaluator(Counting, [visit("a")], blocking=True))


class Bell:
    """A sink, and ways for it to be wrong."""

    def __init__(self, wrong: str = "") -> None:
        self._wrong, self._stopped = wrong, False

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> Any:
        if self._wrong == "blocks":
            time.sleep(0.9)  # what the kit is to find
        if self._wrong == "exits":
            raise SystemExit(0)
        outcomes = {"outcome": [True] * len(records), "too few": [None][: len(records)], "true": True, "text": "ok"}
        return outcomes.get(self._wrong)

    def stop(self) -> None:
        if self._stopped and self._wrong == "second stop":
            raise RuntimeError("closed already")
        self._stopped = True


def test_a_sink_that_blocks_passes_on_a_thread_of_its_own_only() -> None:
    asyncio.run(check_sink(lambda: Bell(), blocking=True))
    assert "`deliver` MUST NOT block the event loop" in says(check_sink(Bell("blocks")))


class AwaitedBell(Bell):
    """The same, whose calls are awaited."""

    async def start(self) -> None:  # type: ignore[override]
        super().start()

    async def deliver(self, records: Sequence[Record]) -> Any:
        return super().deliver(records)

    async def stop(self) -> None:  # type: ignore[override]
        super().stop()


def bell(build: Callable[[Any, Context], Bell], **more: Any) -> SinkDeclaration[Any]:
    given = {"name": "bell", "settings": Settings, "summary": "Rings.", "blocking": True, **more}
    return SinkDeclaration(build=build, **given)


class Database:
    """A sink with a connection that only the thread which has made it may use."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    def start(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("create table alerts (rule text)")

    def deliver(self, records: Sequence[Record]) -> None:
        assert self._connection is not None
        self._connection.executemany("insert into alerts values (?)", [(one.alert.rule,) for one in records])

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def test_all_calls_of_a_blocking_sink_are_made_on_one_thread() -> None:
    asyncio.run(check_sink(Database, blocking=True))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("outcome", "Retry or Rejected; an outcome is None, Retry(seconds) or Rejected(text), not bool"),
        ("too few", "one outcome per record: None, Retry or Rejected; deliver returned 1 outcomes for 2 records"),
        ("true", "Retry or Rejected; deliver must return None or one outcome per record, not bool"),
        ("text", "Retry or Rejected; deliver must return None or one outcome per record, not str"),
        ("exits", "`deliver` raised SystemExit: 0"),
        ("second stop", "`stop` MUST be idempotent; the second one: `stop` raised RuntimeError: closed already"),
    ],
)
@pytest.mark.parametrize("blocking", [True, False])
def test_a_sink_that_breaks_its_contract_is_found(wrong: str, sentence: str, blocking: bool) -> None:
    assert sentence in says(check_sink((Bell if blocking else AwaitedBell)(wrong), blocking=blocking))


@pytest.mark.parametrize("raised", [SystemExit(0), KeyError("url")])
def test_a_component_that_cannot_be_built_is_found(raised: BaseException) -> None:
    def build() -> Bell:
        raise raised

    for check in (check_sink(build, blocking=True), check_declaration(bell(lambda settings, context: build()))):
        assert f"`build` raised {type(raised).__name__}: " in says(check)


class Counting:
    """An evaluator, and ways for it to be wrong."""

    def __init__(self, wrong: str = "") -> None:
        self._wrong = wrong

    def demand(self) -> Demand:
        return Demand({"acme": {} if self._wrong == "demand" else {"visit": Interest()}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        chosen = batch[:1] if self._wrong == "batch" else batch
        found = [self._alert(event) for event in chosen]
        return found[::-1] if self._wrong == "order" else found

    def reload(self) -> "Counting":
        if self._wrong == "reload exits":
            raise SystemExit(0)
        if self._wrong == "no reload":
            return None  # type: ignore[return-value]
        return self if self._wrong == "reload" else Counting(self._wrong)

    def _alert(self, event: Event) -> Alert:
        when: Any = 1.7e9 if self._wrong == "float time" else T0
        return Alert(
            rule="Visit", priority=Severity.NOTICE, source="acme", time=when, template=Template(("visit",)), values={},
            event_num=0 if self._wrong == "number" else event.num,
        )  # fmt: skip


def test_an_evaluator_that_keeps_its_contract_gives_its_alerts() -> None:
    assert len(asyncio.run(check_evaluator(Counting, [visit("a"), visit("b")]))) == 2


class OnOneThread(Counting):
    """An evaluator that remembers where it is called."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: set[int] = set()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self._threads.add(threading.get_ident())
        assert len(self._threads) == 1
        return super().evaluate(batch)

    def reload(self) -> "OnOneThread":
        return OnOneThread()


def test_all_batches_of_a_blocking_evaluator_are_given_on_one_thread() -> None:
    asyncio.run(check_evaluator(OnOneThread, [visit("a"), visit("b")], blocking=True))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("demand", "`demand` MUST name every type of event that can raise an alert, and lacks acme/visit"),
        ("batch", "`evaluate` MUST give the same alerts however events are batched"),
        ("order", "alerts MUST come in the order of their events"),
        ("reload", "`reload` MUST give a new evaluator"),
        ("number", "an alert MUST carry the number of its event (`event_num`), not 0"),
        ("no reload", "`reload` MUST give a new evaluator, and gave None"),
        ("reload exits", "`reload` raised SystemExit: 0"),
        ("float time", "`evaluate` MUST give alerts whose members have their types: `time` of an alert must be int"),
    ],
)
def test_an_evaluator_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    assert sentence in says(check_evaluator(lambda: Counting(wrong), [visit("a"), visit("b")]))


def field(name: str = "acme.x", **more: Any) -> FieldsDeclaration:
    given = {"type": FieldType.STRING, "doc": "X.", "read": lambda event: "x", **more}
    return FieldsDeclaration(name="acme", summary="Fields.", fields=(Field(name=name, **given),))


@pytest.mark.parametrize(
    ("declaration", "sentence"),
    [
        (field("acme"), "its field 'acme' is no name of a field"),
        (field(read=None), "its field 'acme.x' has no reader; give it `read` or `bind`"),
        (field(bind=lambda argument, kind: None), "has both `read` and `bind`"),
        (field(needs=frozenset({"cdw"})), "needs 'cdw', which is no part of the state; did you mean 'cwd'?"),
        (field(doc=""), "SHOULD have a `doc` of one sentence"),
        (field(read=lambda event: b"x", sources=frozenset({"acme"})), "string takes str, not bytes"),
    ],
)
def test_a_field_that_is_wrong_is_found(declaration: FieldsDeclaration, sentence: str) -> None:
    assert sentence in says(check_declaration(declaration, events=[visit("a")]))


def test_a_setting_without_a_sentence_is_found() -> None:
    class Undescribed(Settings):
        path: str = ""

    declaration = bell(lambda settings, context: Bell(), settings=Undescribed)
    assert "the setting path SHOULD have a `description`" in says(check_declaration(declaration))


def test_what_should_be_does_not_hide_what_must_be() -> None:
    declaration = bell(lambda settings, context: Bell("exits"), summary="rings")
    assert says(check_declaration(declaration)).splitlines() == [
        "bell: `summary` SHOULD be a sentence, with its full stop",
        "`deliver` raised SystemExit: 0",
    ]


class Format:
    """A format, and ways for it to be wrong."""

    def __init__(self, wrong: str) -> None:
        self._wrong = wrong
        if wrong == "build exits":
            raise SystemExit(0)

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        if self._wrong == "blocks":
            time.sleep(0.9)  # what the kit is to find
        if self._wrong == "raises":
            alert.rule.encode()  # it may have surrogates
        text: Any = {"text": "text", "line end": alert.rule.encode("utf-8", "replace")}.get(self._wrong, b"record")
        return text  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("build exits", "`build` raised SystemExit: 0"),
        ("blocks", "`encode` MUST NOT block the event loop"),
        ("raises", "`encode` raised UnicodeEncodeError"),
        ("text", "`encode` MUST give bytes, not str"),
        ("line end", "`encode` MUST NOT put a line end into a record"),
    ],
)
def test_a_format_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    declaration = FormatDeclaration(name="f", summary="F.", content_type="x/y", build=lambda options: Format(wrong))
    assert sentence in says(check_declaration(declaration))


@pytest.mark.parametrize("declaration", FORMATS.values(), ids=lambda one: one.name)
def test_the_formats_of_mozu_keep_their_contract(declaration: FormatDeclaration) -> None:
    asyncio.run(check_declaration(declaration))
