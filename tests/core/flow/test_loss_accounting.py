"""Loss accounting: a loss is reported once, with its number; after one of process events the state is compared."""

from collections.abc import Mapping
from typing import Any

import pytest

from mozu.core.api import Counts, Flood
from mozu.core.delivery.given_up import GivenUpNumbers
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.testing import alert
from tests.core.flow.making import alert_pipeline, pipeline_of
from tests.support.packing import packed, room


class Counting:
    """A source whose counts the test sets."""

    def __init__(self) -> None:
        self.now: dict[str, Counts] = {}
        self.gaps: list[str] = []
        self.floods: list[Flood] = []

    def counts(self) -> Mapping[str, Counts]:
        return self.now

    def take_gaps(self) -> list[str]:
        gaps, self.gaps = self.gaps, []
        return gaps

    def take_floods(self) -> list[Flood]:
        floods, self.floods = self.floods, []
        return floods


class Pump:
    """The parts of a pump that loss accounting uses."""

    def __init__(self, source: Any, metrics: Metrics) -> None:
        self.name = "made"
        isolated = Isolated("source", self.name, source, metrics)
        self.pipeline = pipeline_of(isolated, live=True, state=None, metrics=metrics)
        self.compared = 0

    def reconcile(self) -> None:
        self.compared += 1


class Worker:
    """A sink worker whose queue accepts notices only."""

    name = "worker"

    def __init__(self) -> None:
        self.sink = Isolation("sink", self.name, Metrics())
        self.queue, self.given_up = MemoryQueue(room(1), self.sink.metrics), GivenUpNumbers()
        self.notices: list[Alert] = []

    def accept(self, item: PackedAlert) -> None:
        if item.is_notice:
            self.notices.append(unpack(item))
        else:
            self.queue.put(item)


class Scene:
    """Loss accounting over one source and one sink."""

    pump: Any

    def __init__(self) -> None:
        metrics = Metrics()
        self.source, self.worker = Counting(), Worker()
        self.pump = Pump(self.source, metrics)
        self.alerts = alert_pipeline(self.worker, metrics=metrics)
        self.losses = LossAccounting(self.alerts, [self.pump], Evaluation([]))

    def reported(self) -> list[str]:
        self.worker.notices.clear()
        self.losses.report()
        return [notice.message() for notice in self.worker.notices]


def test_lost_and_missed_events_are_reported_once_per_call_with_the_new_number() -> None:
    scene = Scene()
    scene.source.now = {"openat": Counts(seen=9, lost=2, missed=1, received=6)}
    assert ["source made lost 3 events: openat 3 (at worst 33.3 % of openat)"] == scene.reported()
    assert [] == scene.reported()
    scene.source.now = {"openat": Counts(seen=11, lost=4, missed=1, received=6)}
    assert ["source made lost 2 events: openat 2 (at worst 100.0 % of openat)"] == scene.reported()
    assert 5 == scene.worker.notices[0].values["lost_total"]


@pytest.mark.parametrize(
    ("seen", "filtered", "lost", "severity", "percent"),
    [
        (2, 0, 2, Severity.WARNING, 100),
        (1_000_000, 0, 9_999, Severity.WARNING, 1),
        (1_000_000, 0, 10_000, Severity.ERROR, 1),
        (1_000_000, 900_000, 9_999, Severity.ERROR, 10),
        (1_000_000, 900_000, 10_000, Severity.CRITICAL, 10),
        (0, 0, 10, Severity.CRITICAL, 100),
    ],
)
def test_the_severity_of_a_loss_follows_its_share_of_the_events_that_rules_want(
    seen: int, filtered: int, lost: int, severity: Severity, percent: int
) -> None:
    scene = Scene()
    scene.source.now = {"openat": Counts(seen=seen, filtered=filtered, lost=lost)}
    scene.reported()
    (notice,) = scene.worker.notices
    assert (severity, "openat", percent) == (
        notice.priority,
        notice.values["worst_type"],
        notice.values["worst_percent"],
    )


def test_the_share_is_of_the_events_since_the_last_call_and_of_the_type_that_lost_most() -> None:
    scene = Scene()
    scene.source.now = {"openat": Counts(seen=1_000_000), "connect": Counts(seen=50)}
    assert [] == scene.reported()
    scene.source.now = {"openat": Counts(seen=1_001_000, lost=20), "connect": Counts(seen=100, lost=5)}
    assert ["source made lost 25 events: openat 20, connect 5 (at worst 10.0 % of connect)"] == scene.reported()
    assert Severity.CRITICAL == scene.worker.notices[0].priority


def test_filtered_events_and_kernels_that_do_not_count_are_no_loss() -> None:
    scene = Scene()
    scene.source.now = {"openat": Counts(seen=9, filtered=9, missed=None)}
    assert [] == scene.reported()


def test_many_types_are_cut_to_the_worst() -> None:
    scene = Scene()
    names = ("openat", "read", "write", "close", "connect", "bind", "listen")
    scene.source.now = {name: Counts(lost=number) for number, name in enumerate(names, 1)}
    (text,) = scene.reported()
    types = "listen 7, bind 6, connect 5, close 4, write 3 and 2 more types"
    assert text.endswith(f"{types} (at worst 100.0 % of listen)")


