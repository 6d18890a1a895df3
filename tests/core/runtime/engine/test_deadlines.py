"""Components that hang at start or stop, in any way, are named and do not keep mozu from starting, working or stopping.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Alert, Demand, Dropped, Enricher, Event, FieldReaders, Kind, Retry
from mozu.core.errors import DeadlineExceeded
from mozu.core.isolation.isolated import Isolated
from mozu.core.runtime import loop
from mozu.core.testing import alert
from tests.core.runtime.engine.playing import Judge, Memory, Numbers, Play, built_source, messages

LONG = 3600.0
"""Seconds of a hang, which no test waits for."""

Hang = Callable[[], Any]


async def awaits() -> None:
    await asyncio.sleep(LONG)


async def holds_the_loop() -> None:
    time.sleep(LONG)  # noqa: ASYNC251  what a component must not do


class Stubborn:
    """A task that ignores its cancellation until the run is over."""

    over = False

    async def __call__(self) -> None:
        while not self.over:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(LONG)


stubborn = Stubborn()
HANGS = pytest.mark.parametrize("hang", [awaits, holds_the_loop, stubborn], ids=["awaits", "holds", "stubborn"])


async def nothing() -> None:
    pass


class Named:
    """An enricher without answers."""

    def __init__(self, start: Hang = nothing, stop: Hang = nothing) -> None:
        self._start, self._stop = start, stop
        self.stopped = False

    async def start(self) -> None:
        await self._start()

    def key(self, event: Event) -> str | None:
        return None

    def known(self, key: str) -> bool:
        return True

    async def resolve(self, key: str) -> None:
        pass

    def readers(self) -> FieldReaders:
        return {}

    async def stop(self) -> None:
        self.stopped = True
        await self._stop()


class HangingSource(Numbers):
    """A source that yields its numbers, and hangs."""

    def __init__(self, total: int, *, start: Hang = nothing, stop: Hang = nothing, **more: Any) -> None:
        super().__init__(total, **more)
        self._start, self._stop = start, stop

    async def start(self, demand: Demand) -> None:
        await super().start(demand)
        await self._start()

    async def stop(self) -> None:
        await super().stop()
        await self._stop()


class HangingSink(Memory):
    """A sink that keeps its records, and hangs."""

    def __init__(self, start: Hang = nothing, stop: Hang = nothing) -> None:
        super().__init__()
        self._start, self._stop = start, stop
        self.stopped = False

    def start(self) -> Any:
        return self._start()

    def stop(self) -> Any:
        self.stopped = True
        return self._stop()


class Hanging(Play):
    """A run with short deadlines, and with enrichers."""

    def __init__(self, source: Any, *others: Any, seconds: float = 0.3, **more: Any) -> None:
        super().__init__(source, *others, deadline=seconds, **more)
        for enricher in (one for one in others if isinstance(one, Named)):
            isolated = Isolated[Enricher](Kind.ENRICHER.value, "named", enricher, self.metrics)
            self.assembly.enrichers.append(isolated)
        sources, sinks = (one.isolated for one in self.assembly.sources), (one.isolated for one in self.assembly.sinks)
        for component in (*sources, *sinks, *self.assembly.enrichers, *self.assembly.evaluators):
            component.start_seconds = seconds

    def run(self, folder: Path, duration: float | None = None, *, announces: bool = False) -> tuple[int, Any]:
        stubborn.over = False
        try:
            return super().run(folder, duration, announces=announces)
        finally:
            stubborn.over = True


def exceeded(stats: Any) -> list[tuple[str, str, str]]:
    """Return (kind, instance, method) of every exceeded deadline."""
    found = [one["labels"] for one in stats["metrics"] if one["name"] == "component_deadline_exceeded_total"]
    return sorted((labels["kind"], labels["id"], labels["method"]) for labels in found)


@HANGS
def test_a_start_of_an_enricher_or_a_sink_that_hangs_keeps_none_back_from_others(tmp_path: Path, hang: Hang) -> None:
    hanging, fine = HangingSink(start=hang), Memory()
    code, stats = Hanging(Numbers(5), hanging, fine, Named(start=hang)).run(tmp_path)
    assert (code, messages(fine), messages(hanging)) == (0, ["0", "1", "2", "3", "4"], [])
    assert {"sink not started": 7} == stats["sinks"]["memory0"]["dropped"]
    assert exceeded(stats) == [("enricher", "named", "start"), ("sink", "memory0", "start")]


def test_sinks_and_enrichers_start_side_by_side(tmp_path: Path) -> None:
    both = asyncio.Barrier(2)
    sink = HangingSink(start=both.wait)
    _, stats = Hanging(Numbers(5), sink, Named(start=both.wait), seconds=5.0).run(tmp_path)
    assert (messages(sink), exceeded(stats)) == (["0", "1", "2", "3", "4"], [])


@HANGS
def test_an_optional_source_whose_start_hangs_holds_up_neither_the_others_nor_the_stop(
    tmp_path: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check with long deadlines for the source and for the stop."""
    monkeypatch.setattr(loop, "HOLD_SECONDS", 0.3)
    sink = Memory()
    play = Hanging(Numbers(5), sink, seconds=LONG)
    optional = built_source(HangingSource(1, start=hang), play.metrics, live=True, of="")
    optional.isolated.is_optional, optional.isolated.start_seconds = True, LONG
    play.assembly.sources.append(optional)
    play.watch = lambda engine: setattr(sink, "_do", lambda records: engine.stop("all have arrived"))
    code, _ = play.run(tmp_path)
    assert (code, messages(sink)) == (0, ["0", "1", "2", "3", "4"])


