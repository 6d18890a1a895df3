"""The life of a run, with hand-made components: the engine's guarantees for any behaviour of plugins."""

import asyncio
import errno
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import (
    Demand,
    Record,
    SinkClosed,
    SourceBroken,
    SourceUnavailable,
)
from mozu.core.cpu_wait import cpu_wait
from mozu.core.errors import RulesError
from mozu.core.runtime.engine.engine import Engine
from mozu.core.runtime.loop import Watchdog
from mozu.core.runtime.loop import run as run_loop
from tests.core.runtime.engine.playing import Judge, Memory, Numbers, Play, messages


def test_every_event_is_judged_and_every_alert_delivered(tmp_path: Path) -> None:
    sink = Memory()
    code, stats = Play(Numbers(25), sink).run(tmp_path)
    assert [str(n) for n in range(25)] == messages(sink)
    assert (0, 25, 25) == (code, stats["sources"]["numbers"]["evaluated"], stats["sinks"]["memory0"]["delivered"])


def test_a_source_that_can_wait_is_read_only_as_fast_as_the_sinks_take(tmp_path: Path) -> None:
    sink = Memory()
    _, stats = Play(Numbers(10_000), sink, queue=1 << 20).run(tmp_path)
    assert (10_000, {}) == (len(messages(sink)), stats["sinks"]["memory0"]["dropped"])


def test_a_live_source_never_waits_and_what_finds_no_room_is_counted_and_reported(tmp_path: Path) -> None:
    given = asyncio.Event()

    async def wait(records: Sequence[Record]) -> None:
        await given.wait()

    _, stats = Play(Numbers(10_000, then=given.set), Memory(wait), live=True, queue=1 << 20).run(tmp_path)
    numbers = stats["sinks"]["memory0"]
    assert numbers["accepted"] == numbers["delivered"] + numbers["dropped"]["queue full"]
    assert 1_000 <= numbers["dropped"]["queue full"]


def test_alerts_have_host_and_a_stable_id(tmp_path: Path) -> None:
    first, second = Memory(), Memory()
    Play(Numbers(3), first).run(tmp_path)
    Play(Numbers(3), second).run(tmp_path)
    assert [r.alert.id for r in first.records] == [r.alert.id for r in second.records]
    assert {"node-a"} == {record.alert.hostname for record in first.records}


def test_an_evaluator_that_fails_on_one_event_loses_that_event_only(tmp_path: Path) -> None:
    def wants(number: int) -> bool:
        return bool(1 / (number - 3))

    sink, fine = Memory(), Judge(rule="fine")
    _, stats = Play(Numbers(5), sink, Judge(wants), fine).run(tmp_path)
    of = {rule: [r.alert.message() for r in sink.records if r.alert.rule == rule] for rule in ("number", "fine")}
    assert {"number": ["0", "1", "2", "4"], "fine": ["0", "1", "2", "3", "4"]} == of
    rejected = [m for m in stats["metrics"] if m["name"] == "events_rejected_total"]
    assert [1] == [m["value"] for m in rejected if m["labels"].get("id") == "number"]


def test_a_sink_that_hangs_delays_no_other_and_is_named_in_the_statistics(tmp_path: Path) -> None:
    async def delivered() -> None:
        while len(messages(fine)) < 5:
            await asyncio.sleep(0.001)  # the other sink has a thread of its own

    release = threading.Event()
    hanging, fine = Memory(lambda records: release.wait(60)), Memory()
    _, stats = Play(Numbers(5, then=delivered), hanging, fine, blocking=True, deadline=0.1).run(tmp_path)
    release.set()
    assert ["0", "1", "2", "3", "4"] == messages(fine)
    assert {"stop deadline": 5} == stats["sinks"]["memory0"]["dropped"]
    assert stats["sinks"]["memory0"]["busy_seconds"] > 0


def test_a_live_source_that_fails_is_restarted_and_the_gap_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mozu.core.flow.source_pump._FIRST_BACKOFF", 0.0)
    failures = iter([OSError("device gone")])

    def fail() -> None:
        if (error := next(failures, None)) is not None:
            raise error

    source, sink = Numbers(2, then=fail), Memory()
    code, _ = Play(source, sink, live=True).run(tmp_path)
    reported = [r.alert.values["error"] for r in sink.records if r.alert.rule == "Source failed"]
    assert (0, ["device gone"], 2) == (code, reported, len(source.demands))


def test_a_broken_recording_keeps_the_alerts_so_far_and_exits_with_1(tmp_path: Path) -> None:
    def broken() -> None:
        raise SourceBroken("x.scap: offset 10: garbage")

    sink = Memory()
    code, _ = Play(Numbers(3, then=broken), sink).run(tmp_path)
    assert (1, ["0", "1", "2"]) == (code, messages(sink))


def test_a_source_that_cannot_start_says_why(tmp_path: Path) -> None:
    class Absent(Numbers):
        async def start(self, demand: Demand) -> None:
            raise SourceUnavailable("no such kernel; use another")

    with pytest.raises(SourceUnavailable, match="no such kernel"):
        Play(Absent(1), Memory()).run(tmp_path)


def test_a_signal_stops_sources_first_and_delivers_what_is_in_flight(tmp_path: Path) -> None:
    source = Numbers(7, then=lambda: _signalled(source, signal.SIGTERM))
    sink = Memory()
    code, _ = Play(source, sink).run(tmp_path)
    assert (0, 7, True) == (code, len(messages(sink)), source.stopped.is_set())


async def _signalled(source: Numbers, number: int) -> None:
    os.kill(os.getpid(), number)
    await source.wait()


def test_a_given_duration_ends_the_run(tmp_path: Path) -> None:
    source = Numbers(1, then=lambda: source.wait())
    code, _ = Play(source, Memory()).run(tmp_path, duration=0.05)
    assert 0 == code