def test_as_many_types_as_a_notice_names_are_all_of_them() -> None:
    scene = Scene()
    names = ("openat", "read", "write", "close", "connect")
    scene.source.now = {name: Counts(lost=number) for number, name in enumerate(names, 1)}
    (text,) = scene.reported()
    types = "connect 5, close 4, write 3, read 2, openat 1"
    assert text == f"source made lost 15 events: {types} (at worst 100.0 % of connect)"


def test_what_is_wrong_with_a_queue_on_disk_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    monkeypatch.setattr(scene.worker.queue, "take_problems", lambda: ["page 7 is no page"])
    assert ["page 7 is no page"] == scene.reported()
    (notice,) = scene.worker.notices
    assert ("Spool damaged", Severity.CRITICAL, "worker") == (notice.rule, notice.priority, notice.values["sink"])


def test_what_an_evaluator_was_not_given_is_reported_once_with_the_new_number(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    totals = {"far": 3, "near": 0}
    monkeypatch.setattr(scene.losses._evaluation, "unevaluated", lambda: totals)
    text = "evaluator far was not given {} events: it is too slow for them, or has not answered"
    assert [text.format(3)] == scene.reported()
    assert [] == scene.reported()
    totals["far"] = 5
    assert [text.format(2)] == scene.reported()
    (notice,) = scene.worker.notices
    assert ("Events not evaluated", "far", 2, 5) == (
        notice.rule, notice.values["evaluator"], notice.values["count"], notice.values["total"],
    )  # fmt: skip


def test_only_a_loss_about_processes_has_the_state_compared() -> None:
    scene = Scene()
    scene.source.now = {"openat": Counts(lost=1)}
    scene.reported()
    before = scene.pump.compared
    scene.source.now = {"openat": Counts(lost=1), "execve": Counts(lost=1)}
    scene.reported()
    scene.source.now |= {"compat32": Counts(seen=4, missed=4)}  # an entry path: calls of any type
    scene.reported()
    assert (0, 2) == (before, scene.pump.compared)


def test_what_a_full_queue_dropped_is_reported_as_a_range() -> None:
    scene = Scene()
    for _ in range(4):
        scene.alerts.emit(alert())
    assert ["sink worker dropped alerts 2 to 4: its queue is full"] == scene.reported()
    assert [] == scene.reported()


def test_a_queue_learns_which_ranges_were_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, announced = Scene(), list[tuple[int, int]]()
    monkeypatch.setattr(
        scene.worker.queue, "announced", lambda ranges: announced.extend((one.first, one.last) for one in ranges)
    )
    for _ in range(4):
        scene.alerts.emit(alert())
    scene.worker.given_up.add(1, is_notice=False)
    scene.reported()
    assert [(2, 4), (1, 1)] == announced


def test_gaps_of_a_source_become_notices() -> None:
    scene = Scene()
    scene.source.gaps = ["the wall clock was set by +3600.000 s"]
    assert ["source made: the wall clock was set by +3600.000 s"] == scene.reported()
    assert "Gap" == scene.worker.notices[0].rule


def test_ranges_with_holes_are_one_notice_that_names_the_dropped_numbers_and_no_other() -> None:
    scene = Scene()
    for rule in ("a", "b", "a", "a", "b"):
        item = alert(rule)
        item.priority = Severity.DEBUG if rule == "a" else Severity.CRITICAL
        scene.worker.accept(packed(item))
    assert ["sink worker dropped 4 alerts between 1 and 5: its queue is full"] == scene.reported()
    values = scene.worker.notices[0].values
    assert ("1,3-5", 4, None) == (values["numbers"], values["count"], values.get("first"))


def test_events_that_were_dropped_because_memory_was_short_are_reported_and_count_as_lost() -> None:
    scene = Scene()
    scene.pump.pipeline.dropped.value = 5
    assert ["5 events of source made were not evaluated: mozu's memory is at its limit"] == scene.reported()
    scene.pump.pipeline.dropped.value = 7
    scene.reported()
    (notice,) = scene.worker.notices
    assert ("Events dropped", 2, 7, "made") == (
        notice.rule, notice.values["count"], notice.values["total"], notice.values["evt_source"],
    )  # fmt: skip
    assert ([], 7) == (scene.reported(), scene.losses.lost_total())


def test_what_was_over_a_share_is_part_of_the_loss() -> None:
    scene = Scene()
    scene.source.now = {"openat": Counts(seen=9, lost=3, received=6, over_share=2)}
    scene.reported()
    scene.source.now = {"openat": Counts(seen=19, lost=13, received=6, over_share=11)}
    assert ["source made lost 10 events: openat 10 (at worst 100.0 % of openat)"] == scene.reported()
    assert 9 == scene.worker.notices[0].values["over_share"]


def test_each_instance_of_a_source_has_its_loss_reported_once() -> None:
    """Lose 279,371 events in the first instance when it ends, and one more in its ring buffer; the second loses 800."""
    scene = Scene()
    scene.source.now = {"openat": Counts(seen=280_000, lost=279_371, received=628)}
    scene.reported()
    scene.pump.pipeline.counts.retire()
    assert ["source made lost 1 events: openat 1 (at worst 100.0 % of openat)"] == scene.reported()
    assert [] == scene.reported()
    again = Counting()
    scene.pump.pipeline.source._component = again  # as `Isolated.renew` does
    again.now = {"openat": Counts(seen=900, lost=800, received=100)}
    assert ["source made lost 800 events: openat 800 (at worst 88.9 % of openat)"] == scene.reported()
    assert (280_172, 280_172) == (scene.worker.notices[0].values["lost_total"], scene.losses.lost_total())
