"""Defects of sources that the kit finds; correct ones pass."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from mozu.core.api import (
    Context,
    Counts,
    DataEvent,
    Demand,
    Event,
    Settings,
    SourceDeclaration,
)
from mozu.testing import check_declaration, check_source, context
from tests.core.testing.acme import T0, Visits, says, visit, visits

pytestmark = pytest.mark.usefixtures("impatient")


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


class Queue:
    """A source of plain functions, which waits for input on its thread and has more to deliver when it is stopped."""

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
    """A source that delivers the numbers sent to it."""

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


class Acknowledging(Visits):
    """A source whose acknowledgement fails, and which counts the batches given before it."""

    async def ack(self, batch: Sequence[Event]) -> None:
        raise OSError("the position cannot be written")


def test_an_acknowledgement_that_raises_is_found() -> None:
    said = says(check_source(Acknowledging(Settings(), context())))
    assert "`ack` raised OSError: the position cannot be written" in said


@pytest.mark.parametrize("unit", [10**9, 10**6, 10**3], ids=["seconds", "ms", "µs"])
def test_a_time_in_another_unit_than_ns_is_found(unit: int) -> None:
    class Coarse(Visits):
        async def batches(self) -> AsyncIterator[Sequence[Event]]:
            yield [DataEvent("acme", "visit", T0 // unit, data={"client": "a"})]

    said = says(check_source(Coarse(Settings(), context())))
    assert f"that of the event 'visit' is {T0 // unit}, which is before 1973: is it in seconds?" in said
