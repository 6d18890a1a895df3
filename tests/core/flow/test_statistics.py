"""The summary that is printed at the end of a run."""

import time
from typing import Any

import pytest

from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.flow.statistics import as_text, gather
from mozu.core.metrics import Metrics
from tests.support.packing import room

SINK: dict[str, Any] = {
    "accepted": 9, "delivered": 8, "dropped": {}, "dead_lettered": 0, "spooled": 0, "found": 0,
    "redriven": 0, "waiting": 1, "queued": 1, "dead_letters": 0, "failures": 0, "busy_seconds": 1.0,
}  # fmt: skip
SOURCE: dict[str, Any] = {
    "plugin": "ebpf", "instead_of": {}, "not_seen": [], "received": 7, "internal": 2, "rejected": 1, "evaluated": 6,
    "dropped": 0, "types": {},
}  # fmt: skip
NOTHING: dict[str, int | None] = {"seen": 0, "filtered": 0, "lost": 0, "missed": 0, "received": 0}


class Worker:
    """A sink worker whose numbers are all in the metrics."""

    name = "out"
    queue = MemoryQueue(room(10), Metrics())


class Nothing:
    """A memory bound without numbers."""

    def numbers(self) -> dict[str, int]:
        return {}


def test_numbers_are_those_of_the_metrics_and_of_the_time_since_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 112.34567)
    monkeypatch.setattr(time, "process_time", lambda: 1.23456)
    metrics = Metrics()
    for kind, name, reason, value in (
        ("sink", "out", "queue full", 2), ("sink", "out", "too late", 0), ("sink", "other", "queue full", 7),
        ("source", "out", "queue full", 8),
    ):  # fmt: skip
        metrics.scope(kind=kind, id=name).counter("sink_alerts_dropped_total", reason=reason).value += value
    mine, other = metrics.scope(kind="sink", id="out"), metrics.scope(kind="sink", id="other")
    names = ("sink_alerts_accepted", "sink_alerts_delivered", "sink_alerts_dead_lettered", "sink_deliveries_failed")
    spools = ("spool_left_records", "spool_found_records", "spool_redriven_records")
    for number, name in enumerate((*names, *spools), 1):
        mine.counter(f"{name}_total").value += number
        other.counter(f"{name}_total").value += 100
    mine.gauge("sink_busy_seconds", lambda: 0.12345)
    mine.gauge("sink_alerts_waiting", lambda: 8.0)
    mine.gauge("spool_dead_letters", lambda: 9.0)

    numbers: dict[str, Any] = gather(metrics, [], [Worker()], Nothing(), 100.0)  # type: ignore[list-item, arg-type]  # as much as is asked

    assert (12.346, 1.235) == (numbers["seconds"], numbers["cpu_seconds"])
    assert numbers["sinks"]["out"] == {
        "accepted": 1, "delivered": 2, "dropped": {"queue full": 2}, "dead_lettered": 3, "spooled": 5, "found": 6,
        "redriven": 7, "waiting": 8, "dead_letters": 9, "queued": 0, "failures": 4, "busy_seconds": 0.123,
    }  # fmt: skip


def lines(*, sources: dict[str, Any] | None = None, sinks: dict[str, Any] | None = None) -> list[str]:
    numbers = {"seconds": 1.26, "cpu_seconds": 0.5, "sources": sources or {}, "sinks": sinks or {}}
    return as_text(numbers).splitlines()


def test_a_run_says_how_long_it_was() -> None:
    assert ["mozu ran 1.3 s and used 0.50 s of CPU"] == lines()


def test_a_sink_to_which_nothing_happened_says_so_in_short() -> None:
    assert "sink out: accepted 9, delivered 8, dropped 0, not delivered 1" == lines(sinks={"out": SINK})[1]


def test_a_sink_tells_what_it_dropped_failed_at_and_left() -> None:
    more = {
        "dropped": {"queue full": 2, "too late": 1}, "failures": 3, "busy_seconds": 1.25, "spooled": 4, "found": 5,
        "dead_lettered": 6, "redriven": 7,
    }  # fmt: skip
    assert (
        "sink out: accepted 9, delivered 8, dropped 2 (queue full), 1 (too late), found in the spool 5, redriven 7, "
        "left in the spool 4, dead letters 6, not delivered 1, failed 3 times, busy for 1.2 s with one delivery"
    ) == lines(sinks={"out": SINK | more})[1]


def test_a_line_for_all_types_comes_before_those_with_loss() -> None:
    seen = NOTHING | {"seen": 5, "received": 5}
    types = {"openat": seen | {"lost": 1}, "connect": seen | {"missed": 2}, "execve": seen, "close": NOTHING}
    numbers = {"seconds": 1, "cpu_seconds": 1, "sources": {"one": SOURCE | {"types": types}}, "sinks": {}}
    assert [
        "  3 event types    seen 15, filtered 0, lost 1, missed 2, received 15",
        "  openat           seen 5, filtered 0, lost 1, missed 0, received 5",
        "  connect          seen 5, filtered 0, lost 0, missed 2, received 5",
    ] == as_text(numbers, all_types=False).splitlines()[2:]
    types["execve"] = seen | {"missed": None}
    assert "missed unknown" in as_text(numbers, all_types=False).splitlines()[2]


def test_a_source_tells_its_types_to_which_something_happened() -> None:
    types = {"openat": NOTHING | {"seen": 5, "lost": 1, "missed": None}, "close": NOTHING}
    assert [
        "source one: received 7, evaluated 6, for the state only 2, rejected 1, dropped because memory was short 4",
        "  openat           seen 5, filtered 0, lost 1, missed unknown, received 0",
    ] == lines(sources={"one": SOURCE | {"types": types, "dropped": 4}})[1:]


def test_a_source_that_is_second_choice_says_why_and_what_it_does_not_see() -> None:
    second = {"plugin": "ptrace", "instead_of": {"ebpf": "no BTF"}, "not_seen": ["threads", "io_uring"]}
    assert [
        "source one: ebpf cannot start (no BTF), so ptrace watched",
        "source one: not seen: threads, io_uring",
        "source one: received 7, evaluated 6, for the state only 2, rejected 1",
    ] == lines(sources={"one": SOURCE | second})[1:]
