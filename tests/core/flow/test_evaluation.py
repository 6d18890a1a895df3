"""Evaluation: evaluators are isolated from each other, and a reload replaces them between two batches."""

from collections.abc import Sequence

import pytest

from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.evaluation import Evaluation
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import DataEvent, Event
from mozu.core.testing import alert


class Rule:
    """An evaluator that raises an alert with its name for each event, and fails on events of type `bad` if it is
    fragile.
    """

    def __init__(self, name: str, *, fragile: bool = False) -> None:
        self.name, self._fragile = name, fragile

    def demand(self) -> Demand:
        return Demand({"json": {self.name: Interest()}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        if self._fragile and any(event.type == "bad" for event in batch):
            raise ValueError("bad")
        return [alert(self.name) for _ in batch]

    def reload(self) -> "Rule":
        return Rule(f"{self.name} reloaded")


def isolated(rule: Rule, metrics: Metrics) -> Isolated[Rule]:
    return Isolated("evaluator", rule.name, rule, metrics)


def emitted(evaluation: Evaluation, *types: str) -> list[str]:
    found: list[str] = []
    evaluation.run([DataEvent("json", kind, 0) for kind in types], lambda one, _: found.append(one.rule))
    return found


def test_demand_is_that_of_all_evaluators() -> None:
    metrics = Metrics()
    evaluation = Evaluation(isolated(Rule(name), metrics) for name in ("a", "b"))
    assert {"a", "b"} == set(evaluation.demand().of("json"))


class Counting(Rule):
    """An evaluator that counts how often its demand is asked for."""

    asked = 0

    def demand(self) -> Demand:
        self.asked += 1
        return super().demand()


def test_an_evaluator_that_is_left_out_is_not_asked_and_wants_what_it_wanted() -> None:
    rule = Counting("a")
    one = isolated(rule, Metrics())
    evaluation = Evaluation([one])
    evaluation.demand()
    one.suspend()
    assert ({"a"}, 1) == (set(evaluation.demand().of("json")), rule.asked)
    fresh = Counting("b")
    evaluation.use([one.with_component(fresh)])
    assert ({"b"}, 1) == (set(evaluation.demand().of("json")), fresh.asked)


class Holding(Counting):
    """An evaluator whose demand is interrupted."""

    def demand(self) -> Demand:
        super().demand()
        raise Interrupted("it held the event loop")


def test_an_evaluator_whose_demand_was_broken_off_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Holding("a")
    one = isolated(rule, Metrics())
    evaluation = Evaluation([one])
    evaluation.demand()
    monkeypatch.setattr(type(one.suspension), "is_over", True)
    assert ({}, 1) == (dict(evaluation.demand().of("json")), rule.asked)


def test_an_evaluator_that_fails_is_given_the_events_one_by_one_and_the_others_are_not_touched() -> None:
    metrics = Metrics()
    evaluation = Evaluation([isolated(Rule("fragile", fragile=True), metrics), isolated(Rule("fine"), metrics)])
    assert ["fragile", "fragile", "fine", "fine", "fine"] == emitted(evaluation, "a", "bad", "b")
    rejected = {labels["id"]: value for name, labels, value in metrics.collect() if name == "events_rejected_total"}
    assert {"fragile": 1, "fine": 0} == rejected


class Awaited(Rule):
    """An evaluator that is awaited."""

    async def evaluate_batch(self, batch: Sequence[Event]) -> Sequence[Alert]:
        return []


def test_an_evaluator_that_is_left_out_or_awaited_keeps_no_other_from_judging() -> None:
    metrics = Metrics()
    left_out = isolated(Rule("left out"), metrics)
    left_out.suspend()
    awaited = isolated(Awaited("awaited"), metrics)
    evaluation = Evaluation([left_out, awaited, isolated(Rule("a"), metrics)], lambda work, name: work.close())  # type: ignore[attr-defined]  # a coroutine
    assert ["a", "a"] == emitted(evaluation, "x", "y")
    assert not evaluation.was_whole
    assert {"left out": 2, "awaited": 0} == evaluation.unevaluated()
    for evaluators, whole in (([awaited], False), ([isolated(Rule("b"), metrics)], True), ([left_out], False)):
        evaluation.use(evaluators)
        emitted(evaluation, "x")
        assert evaluation.was_whole is whole


class BrokenOff(Rule):
    """An evaluator whose calls are interrupted."""

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        raise Interrupted("it held the event loop")


def test_a_batch_whose_evaluation_was_broken_off_is_rejected_whole_and_not_tried_again() -> None:
    metrics = Metrics()
    evaluation = Evaluation([isolated(BrokenOff("a"), metrics), isolated(Rule("b"), metrics)])
    events = [DataEvent("json", "x", 0, number) for number in (1, 2)]
    rules: list[str] = []
    rejected = evaluation.run(events, lambda one, _: rules.append(one.rule))
    assert (rejected, rules) == (events, ["b", "b"])
    counted = {labels["id"]: value for name, labels, value in metrics.collect() if name == "events_rejected_total"}
    assert counted == {"a": 2, "b": 0}


class Reading(Rule):
    """An evaluator that reports its rules, and those that read a field."""

    def rules_reading(self, field: str) -> Sequence[str]:
        return [f"{self.name} reads {field}"]

    def rule_names(self) -> Sequence[str]:
        return [self.name]


def test_the_rules_that_read_a_field_are_those_of_all_evaluators_that_can_say_so() -> None:
    metrics = Metrics()
    evaluation = Evaluation(isolated(one, metrics) for one in (Reading("a"), Rule("b"), Reading("c")))
    assert evaluation.rules_reading("proc.name") == ["a reads proc.name", "c reads proc.name"]


def test_the_digest_of_the_rules_changes_with_each_evaluator_its_name_and_its_rules() -> None:
    metrics = Metrics()
    digests = [
        Evaluation(isolated(one, metrics) for one in evaluators).rules_digest()
        for evaluators in ((), (Rule("a"),), (Reading("a"),), (Reading("b"),), (Reading("a"), Rule("b")))
    ]
    assert len(set(digests)) == len(digests)


def test_a_reload_puts_evaluators_in_the_place_of_those_before_which_may_come_back() -> None:
    metrics = Metrics()
    one = isolated(Rule("a"), metrics)
    evaluation = Evaluation([one])
    before = evaluation.use([one.with_component(one.component.reload())])
    reloaded = emitted(evaluation, "x")
    evaluation.use(before)
    assert (["a reloaded"], ["a"]) == (reloaded, emitted(evaluation, "x"))
    assert {"a"} == {labels["id"] for name, labels, _ in metrics.collect() if name == "component_failures_total"}
