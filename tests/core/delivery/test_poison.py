"""No content of one alert stops another: poison through every stage between a rule and a sink."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Record
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode import FORMATS
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import AlertForm, AlertPacker, PackedAlert, unpack, unpack_form
from mozu.core.delivery.plain import REPLACED, plain_alert
from mozu.core.delivery.redact import Redactor
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.delivery.spool import Spool
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, Stamp
from mozu.core.testing import virtual_clock as virtual_time
from mozu.plugins.sinks import journald
from mozu.plugins.sinks.kafka.message import MessageBuilder
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.syslog.message import Formatter
from mozu.plugins.sinks.syslog.settings import SyslogSettings
from mozu.plugins.sinks.webhook.template_values import NAMES, RecordView
from tests.core.delivery.encode.made import STAMP, plain
from tests.core.delivery.poison import good, poison
from tests.support.packing import packed

ALL = dict(poison())
by_format = pytest.mark.parametrize("name", FORMATS)
WHY = ValueError("why")


def encoder(name: str) -> Any:
    return FORMATS[name].build(FORMATS[name].settings())


@by_format
def test_every_encoder_accepts_the_sanitized_copy_of_any_alert_property(name: str) -> None:
    made = encoder(name)
    assert [] == [why for why, one in ALL.items() if not made.encode(plain_alert(one, WHY), STAMP)]


def test_a_packed_alert_gives_back_the_sanitized_copy_of_any_alert_property() -> None:
    for why, one in ALL.items():
        found = AlertPacker().pack(sanitized := plain_alert(one, WHY))
        assert sanitized == unpack(PackedAlert(unpack_form(found.form.raw), found.body)), why


def test_a_sanitized_copy_keeps_what_can_be_kept_and_says_why_it_is_one() -> None:
    alert = plain()
    alert.time, alert.values["proc.tty"] = 1 << 70, 10**5000
    copy = plain_alert(alert, OverflowError("too large"))
    assert (alert.rule, alert.id, (1 << 63) - 1, "sh -i") == (
        copy.rule,
        copy.id,
        copy.time,
        copy.values["proc.cmdline"],
    )
    assert ("OverflowError: too large", "(a number of 16610 bits)") == (copy.values[REPLACED], copy.values["proc.tty"])


def test_what_could_not_be_redacted_shows_no_value() -> None:
    copy = plain_alert(plain(), ValueError("secret sh -i"), values=False)
    assert "ValueError" == copy.values.pop(REPLACED)
    assert {None} == set(copy.values.values())
    assert (
        "a shell was opened proc.cmdline=<NA> user.name=<NA> proc.tty=<NA> evt.arg.flags=<NA>"
        == copy.message().replace("  ", " ")
    )


class Kept:
    """A sink that keeps the records that arrive."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> None:
        self.records += records

    def stop(self) -> None:
        pass


def pipeline(encode: Any, sink: Any, *, limiter: AlertLimiter | None = None, redact: Any = None) -> Any:
    metrics = Metrics()
    isolated = Isolated[Any]("sink", "kept", sink, metrics)
    worker = SinkWorker(
        isolated,
        encode,
        MemoryQueue(1 << 30, isolated.metrics),
        agent="host",
        on_closed=list[str]().append,
        retry=RetryPolicy(0.001, 0.001, 3),
        route=Route(rules=("*",), tags=("shell",)),
    )
    return (
        AlertPipeline(
            [worker],
            hostname="h",
            redact=redact or Redactor(metrics),
            limiter=limiter or AlertLimiter(dedup_seconds=1.0, rate=1e9, burst=1_000_000),
            metrics=metrics,
        ),
        worker,
        metrics,
    )


def deliver(alerts: Sequence[Alert], encode: Any, sink: Any, **parts: Any) -> dict[str, float]:
    async def scenario() -> dict[str, float]:
        alerts_pipeline, worker, metrics = pipeline(encode, sink, **parts)
        for one in alerts:
            alerts_pipeline.emit(one)
        alerts_pipeline.report_suppressed(at_end=True)
        worker.queue.close()
        await worker.run()
        await worker.stop()
        return {labels.get("reason", name): value for name, labels, value in metrics.collect()}

    return virtual_time.run(scenario())


@by_format
def test_poison_before_and_after_delays_no_good_alert_property(name: str) -> None:
    sink, alerts = Kept(), list[Alert]()
    for number, one in enumerate(dict(poison()).values()):
        alerts += [one, good(f"good {number}")]
    counts = deliver(alerts, encoder(name), sink)
    arrived = [record.alert.rule for record in sink.records if str(record.alert.rule).startswith("good ")]
    assert [f"good {number}" for number in range(len(ALL))] == arrived
    assert counts["sink_alerts_accepted_total"] == counts["sink_alerts_delivered_total"] == len(sink.records)


