"""Counts and samples of rules in shadow mode, and the way of their alerts through the alert pipeline."""

from typing import Any

from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import AlertPacker, unpack
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.shadow_samples import ShadowSamples
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.testing import alert
from mozu.plugins.sinks.stdout import StdoutSink
from tests.core.flow.making import alert_pipeline

SECOND = 1_000_000_000


def _alert(rule: str = "new", time: int = SECOND, **more: Any) -> Alert:
    found = alert(rule=rule, **more)
    found.time, found.shadow = time, True
    return found


def _worker(route: Route, metrics: Metrics) -> tuple[SinkWorker, MemoryQueue]:
    isolated = Isolated[Any]("sink", "out", StdoutSink, metrics, blocking=True)
    queue = MemoryQueue(1 << 20, isolated.metrics)
    worker = SinkWorker(isolated, FalcoJson(), queue, agent="host", on_closed=list[str]().append, route=route)
    return worker, queue


def _accepted(route: Route) -> list[tuple[str, tuple[str, ...]]]:
    """Return rule and tags of the alerts that a sink with this route gets of one alert in each mode."""
    worker, queue = _worker(route, Metrics())
    pipeline = alert_pipeline(worker, metrics=Metrics())
    for one in (_alert("new"), alert(rule="old")):
        one.tags = ("t",)
        pipeline.emit(one)
    return [(one.form.rule, one.form.tags) for one in queue.take_waiting()]


def test_only_a_sink_that_asks_gets_alerts_in_shadow_mode_and_they_say_so() -> None:
    assert [("old", ("t",))] == _accepted(Route())
    assert [("new", ("shadow", "t")), ("old", ("t",))] == _accepted(Route(shadow="also"))
    assert [("new", ("shadow", "t"))] == _accepted(Route(shadow="only"))


def test_an_alert_that_cannot_be_redacted_stays_in_shadow_mode() -> None:
    metrics = Metrics()
    worker, queue = _worker(Route(), metrics)

    def fails(one: Alert) -> None:
        raise ValueError("no")

    pipeline = alert_pipeline(worker, metrics=metrics)
    pipeline.use((worker,), redact=fails, limiter=AlertLimiter())
    pipeline.emit(_alert())
    assert [] == queue.take_waiting()
    assert [1] == [one.matches for one in pipeline.shadow.of(["new"])]


def test_alerts_in_shadow_mode_take_no_part_in_limits_and_counts_of_alerts() -> None:
    metrics = Metrics()
    pipeline = alert_pipeline(metrics=metrics)
    pipeline.use((), redact=lambda one: None, limiter=AlertLimiter(rate=1.0, burst=1))
    for _ in range(5):
        pipeline.emit(_alert())
    assert 0 == metrics.counter("alerts_total").value == metrics.counter("alerts_suppressed_total").value
    assert [5] == [one.matches for one in pipeline.shadow.of(["new"])]


def test_the_mode_survives_packing() -> None:
    packer = AlertPacker()
    assert [True, False] == [unpack(packer.pack(one)).shadow for one in (_alert("r"), alert(rule="r"))]


def test_a_burst_leaves_older_samples_and_memory_is_bounded() -> None:
    samples = ShadowSamples()
    for number in range(3_000):
        samples.keep(_alert(time=SECOND * (number // 1_000 + 1) + number))
    (found,) = samples.of(["new"])
    assert (3_000, 3) == (found.matches, len(found.samples))
    for number in range(10):
        samples.keep(_alert(time=SECOND * (100 + number), **{"proc.name": "x" * 5_000}))
    (found,) = samples.of(["new"])
    assert [105 + number for number in range(5)] == [one.time // SECOND for one in found.samples]
    assert max(len(one.output) for one in found.samples) <= 1_000


def test_rules_without_a_match_are_listed_and_those_that_left_the_mode_are_forgotten() -> None:
    samples = ShadowSamples()
    samples.keep(_alert("a"))
    assert [("a", 1), ("b", 0)] == [(one.rule, one.matches) for one in samples.of(["b", "a"])]
    assert [("b", 0)] == [(one.rule, one.matches) for one in samples.of(["b"])]
    assert [("a", 0)] == [(one.rule, one.matches) for one in samples.of(["a"])]
