"""Blocking components: plain functions on threads of their own, behind the awaited contracts."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from mozu.core.api import (
    AcksBatches,
    Counts,
    DataEvent,
    Demand,
    Event,
    FieldReaders,
    Kind,
    LookupLimits,
    ReportsGaps,
)
from mozu.core.flow.evaluation_queue import AwaitedEvaluator
from mozu.core.runtime.hosting.threads import on_thread
from mozu.core.testing import alert


class Plain:
    """A source of plain functions that waits for input until it is stopped."""

    def __init__(self) -> None:
        self.stopped, self.threads, self.acked = threading.Event(), dict[str, int](), list[int]()

    def _note(self, method: str) -> None:
        self.threads[method] = threading.get_ident()

    def start(self, demand: Demand) -> None:
        self._note("start")

    def batches(self) -> Iterator[Sequence[Event]]:
        for number in range(3):
            self._note("batches")
            yield [DataEvent("plain", "number", 1, data=number)]
        self.stopped.wait()

    def update(self, demand: Demand) -> None:
        self._note("update")

    def counts(self) -> dict[str, Counts]:
        self._note("counts")
        return {}

    def stop(self) -> None:
        self._note("stop")
        self.stopped.set()

    def ack(self, batch: Sequence[Any]) -> None:
        self._note("ack")
        self.acked.append(len(batch))

    def take_gaps(self) -> Sequence[str]:
        self._note("take_gaps")
        return ["a gap"]


def test_a_blocking_source_is_read_in_order_and_stopped_while_it_waits() -> None:
    plain = Plain()
    hosted: Any = on_thread(True, Kind.SOURCE, "plain", plain)

    async def main() -> list[Any]:
        seen: list[Any] = []
        await hosted.start(Demand())
        async for batch in hosted.batches():
            seen += [event.data for event in batch]
            await hosted.ack(batch)
            if len(seen) == 3:
                await hosted.update(Demand())
                hosted.take_gaps()
                hosted.counts()
                asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(hosted.stop()))
        return seen

    assert [0, 1, 2] == asyncio.run(main())
    here, threads = threading.get_ident(), plain.threads
    assert threads["start"] == threads["batches"] == threads["ack"]
    assert threads["update"] == threads["stop"] != threads["start"]
    assert {here} == {threads["counts"], threads["take_gaps"]}
    assert isinstance(hosted, AcksBatches)
    assert isinstance(hosted, ReportsGaps)
    assert [1, 1, 1] == plain.acked


def test_a_blocking_evaluator_works_on_its_thread() -> None:
    class Slow:
        def demand(self) -> Demand:
            return Demand()

        def evaluate(self, batch: Sequence[Event]) -> Any:
            return [alert(f"{threading.get_ident()}")]

        def reload(self) -> "Slow":
            return self

    hosted: Any = on_thread(True, Kind.EVALUATOR, "slow", Slow())
    (found,) = asyncio.run(hosted.evaluate_batch([DataEvent("plain", "number", 1)]))
    assert str(threading.get_ident()) != found.rule
    assert isinstance(hosted, AwaitedEvaluator)


def test_what_ends_a_generator_does_not_end_the_one_that_awaits() -> None:
    class Broken(Plain):
        def start(self, demand: Demand) -> None:
            raise StopIteration

    hosted: Any = on_thread(True, Kind.SOURCE, "broken", Broken())

    async def main() -> str:
        try:
            await hosted.start(Demand())
        except RuntimeError as error:
            return str(error)
        return ""

    assert "the call raised StopIteration" == asyncio.run(main())


class Directory:
    """An enricher whose calls wait until the test releases them, except those for `quick`."""

    def __init__(self) -> None:
        self.begun, self.threads = list[str](), set[int]()
        self.release, self.both = threading.Event(), threading.Barrier(2)

    def start(self) -> None:
        self.threads.add(threading.get_ident())

    def key(self, event: Event) -> str | None:
        return None

    def known(self, key: str) -> bool:
        return False

    def resolve(self, key: str) -> None:
        self.begun.append(key)
        if key == "hangs":
            self.release.wait()
        if key == "beside":
            self.both.wait(30)
        self.threads.add(threading.get_ident())

    def readers(self) -> FieldReaders:
        return {}

    def stop(self) -> None:
        pass


def test_an_enricher_has_one_thread_for_its_start_and_its_calls_unless_it_may_have_more() -> None:
    directory = Directory()
    hosted: Any = on_thread(True, Kind.ENRICHER, "directory", directory)

    async def main() -> None:
        await hosted.start()
        for key in "ab":
            await hosted.resolve(key)
        await hosted.stop()

    asyncio.run(main())
    assert (1, ["a", "b"]) == (len(directory.threads), directory.begun)


def test_as_many_calls_of_an_enricher_are_made_at_once_as_it_may_have() -> None:
    directory = Directory()
    hosted: Any = on_thread(True, Kind.ENRICHER, "directory", directory, threads=2)

    async def main() -> None:
        await asyncio.gather(hosted.resolve("beside"), hosted.resolve("beside"))
        await hosted.stop()

    asyncio.run(main())
    assert ["beside", "beside"] == directory.begun


def test_the_call_after_one_that_was_given_up_is_made() -> None:
    directory = Directory()
    hosted: Any = on_thread(True, Kind.ENRICHER, "directory", directory)

    async def main() -> None:
        hanging = asyncio.ensure_future(hosted.resolve("hangs"))
        while not directory.begun:
            await asyncio.sleep(0)
        hanging.cancel()
        async with asyncio.timeout(30):
            await hosted.resolve("quick")
        directory.release.set()
        await hosted.stop()

    asyncio.run(main())
    assert ["hangs", "quick"] == directory.begun


@pytest.mark.parametrize(("declared", "blocking", "most"), [({}, True, 1), ({}, False, 16), ({"parallel": 4}, True, 4)])
def test_a_blocking_enricher_is_asked_for_one_key_at_a_time_unless_it_declares_more(
    declared: dict[str, int], blocking: bool, most: int
) -> None:
    assert most == LookupLimits(**declared).at_once(blocking=blocking)