def test_a_closed_destination_stops_mozu_cleanly(tmp_path: Path) -> None:
    def closed(records: Sequence[Record]) -> None:
        raise SinkClosed("the reader has gone")

    source = Numbers(1, then=lambda: source.wait())
    code, stats = Play(source, Memory(closed)).run(tmp_path)
    assert (0, {"sink closed": 1}) == (code, stats["sinks"]["memory0"]["dropped"])


def test_a_reload_swaps_the_evaluator_and_gives_the_source_its_new_demand(tmp_path: Path) -> None:
    async def reload() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        while len(source.demands) < 2:
            await asyncio.sleep(0)

    source = Numbers(1, then=reload)
    Play(source, Memory()).run(tmp_path)
    assert [["number"], ["reloaded"]] == [sorted(demand.of("json")) for demand in source.demands]


@pytest.mark.parametrize("error", [RulesError("a.yaml: Invalid\n  1: no"), RuntimeError("oh")], ids=repr)
def test_a_reload_that_fails_is_an_alert_and_the_rules_in_force_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    class Refusing(Judge):
        def reload(self) -> Judge:
            raise error

    async def reload() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        while not any(record.alert.rule == "Reload failed" for record in sink.records):
            await asyncio.sleep(0.01)

    sink = Memory()
    code, _ = Play(Numbers(1, then=reload), Refusing(), sink).run(tmp_path)
    (notice,) = [record.alert for record in sink.records if record.alert.rule == "Reload failed"]
    assert (code, notice.source, notice.values["error"]) == (0, "internal", str(error).replace("\n  ", " | "))
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert lines == ["the reload was refused, and everything stays as it was:", *str(error).split("\n")]


def test_statistics_that_cannot_be_written_are_a_line_and_exit_code_1(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    play = Play(Numbers(1), Memory())

    async def main() -> int:
        return await Engine(play.assembly, play.metrics, play.tasks).run(duration=None, stats=tmp_path)

    assert run_loop(main()) == 1
    assert f"the statistics cannot be written to {tmp_path}: Is a directory" in caplog.messages


class Portless(Numbers):
    """A source whose start fails."""

    async def start(self, demand: Demand) -> None:
        raise KeyError("port")


def test_a_mistake_in_the_start_of_a_source_is_reported_with_class_method_and_plugin(tmp_path: Path) -> None:
    play = Play(Portless(1))
    play.assembly.sources[0].isolated.origin = "plugin acme of mozu-acme 1.2"
    text = r"cannot start: KeyError: 'port' \(Portless.start, plugin acme of mozu-acme 1.2\)$"
    with pytest.raises(SourceUnavailable, match=text):
        play.run(tmp_path)


@pytest.mark.parametrize(("of", "is_fed"), [("json", True), ("syscall", False)])
def test_a_start_reports_rules_on_events_that_no_source_brings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, of: str, *, is_fed: bool
) -> None:
    Play(Numbers(1), Memory(), live=True, of=of).run(tmp_path)
    unfed = [text for text in caplog.messages if text.startswith("no source of the configuration")]
    expected = [] if is_fed else [
        "no source of the configuration brings events of `json`: rules on them never match; "
        "`mozu rules list` names them"
    ]  # fmt: skip
    assert unfed == expected


def test_what_the_machine_lacks_is_no_fault_of_mozu(tmp_path: Path) -> None:
    class Rootless(Numbers):
        async def start(self, demand: Demand) -> None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/proc/self/status")

    with pytest.raises(SourceUnavailable, match=r"source rootless cannot start: .*/proc/self/status.*is /proc mounted"):
        Play(Rootless(1)).run(tmp_path)


@pytest.mark.parametrize(
    ("live", "of", "asked"), [(True, "syscall", ["a.test"]), (False, "syscall", []), (True, "", [])]
)
def test_names_are_looked_up_where_system_calls_are_watched_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: bool, of: str, asked: list[str]
) -> None:
    class Naming(Judge):
        def demand(self) -> Demand:
            return super().demand() | Demand(hosts=frozenset({"a.test"}))

    found: list[str] = []

    def look_up(name: str) -> frozenset[bytes]:
        found.append(name)
        return frozenset({b"addr"})

    monkeypatch.setattr("mozu.core.runtime.engine.host_resolver.look_up", look_up)
    play = Play(Numbers(1), Memory(), Naming(), live=live, of=of)
    play.run(tmp_path)
    assert (asked, {b"addr": ("a.test",)} if asked else {}) == (found, play.assembly.fields.lookups.hosts)


def test_a_signal_has_sinks_that_keep_files_open_them_again(tmp_path: Path) -> None:
    class Filed(Memory):
        reopened = 0

        def reopen(self) -> None:
            self.reopened += 1

    async def signalled() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        while not filed.reopened:
            await asyncio.sleep(0)

    filed = Filed()
    Play(Numbers(1, then=signalled), filed, Memory()).run(tmp_path)
    assert 1 == filed.reopened


def test_what_blocks_the_loop_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    real = Watchdog._blocker

    def blocker(watchdog: Watchdog, frame: Any) -> tuple[str, str]:
        looked.set()
        return real(watchdog, frame)

    def slow(number: int) -> bool:
        return looked.wait(60)  # block the loop until the watchdog looks

    monkeypatch.setattr(Watchdog, "_blocker", blocker)
    with cpu_wait.ignored():
        Play(Numbers(1), Memory(), Judge(slow)).run(tmp_path)
    (held,) = [record.message for record in caplog.records if "held the event loop" in record.message]
    assert held.endswith(" s: await, use a thread, or declare the component `blocking`")
