"""The effect of a reload, another source instance, or an alert without an event on the verdict memory."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow import verdict_memory
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent
from mozu.core.state import StateMachine
from tests.core.flow.making import Seen
from tests.core.flow.test_verdict_memory import FAMILY, TIMES, fields, judged_by, opened, process
from tests.core.state.story import made
from tests.support.judged_twice import SIZE, ByRules, Judged, Leaving

NEVER = "evt.type = openat and fd.name = /etc/shadow"


def calls(one: Judged, times: int = TIMES, **given: Any) -> int:
    """Process equal calls, a batch each; return how many of them were recognised."""
    before = one.pipeline.verdicts.hits.value
    for _ in range(times):
        one.process([opened(**given)])
    return one.pipeline.verdicts.hits.value - before


def remembering() -> Judged:
    """Return a judge that remembers the call of the worker."""
    one = judged_by(ByRules((NEVER,), fields()))
    one.process(FAMILY)
    assert calls(one) == TIMES - 4
    assert one.pipeline.verdicts.numbers() == {"hits": TIMES - 4, "misses": 4, "entries": 1}
    return one


def judged_anew(one: Judged, evaluator: Any) -> None:
    one.evaluation.use([Isolated("evaluator", "fresh", evaluator, Metrics())])


def test_another_size_forgets_and_the_same_does_not() -> None:
    one = remembering()
    one.pipeline.verdicts.use(SIZE)
    assert calls(one) == TIMES
    one.pipeline.verdicts.use(2 * SIZE)
    assert one.pipeline.verdicts.numbers()["entries"] == 0
    assert calls(one) == TIMES - 4
    one.pipeline.use(EnrichmentBufferBounds(), 0)
    assert calls(one) == 0
    assert one.source.left == frozenset()


def test_after_a_reload_tasks_are_looked_at_from_their_fourth_call_on_again() -> None:
    one = remembering()
    judged_anew(one, ByRules((NEVER,), fields()))
    assert calls(one) == TIMES - 4


def test_a_type_that_rests_is_left_alone_by_rules_that_do_not_say_by_what_they_judge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "RESTS", (5, 5))
    one = judged_by(ByRules((NEVER,), fields()))
    one.process(FAMILY)
    for number in range(21):
        one.process([opened(path=f"/srv/{number}")])
    assert "openat" not in one.source.left
    judged_anew(one, Seen())
    left = []
    for _ in range(TIMES):
        one.process([opened()])
        left.append(one.source.left)
    assert set(left) == {frozenset()}


def test_a_type_that_rests_is_tried_at_once_under_other_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "RESTS", (50, 50))
    one = judged_by(ByRules((NEVER,), fields()))
    one.process(FAMILY)
    for number in range(21):
        one.process([opened(path=f"/srv/{number}")])
    assert "openat" not in one.source.left
    judged_anew(one, ByRules((NEVER,), fields()))
    one.process([])
    assert "openat" in one.source.left


class Wanting(ByRules):
    """An evaluator that wants events of some types only."""

    def demand(self) -> Demand:
        return Demand({"syscall": dict.fromkeys(("openat", "read", "nosuch"), Interest())})


def test_the_types_that_are_left_undecoded_are_those_that_some_rule_wants() -> None:
    assert judged_by(Wanting((NEVER,), fields())).source.left == {"openat"}
    assert judged_by(ByRules((NEVER,), fields())).source.left > {"openat", "open"}


def test_another_instance_of_the_source_is_given_the_types_and_the_same_one_only_once() -> None:
    class Counting(Leaving):
        def __init__(self) -> None:
            super().__init__()
            self.times = 0

        def leave_undecoded(self, types: frozenset[str]) -> None:
            super().leave_undecoded(types)
            self.times += 1

    one = judged_by(ByRules((NEVER,), fields()))
    first, second = one.source.left, Counting()
    source: Any = one.pipeline.source
    source._component = second
    for _ in range(3):
        one.process([])
    assert (second.left, second.times) == (first, 1)


class NamesNone(ByRules):
    """An evaluator whose alerts name no event."""

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        return [msgspec.structs.replace(alert, event_num=0) for alert in super().evaluate(batch)]


def test_an_alert_that_names_no_event_keeps_nothing_of_later_batches_from_being_remembered() -> None:
    one = judged_by(NamesNone((NEVER,), fields()))
    one.process(FAMILY)
    one.process([opened(path="/etc/shadow")])
    assert calls(one) == TIMES - 3
    assert 1 == len(one.alerts())


def test_what_is_held_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    one = remembering()
    with monkeypatch.context() as patch:
        patch.setattr(one.pipeline._buffer, "admit", lambda events: ())
        one.process([opened(path="/srv/held")])
    assert calls(one, path="/srv/held") == TIMES - 1


def test_a_source_that_follows_the_state_is_given_recognised_calls_behind_the_others() -> None:
    class Following(Leaving):
        def __init__(self) -> None:
            super().__init__()
            self.applied: list[list[tuple[type, str]]] = []

        def state_applied(self, batch: Sequence[Event]) -> None:
            self.applied.append([(type(event), event.type) for event in batch])

    source = Following()
    one = Judged([ByRules((NEVER,), fields())], SIZE, StateMachine(procfs="/nowhere/at/all"), source)
    one.process([])
    one.process(FAMILY)
    calls(one)
    source.applied.clear()
    one.process([opened(), made("close", 20, of=20, res=0, fd=3)])
    one.process([opened(path="/srv/other")])
    recognised, closed, other = (UndecodedEvent, "openat"), (SyscallEvent, "close"), (SyscallEvent, "openat")
    assert [[closed, recognised], [other]] == source.applied


def test_equal_calls_of_one_batch_are_kept_once() -> None:
    one = judged_by(ByRules((NEVER,), fields()))
    one.process(FAMILY)
    calls(one, 3)
    one.process([opened()] * 3)
    assert one.pipeline.verdicts.numbers()["entries"] == 1
    assert [one.pipeline.verdicts.shrink() for _ in range(2)] == [1, 0]
    assert calls(one) == TIMES - 1


def test_tasks_that_have_made_few_calls_are_known_up_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "_TASKS", 8)
    one = judged_by(ByRules((NEVER,), fields()))
    one.process([*FAMILY, *(process(tid, name="other", ptid=10) for tid in range(100, 140))])
    known = []
    for tid in range(100, 140):
        one.process([opened(tid)])
        known.append(len(one.pipeline.verdicts._few))
    assert max(known) == 8
