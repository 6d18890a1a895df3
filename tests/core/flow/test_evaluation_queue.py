"""Evaluators with a thread or a process of their own: order, bounds, unevaluated events, and failures."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mozu.core.filter.demand import Demand
from mozu.core.flow import evaluation_queue
from mozu.core.flow.evaluation import Evaluation
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.testing import alert, virtual_clock


class Elsewhere:
    """An evaluator that is awaited: it waits for `gate`, and fails on events of type `bad`."""

    def __init__(self, gate: asyncio.Event) -> None:
        self._gate = gate
        self.given: list[int] = []

    def demand(self) -> Demand:
        return Demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        raise AssertionError("it is awaited")

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self.given.append(len(batch))
        await self._gate.wait()
        if any(event.type == "bad" for event in batch):
            raise ValueError("bad")
        return [alert(event.type) for event in batch]

    def reload(self) -> "Elsewhere":
        return self


class Scene:
    """A queue of one awaited evaluator, whose further instances never wait."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.gate, self.emitted, self.pending = asyncio.Event(), list[str](), list[Any]()
        free = asyncio.Event()
        free.set()
        self.first, self.built = Elsewhere(self.gate), list[Elsewhere]()

        def build() -> Elsewhere:
            self.built.append(Elsewhere(free))
            return self.built[-1]

        self.isolated: Isolated[Any] = Isolated("evaluator", "far", self.first, Metrics(), build=build)

        def spawn(work: Awaitable[None], name: str) -> None:
            group.create_task(work, name=name)  # type: ignore[arg-type]  # a coroutine

        self.evaluation = Evaluation([self.isolated], spawn)

    def run(self, *types: str) -> None:
        events = [DataEvent("json", kind, 0, number) for number, kind in enumerate(types, 1)]
        self.evaluation.run(events, lambda one, _: self.emitted.append(one.rule), self.pending.append)

    def run_of(self, pid: int, kind: str, number: int) -> None:
        event = SyscallEvent("syscall", kind, 0, number, pid=pid)
        self.evaluation.run([event], lambda one, _: self.emitted.append(one.rule), self.pending.append)

    def count(self, name: str) -> int:
        return self.isolated.metrics.counter(name).value


def play(scene: Callable[[Scene], Awaitable[None]]) -> Scene:
    async def main() -> Scene:
        async with asyncio.TaskGroup() as group:
            made = Scene(group)
            await scene(made)
        return made

    return virtual_clock.run(main())


def test_batches_are_evaluated_one_after_the_other_in_order_and_nothing_waits_for_them() -> None:
    async def scene(made: Scene) -> None:
        made.run("a", "b")
        made.run("c")
        assert ([], [1, 1]) == (made.emitted, [batch.first for batch in made.pending])
        made.gate.set()
        for batch in made.pending:
            await batch.wait()

    assert ["a", "b", "c"] == play(scene).emitted


def test_a_bad_event_costs_itself_only() -> None:
    async def scene(made: Scene) -> None:
        made.gate.set()
        made.run("a", "bad", "b")

    made = play(scene)
    assert (["a", "b"], 1) == (made.emitted, made.count("events_rejected_total"))


def test_what_waits_is_bounded_and_the_rest_is_counted_and_reported(monkeypatch: Any) -> None:
    monkeypatch.setattr(evaluation_queue, "MAX_WAITING", 2)

    async def scene(made: Scene) -> None:
        for kind in "abcd":
            made.run(kind)
        assert {"far": 2} == made.evaluation.unevaluated()
        made.gate.set()

    assert ["a", "b"] == play(scene).emitted


def test_events_of_others_are_evaluated_beside_a_process_that_floods(monkeypatch: Any) -> None:
    monkeypatch.setattr(evaluation_queue, "MAX_WAITING", 100)

    async def scene(made: Scene) -> None:
        for number in range(100):
            made.run_of(1, "flood", number)
        made.run_of(2, "quiet", 101)
        made.gate.set()

    made = play(scene)
    assert {"flood": 50, "quiet": 1} == Counter(made.emitted)
    assert 50 == made.count("events_unevaluated_total")


def test_a_call_that_does_not_come_back_is_given_up_and_another_instance_goes_on() -> None:
    async def scene(made: Scene) -> None:
        made.run("a", "b")
        made.run("c")
        await made.pending[-1].wait()

    made = play(scene)
    assert (["c"], 2, 1) == (made.emitted, made.count("events_rejected_total"), made.isolated.failures.value)


def test_what_still_waits_at_the_end_is_counted() -> None:
    async def scene(made: Scene) -> None:
        made.run("a", "b")
        made.run("c")
        await asyncio.sleep(0)
        made.evaluation.give_up()
        assert all(batch.is_done for batch in made.pending)
        made.gate.set()

    made = play(scene)
    assert (3, [2]) == (made.count("events_unevaluated_total"), made.first.given)


def test_a_call_that_was_given_up_at_the_end_needs_no_other_instance_when_it_does_not_come_back() -> None:
    async def scene(made: Scene) -> None:
        made.run("a")
        await asyncio.sleep(0)
        made.evaluation.give_up()
        await asyncio.sleep(evaluation_queue.EVALUATE_SECONDS + 1)

    made = play(scene)
    assert ([], 0) == (made.built, made.count("events_rejected_total"))


def test_what_was_evaluated_makes_room_for_what_comes(monkeypatch: Any) -> None:
    monkeypatch.setattr(evaluation_queue, "MAX_WAITING", 2)

    async def scene(made: Scene) -> None:
        made.gate.set()
        for kind in "abcd":
            made.run(kind)
            made.run(kind)
            await made.pending[-1].wait()

    made = play(scene)
    assert (list("aabbccdd"), 0) == (made.emitted, made.count("events_unevaluated_total"))
