"""The probe of a source: it passes only if the event that the source caused has been evaluated."""

import asyncio
from collections.abc import Callable
from typing import Any

from mozu.core.flow.source_probe import PROBE_SECONDS
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import DataEvent, Event
from mozu.core.testing import alert
from mozu.core.testing import virtual_clock as virtual_time
from tests.core.flow.making import Seen, pipeline_of


class Probing:
    """A source that can probe itself."""

    def make_probe(self) -> Callable[[Event], bool]:
        return lambda event: event.type == "probe"


class Broken(Probing):
    def make_probe(self) -> Callable[[Event], bool]:
        raise OSError("no more processes")


class Raises(Probing):
    def make_probe(self) -> Callable[[Event], bool]:
        def recognises(event: Event) -> bool:
            raise ValueError("what is this?")

        return recognises


def result(source: Any, *types: str, judge: Callable[[Event], list[Alert]] = lambda event: []) -> tuple[str, float]:
    """Return the probe's outcome and time, if events of these types come one second after the probe was made."""

    async def main() -> tuple[str, float]:
        metrics = Metrics()
        pipeline = pipeline_of(
            Isolated("source", "made", source, metrics), Seen(judge), live=True, state=None, metrics=metrics
        )
        loop = asyncio.get_running_loop()
        before = loop.time()
        loop.call_later(1.0, lambda: pipeline.process([DataEvent("json", kind, 0) for kind in types]))
        found = await pipeline.probe.run()
        assert not pipeline.probe.is_pending
        return found, loop.time() - before

    return virtual_time.run(main())


def raising(kind: str) -> Callable[[Event], list[Alert]]:
    def judge(event: Event) -> list[Alert]:
        if event.type == kind:
            raise RuntimeError("a rule that cannot be judged")
        return [alert("fine")]

    return judge


def test_the_event_that_the_source_caused_passes_it_at_once() -> None:
    assert ("passed", 1.0) == result(Probing(), "other", "probe")


def test_other_events_do_not() -> None:
    assert ("failed", PROBE_SECONDS) == result(Probing(), "other", "other")


def test_a_source_that_gives_nothing_fails_in_bounded_time() -> None:
    assert ("failed", PROBE_SECONDS) == result(Probing())


def test_an_event_on_which_the_evaluator_fails_has_not_come_through() -> None:
    assert "failed" == result(Probing(), "other", "probe", judge=raising("probe"))[0]


def test_the_failure_of_an_evaluator_on_another_event_does_not_count() -> None:
    assert "passed" == result(Probing(), "other", "probe", judge=raising("other"))[0]


def test_a_source_that_cannot_make_one_has_failed() -> None:
    assert ("failed", 0.0) == result(Broken(), "probe")


def test_one_that_fails_to_recognise_has_failed() -> None:
    assert "failed" == result(Raises(), "probe")[0]


def test_a_source_without_a_way_is_not_checked() -> None:
    assert ("not checked", 0.0) == result(object())
