"""A call that exceeds its deadline is given up, whatever it does, and its component and method are named."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest

from mozu.core.errors import DeadlineExceeded
from mozu.core.isolation import detached as detached_work
from mozu.core.isolation import interrupter
from mozu.core.isolation.deadline import deadline, within
from mozu.core.isolation.interrupter import break_off, hasten
from mozu.core.isolation.isolated import Isolation
from mozu.core.metrics import Metrics
from mozu.core.testing import virtual_clock as virtual_time

LONG = 3600.0
"""Seconds of a hang; a test that waits for it has no deadline."""


class Component:
    """A sink whose calls misbehave."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.isolation = Isolation("sink", "siem", self.metrics)

    def exceeded(self) -> dict[str, float]:
        name = "component_deadline_exceeded_total"
        return {labels["method"]: value for found, labels, value in self.metrics.collect() if found == name}


async def sleep() -> None:
    await asyncio.sleep(LONG)


async def hold_the_loop() -> None:
    time.sleep(LONG)  # noqa: ASYNC251  what a component must not do


async def hold_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


async def compute() -> None:
    while True:
        pass


async def go_on_after_every_failure() -> None:
    while True:
        try:
            time.sleep(LONG)  # noqa: ASYNC251  as above
        except Exception:  # noqa: BLE001  as such code does
            continue


def test_a_call_that_awaits_too_long_is_named_and_counted() -> None:
    component = Component()
    with pytest.raises(DeadlineExceeded, match=r"sink siem: `start` did not end within 5 s"):
        virtual_time.run(within(component.isolation, "start", 5.0, sleep))
    assert component.exceeded() == {"start": 1}


