"""Alerts that no encoder accepts, not even with their values replaced."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from mozu.core.api import Record
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.errors import CannotEncode
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Stamp
from mozu.core.testing import alert, virtual_clock
from tests.support.packing import packed


class Naming:
    """A format that encodes the rule's name, but fails if the name begins with `bad` or is `broken`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        if alert.rule.startswith("bad"):
            raise CannotEncode("bad")
        if alert.rule == "broken":
            raise RuntimeError("what an event may contain")
        return f"{self.name} {alert.rule}".encode()


class Taking:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def deliver(self, records: Sequence[Record]) -> None:
        """Accept all records."""
        self.bodies += [record.body for record in records]

    async def stop(self) -> None:
        """Do nothing: nothing is to be released."""


@pytest.fixture
def worker() -> SinkWorker:
    sink: Isolated[Any] = Isolated("sink", "taking", Taking(), Metrics())
    return SinkWorker(sink, Naming("old"), MemoryQueue(1 << 20, sink.metrics), agent="host", on_closed=lambda _: None)


def bodies(worker: SinkWorker, *rules: str) -> list[bytes]:
    taken = [(number, packed(alert(rule))) for number, rule in enumerate(rules, 1)]
    return [record.body for record in asyncio.run(worker._encode(taken))]


def test_their_numbers_are_given_up_and_the_others_go_on(worker: SinkWorker) -> None:
    assert [b"old a", b"old b"] == bodies(worker, "a", "bad", "b", "bad too")
    assert [(2, 2), (4, 4)] == [(one.first, one.last) for one in worker.given_up.take()]


def test_why_is_said_in_the_words_of_the_format_or_by_the_kind_of_the_error(worker: SinkWorker) -> None:
    bodies(worker, "bad", "broken")
    reasons = [one.reason for one in worker.queue.drop_log.between(0, 9)]
    assert ["rejected: cannot be encoded: bad", "rejected: cannot be encoded: RuntimeError"] == reasons


def test_where_the_format_changes_meanwhile_the_others_are_in_the_new_one(
    worker: SinkWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ack(delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        assert ([], [2]) == ([*delivered, *tried], [number for number, _ in dead])
        worker._records.encoder = Naming("new")

    monkeypatch.setattr(worker.queue, "ack", ack)
    assert [b"new a", b"new b"] == bodies(worker, "a", "bad", "b")


def test_where_none_of_those_that_wait_can_be_encoded_the_next_that_comes_is_delivered(worker: SinkWorker) -> None:
    async def scenario() -> list[bytes]:
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            for rule in ("bad", "a"):
                worker.accept(packed(alert(rule)))
                await asyncio.sleep(1.0)
            worker.finish()
        await worker.stop()
        bodies: list[bytes] = worker.sink.component.bodies  # type: ignore[attr-defined]  # the class above
        return bodies

    assert [b"old a"] == virtual_clock.run(scenario())