def test_a_sink_that_has_held_the_loop_does_not_hold_up_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that the sink is not called again: after 5 s, after 10 s more, and so on."""
    monkeypatch.setattr(loop, "HOLD_SECONDS", 0.3)
    fine = Memory()
    play = Hanging(Numbers(5), Memory(lambda records: time.sleep(LONG)), fine, seconds=LONG)
    code, stats = play.run(tmp_path)
    assert (code, messages(fine)) == (0, ["0", "1", "2", "3", "4"])
    assert stats["sinks"]["memory0"]["dropped"] == {"event loop held": 5}


@HANGS
def test_a_source_whose_start_hangs_is_refused_by_name(tmp_path: Path, hang: Hang) -> None:
    with pytest.raises(DeadlineExceeded, match=r"source hangingsource: `start` did not end within 0\.3 s"):
        Hanging(HangingSource(1, start=hang), Memory()).run(tmp_path)


@HANGS
def test_a_stop_that_hangs_keeps_no_other_component_from_its_own(tmp_path: Path, hang: Hang) -> None:
    hanging, fine, enricher = HangingSink(stop=hang), HangingSink(), Named(stop=hang)
    source = HangingSource(5, stop=hang)
    code, stats = Hanging(source, hanging, fine, enricher).run(tmp_path)
    assert (code, messages(fine), messages(hanging)) == (0, ["0", "1", "2", "3", "4"], ["0", "1", "2", "3", "4"])
    assert (fine.stopped, enricher.stopped) == (True, True)
    assert exceeded(stats) == [
        ("enricher", "named", "stop"), ("sink", "memory0", "stop"), ("source", "hangingsource", "stop"),
    ]  # fmt: skip


@pytest.mark.parametrize("hang", [awaits, stubborn], ids=["awaits", "stubborn"])
def test_a_source_that_never_ends_is_given_up_and_its_alerts_are_delivered(tmp_path: Path, hang: Hang) -> None:
    sink = Memory()
    _, stats = Hanging(Numbers(5, then=hang), sink).run(tmp_path, duration=0.1)
    assert (messages(sink), exceeded(stats)) == (["0", "1", "2", "3", "4"], [("source", "numbers", "batches")])


class Positions(Numbers):
    """A source whose input needs acknowledgements."""

    def __init__(self, total: int, ack: Hang = nothing) -> None:
        super().__init__(total)
        self._ack = ack

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        await self._ack()


class Replies(Numbers):
    """A source whose clients wait until every alert is safe."""

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:  # type: ignore[override]  # ready alerts
        yield [alert("ready", str(number)) for number in range(self._total)]
        await self.stopped.wait()

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None: ...


def late(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages at the stop about a source that has not ended."""
    texts = [record.getMessage() for record in caplog.records if record.name.startswith("mozu.source.")]
    return [re.sub(r"[0-9.]+ s", "N s", text) for text in texts if "did not end" in text]