@pytest.mark.parametrize("call", [hold_the_loop, hold_a_lock, compute, go_on_after_every_failure])
def test_a_call_that_holds_the_loop_is_broken_off(call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    component = Component()
    with pytest.raises(DeadlineExceeded, match="sink siem: `stop` did not end"):
        asyncio.run(within(component.isolation, "stop", 0.01, call))
    assert component.exceeded() == {"stop": 1}


def test_a_call_that_is_not_awaited_is_broken_off() -> None:
    component = Component()
    late = pytest.raises(DeadlineExceeded, match="sink siem: `build` did not end")
    with late, deadline(component.isolation, "build", 0.01):
        time.sleep(LONG)


def test_a_stop_shortens_the_time_of_calls_that_hold_the_loop() -> None:
    component = Component()

    def start() -> None:
        with deadline(component.isolation, "start", LONG):
            hasten(0.01)
            time.sleep(LONG)

    with pytest.raises(DeadlineExceeded):
        start()


@pytest.mark.parametrize("limited_too", [True, False])
def test_a_call_with_time_left_is_broken_off_only_where_events_wait_for_the_loop(limited_too: bool) -> None:
    one = Component()

    def hold() -> None:
        for _ in range(100):
            break_off(lambda component: component is one.isolation, limited_too=limited_too)  # raises at once, or never

    with contextlib.suppress(DeadlineExceeded), one.isolation.owned(), deadline(one.isolation, "start", LONG):
        hold()
    assert one.isolation.has_held is limited_too


def test_only_the_late_call_is_broken_off() -> None:
    """Check while another call, whose deadline is later, holds the loop."""
    component, other = Component(), Component()

    async def patient() -> str:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
        return "done"

    async def scene() -> tuple[object, object]:
        late = within(component.isolation, "start", 0.01, sleep)
        return await asyncio.gather(late, within(other.isolation, "start", LONG, patient), return_exceptions=True)

    late, patience = asyncio.run(scene())
    assert (isinstance(late, DeadlineExceeded), patience) == (True, "done")
    assert (component.exceeded(), other.exceeded()) == ({"start": 1}, {})


def test_a_call_within_another_has_no_more_time_than_that_one() -> None:
    component = Component()
    with pytest.raises(DeadlineExceeded), deadline(component.isolation, "start", 0.01):
        asyncio.run(within(component.isolation, "start", LONG, hold_the_loop))


def test_an_error_of_the_call_is_no_deadline() -> None:
    component = Component()

    async def time_out() -> None:
        raise TimeoutError("the server")

    with pytest.raises(TimeoutError, match="the server"):
        virtual_time.run(within(component.isolation, "start", 5.0, time_out))
    assert component.exceeded() == {}


def test_what_a_call_has_started_is_not_its_own_any_more() -> None:
    """Check with a task that a start leaves behind, which inherits the start's context but not its deadline."""
    component, over = Component(), asyncio.Event()

    async def work() -> None:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
        over.set()

    async def start() -> "asyncio.Task[None]":
        return asyncio.ensure_future(work())

    async def scene() -> None:
        await within(component.isolation, "start", 0.2, start)
        with pytest.raises(DeadlineExceeded):  # so that signals are sent while the task runs
            await within(component.isolation, "stop", 0.01, sleep)
        await over.wait()

    asyncio.run(scene())
    assert component.exceeded() == {"stop": 1}


class Heard(logging.Handler):
    """A log handler that keeps lines, and sets `heard` with the first."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.heard.set()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """Yield the log lines of the sink whose call is slow at once."""
    monkeypatch.setattr(interrupter, "SLOW_SECONDS", 0.01)
    handler, log = Heard(), logging.getLogger("mozu.sink.siem")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


def test_a_call_that_is_waited_for_is_reported_once_before_its_deadline(heard: Heard) -> None:
    component = Component()

    async def start() -> None:
        while not heard.heard.is_set():
            await asyncio.sleep(0.001)

    async def scene() -> None:
        await within(component.isolation, "start", LONG, start)
        heard.heard.clear()
        with pytest.raises(DeadlineExceeded):  # the same time again
            await within(component.isolation, "start", 0.3, sleep)

    asyncio.run(scene())
    assert heard.lines == ["waiting for sink siem: start (3600 s at most)"]


def test_a_call_that_holds_the_loop_is_reported_too(heard: Heard) -> None:
    component = Component()

    def build() -> None:
        with deadline(component.isolation, "build", 90.0):
            assert heard.heard.wait(60.0)

    build()
    assert heard.lines == ["waiting for sink siem: build (90 s at most)"]


def test_a_call_that_has_ended_is_not_reported_and_keeps_nothing() -> None:
    reports: list[str] = []
    with interrupter.limited(LONG, lambda: reports.append("waiting")):
        call = interrupter._current.get()
    assert call is not None
    call.report_slow(call.slow_at + 1)
    assert (reports, call.on_slow) == ([], None)


class PutOff:
    """An extra time that grants these seconds once."""

    def __init__(self, seconds: float) -> None:
        self._left = [seconds, 0.0]

    def take(self) -> float:
        return self._left.pop(0) if self._left else 0.0


def test_a_call_that_awaits_has_the_time_on_top_that_mozu_waited_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detached_work, "ExtraTime", partial(PutOff, 7.0))

    async def main() -> float:
        with pytest.raises(DeadlineExceeded):
            await within(Component().isolation, "start", 3.0, sleep)
        return asyncio.get_running_loop().time()

    assert 10.0 == pytest.approx(virtual_time.run(main()), abs=0.01)


def test_a_call_that_holds_the_loop_has_the_time_on_top_that_mozu_waited_for_a_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupter, "ExtraTime", partial(PutOff, 0.4))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded), deadline(Component().isolation, "build", 0.1):
        time.sleep(LONG)
    assert time.monotonic() - began >= 0.5


def test_a_stop_does_not_wait_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupter, "ExtraTime", partial(PutOff, LONG))

    def ask_and_hang() -> None:
        hasten(0.1)
        time.sleep(LONG)

    with pytest.raises(DeadlineExceeded), deadline(Component().isolation, "build", LONG):
        ask_and_hang()