def test_an_encoder_that_fails_for_good_makes_counted_drops_and_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
            if alert.rule == "poison":
                raise RuntimeError(f"number {stamp.sequence if stamp else 0}")
            return b"good"

    sink = Kept()
    with caplog.at_level(logging.ERROR):
        counts = deliver([*(good("poison") for _ in range(600)), good()], Broken(), sink, limiter=AlertLimiter())
    assert (["good"], 600) == ([record.alert.rule for record in sink.records], counts["rejected"])
    assert 1 == sum("failed to encode an alert" in line for line in caplog.messages)


def test_an_alert_that_cannot_be_redacted_arrives_without_its_values() -> None:
    def broken(alert: Alert) -> None:
        if alert.rule == "poison":
            raise RuntimeError("no")

    sink = Kept()
    deliver([good("poison"), good()], encoder("json"), sink, redact=broken)
    assert [("poison", True), ("good", False)] == [
        (one.alert.rule, REPLACED in one.alert.values) for one in sink.records
    ]
    assert b"sh -i" not in sink.records[0].body


def test_an_alert_whose_time_is_the_year_2600_is_stored_and_its_batch_with_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.db")
    late = good("late")
    late.time = 19_880_899_200 * 1_000_000_000
    spool.append(list(map(packed, (good("before"), late, good("after")))))
    assert ["before", "late", "after"] == [one.form.rule for _, one in spool.read(0, 10)]
    spool.close()


def test_every_poison_is_stored_or_becomes_a_dead_letter_beside_good_alerts_property(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.db")
    for number, one in enumerate(dict(poison()).values()):
        spool.append(list(map(packed, (good(f"before {number}"), one, good(f"after {number}")))))
    read = spool.read(0, 10_000)
    assert 2 * len(ALL) == sum(one.form.rule.startswith(("before ", "after ")) for _, one in read)
    assert 3 * len(ALL) == len(read) + spool.status().dead
    spool.close()


def test_two_poison_records_side_by_side_do_not_pass_for_a_destination_that_is_down() -> None:
    class Fragile(Kept):
        def deliver(self, records: Sequence[Record]) -> None:
            if any(record.alert.rule == "poison" for record in records):
                raise ValueError("cannot format it")
            self.records += records

    async def scenario() -> tuple[int, float]:
        sink = Fragile()
        alerts, worker, metrics = pipeline(encoder("json"), sink, limiter=AlertLimiter())
        for one in (good("poison"), good("poison"), good()):
            alerts.emit(one)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(worker.run())
            for _ in range(20):
                await asyncio.sleep(1.0)
                alerts.emit(good())
            await asyncio.sleep(1.0)
            running.cancel()
        return len(sink.records), metrics.counter(
            "sink_alerts_dropped_total", kind="sink", id="kept", reason="rejected"
        ).value

    assert (21, 2) == virtual_time.run(scenario())


def test_a_route_that_fails_lets_the_alert_pass_and_is_a_failure() -> None:
    class Broken(Route):
        def passes(self, alert: AlertForm) -> bool:
            raise TypeError("no")

    async def scenario() -> tuple[int, float]:
        _, worker, metrics = pipeline(encoder("json"), Kept())
        worker._route = Broken()
        worker.accept(packed(good()))
        failures = metrics.counter("component_failures_total", kind="sink", id="kept").value
        return int(worker.queue.in_memory()), failures

    assert (1, 1) == asyncio.run(scenario())


def extremes_of_sinks() -> Iterator[tuple[str, Record]]:
    """Yield alerts whose texts and values are extreme, as records."""
    made = encoder("json")
    for why, one in ALL.items():
        if type(one.id) is str and type(one.source) is str and isinstance(one.enrichment, dict):
            try:
                yield why, Record(one, made.encode(one, STAMP), STAMP)
            except Exception as error:  # noqa: BLE001  as the sink worker does
                yield why, Record(sanitized := plain_alert(one, error), made.encode(sanitized, STAMP), STAMP)


def journal_pairs(record: Record) -> object:
    return [journald._pair(*pair) for pair in journald.entry(record)]


def template_values(record: Record) -> object:
    return [read(RecordView(record)) for read in NAMES.values()]


def test_no_extreme_value_fails_the_batch_of_a_sink_property() -> None:
    kafka = MessageBuilder(
        KafkaSettings.model_validate({"bootstrap_servers": ["a:1"], "key": "container"}), "text/plain"
    )
    builders: list[Callable[[Record], object]] = [
        kafka.build,
        *(Formatter(SyslogSettings.model_validate({"protocol": form})).format for form in ("rfc5424", "rfc3164")),
        journal_pairs,
        template_values,
    ]
    for why, record in extremes_of_sinks():
        assert all(build(record) for build in builders), why


def test_an_unknown_priority_hides_nothing() -> None:
    assert Severity.CRITICAL is plain_alert(ALL["priority 0"], WHY).priority