@pytest.mark.parametrize("source", [Positions, Replies])
def test_a_sink_that_does_not_acknowledge_is_named_when_it_keeps_a_source_from_its_end(
    tmp_path: Path, source: type[Numbers], caplog: pytest.LogCaptureFixture
) -> None:
    fine, refusing = Memory(), Memory(lambda records: [Retry()] * len(records))
    made = source(5)
    _, stats = Hanging(made, fine, refusing).run(tmp_path, duration=0.1)
    name = type(made).__name__.lower()
    keeps = "its last batch waits for sink memory1, which has not acknowledged 5 alerts"
    assert late(caplog) == [f"source {name} did not end within N s: {keeps}"]
    assert [one for one in exceeded(stats) if one[0] == "source"] == []


def test_a_full_queue_that_keeps_a_source_from_its_end_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refusing = Memory(lambda records: [Retry()] * len(records))
    Hanging(Numbers(4_000, batch=4_000), refusing, queue=1 << 20).run(tmp_path, duration=0.1)
    (text,) = late(caplog)
    assert re.fullmatch(r"source numbers .* waits for sink memory0, which has not acknowledged \d+ alerts", text)


def test_an_acknowledgement_of_a_source_that_hangs_is_named_as_the_source_s(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, stats = Hanging(Positions(5, ack=awaits), Memory()).run(tmp_path, duration=0.1)
    assert late(caplog) == ["source positions: `ack` did not end within N s"]
    assert exceeded(stats) == [("source", "positions", "ack")]


@HANGS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_start_that_hangs(tmp_path: Path, hang: Hang, number: signal.Signals) -> None:
    """Check with a long deadline; components that have started are stopped."""

    async def signalled() -> None:
        os.kill(os.getpid(), number)
        await hang()

    sink, enricher = HangingSink(), Named()
    play = Hanging(HangingSource(1, start=signalled), sink, enricher, seconds=LONG)
    code, stats = play.run(tmp_path)
    assert (code, messages(sink), sink.stopped, enricher.stopped) == (0, [], True, True)
    assert stats["sources"]["hangingsource"]["received"] == 0


def test_nothing_breaks_off_what_holds_the_loop_of_a_run_that_nothing_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Check with `mozu why` and `mozu replay`, with slow evaluators on a busy machine."""
    monkeypatch.setattr(loop, "HOLD_SECONDS", 0.2)

    def slow(number: int) -> bool:
        time.sleep(0.2)  # five events in a batch
        return True

    sink = Memory()
    play = Hanging(Numbers(5), Judge(slow), sink, seconds=LONG)
    play.is_offline = True
    code, _ = play.run(tmp_path)
    assert (code, messages(sink)) == (0, ["0", "1", "2", "3", "4"])
    assert [] == [one.message for one in caplog.records if "held the event loop" in one.message]


def test_what_hangs_in_such_a_run_is_broken_off_once_it_is_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "HOLD_SECONDS", 0.2)

    def hang(number: int) -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LONG)
        return True

    play = Hanging(Numbers(1), Judge(hang), Memory(), seconds=5.0)
    play.is_offline = True
    code, _ = play.run(tmp_path)
    assert 0 == code
