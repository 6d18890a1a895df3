"""Ends of a component's call: an exception, wherever raised, is the component's failure unless mozu caused it."""

import asyncio
import threading
import types
from collections.abc import Callable, Generator

import pytest

from mozu.core.api import Obstacle
from mozu.core.delivery.packed_alert import AlertPacker, unpack
from mozu.core.flow.evaluation import Evaluation
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Ref, Template
from mozu.core.model.event import DataEvent, Event
from mozu.core.model.fields.checked_reader import checked_reader
from mozu.core.runtime.preflight.start import Finding, Start
from mozu.testing import alert
from tests.core.flow.test_evaluation import Rule, isolated
from tests.core.runtime.test_field_checks import field


class Ends(Rule):
    """An evaluator that raises an exception that ends a coroutine."""

    def evaluate(self, batch: object) -> list[Alert]:
        raise GeneratorExit


def on_a_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def in_a_callback(call: Callable[[], None]) -> None:
    """Call `call` in a callback of the loop, without a task, as held events are evaluated."""

    async def main() -> None:
        done = asyncio.Event()
        asyncio.get_running_loop().call_soon(call)
        asyncio.get_running_loop().call_soon(done.set)
        await done.wait()

    asyncio.run(main())


def in_a_task(call: Callable[[], None]) -> None:
    async def main() -> None:
        call()

    asyncio.run(main())


@pytest.mark.parametrize("run", [on_a_thread, in_a_callback, in_a_task, lambda call: call()])
def test_an_evaluator_that_raises_generator_exit_costs_no_other_its_events(
    run: Callable[[Callable[[], None]], None],
) -> None:
    metrics, found = Metrics(), list[str]()
    evaluation = Evaluation([isolated(Ends("ends"), metrics), isolated(Rule("good"), metrics)])
    events: list[Event] = [DataEvent("json", "good", 0) for _ in range(50)]

    def evaluate() -> None:
        evaluation.run(events, lambda one, _: found.append(one.rule))

    run(evaluate)
    assert found == ["good"] * 50


@types.coroutine
def suspended() -> Generator[None, None, None]:
    yield


def test_a_coroutine_that_is_closed_is_no_failure() -> None:
    component = Isolated[object]("source", "file", object(), Metrics())

    async def reading() -> None:
        with component.contained("read events"):
            await suspended()

    work = reading()
    work.send(None)
    work.close()  # raises RuntimeError if the block has kept the exception
    assert component.failures.value == 0


class CannotSay:
    def obstacles(self) -> list[Obstacle]:
        raise SystemExit(3)


def test_a_component_that_ends_the_process_where_it_is_asked_about_the_start_is_an_obstacle() -> None:
    start = Start(components=[("sink bell", CannotSay())])
    assert [str(one) for one in start.findings() if isinstance(one, Finding)] == [
        "sink bell: it cannot say what a start would find: SystemExit: SystemExit: 3"
    ]


def test_a_reader_that_raises_what_ctrl_c_raises_has_no_value_and_harms_no_evaluator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(event: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("mozu.core.model.fields.checked_reader.is_by_signal", lambda: False)
    wrong: list[str] = []
    read = checked_reader(field(), interrupt, None, lambda _, text: wrong.append(text))
    assert (read(None), wrong) == (None, ["its reader raised KeyboardInterrupt: KeyboardInterrupt"])


class Evil(str):
    """A value of a plugin that raises SystemExit when it is read."""

    def __len__(self) -> int:
        raise SystemExit(0)

    def __getitem__(self, key: object) -> str:
        raise SystemExit(0)


def test_a_value_that_ends_the_process_when_it_is_read_is_replaced() -> None:
    evil = alert("A rule")
    evil.values["proc.name"] = Evil("y")
    evil.template = Template((Ref("proc.name", "string"),))
    assert unpack(AlertPacker().pack(evil)).rule == "A rule"
