"""Calls that the source discards after they were judged: no alert is missing, unless a dependency is forgotten."""

import random
from collections.abc import Collection
from typing import Any

import msgspec
import pytest

from mozu.core.flow.judged_type import JudgedType
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.dependency import Dependency
from mozu.core.state import StateMachine
from tests.core.flow.test_verdict_memory import CHANGES, FAMILY, NAMED, TIMES, Change, Keeps, opened
from tests.core.flow.test_verdict_memory_fuzz import EVENTS, ROUNDS, TESTS, World, condition
from tests.support.discarding_source import OPENS, Discarding, JudgedBySource
from tests.support.judged_twice import ByRules, Judged

COUNTED = {"evt.num > 100", "util.cnt > 50", "evt.deltatime > 10"}
"""Conditions on the number of earlier events, which a filter in the kernel changes."""
OF_DESCRIPTORS = {"proc.fdopencount > 3", "proc.stdin.name = /etc/shadow"}
"""Conditions on descriptors: if a rule has one, no call that makes a descriptor may be discarded (`discardable_opens`).
"""


def fields() -> FieldRegistry:
    return FieldRegistry(builtin_fields())


def reported(change: Change, forgets: Collection[str] = ()) -> JudgedBySource:
    """Process the call often, then the change, then the call again."""
    one = JudgedBySource([ByRules((f"evt.type = openat and {change.rule}",), fields())], Discarding(forgets))
    one.process([])
    one.process(FAMILY)
    for _ in range(TIMES):
        one.process([change.call])
    one.process(change.act)
    for _ in range(TIMES):
        one.process([change.again or change.call])
    return one


CASES = [one for one in CHANGES if one.dependency is not Dependency.DESCRIPTORS]
IDS = [name for name, one in zip(NAMED, CHANGES, strict=True) if one in CASES]


@pytest.mark.parametrize("change", CASES, ids=IDS)
def test_no_alert_is_missing_after_what_it_depends_on_has_changed(change: Change) -> None:
    assert TIMES == len(reported(change).alerts())


@pytest.mark.parametrize("change", [one for one in CASES if one.act and one.dependency is not Dependency.FILE])
def test_a_source_that_forgets_what_changes_a_process_loses_alerts(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    if change.dependency is Dependency.TASKS:  # the source cannot know of these: such verdicts are not reported
        begun = JudgedType.__init__

        def sees(self: JudgedType, *given: Any) -> None:
            begun(self, *given)
            self.source_sees = True

        monkeypatch.setattr(JudgedType, "__init__", sees)
        assert len(reported(change).alerts()) < TIMES
    else:
        assert len(reported(change, {event.type for event in change.act}).alerts()) < TIMES


def test_equal_calls_are_given_until_they_are_judged_twice() -> None:
    one = reported(Change(Dependency.EVENT, "proc.pname = no-such-program", ()))

    assert 2 * TIMES - 5 == one.kernel.discarded


def test_other_evaluators_end_what_was_reported_at_once() -> None:
    one = reported(Change(Dependency.EVENT, "proc.pname = no-such-program", ()))
    discarded = one.kernel.discarded
    one.evaluation.use([Isolated("evaluator", "other", ByRules(("evt.type = openat",), fields()), Metrics())])
    one.process([opened()])

    assert (discarded, 1) == (one.kernel.discarded, len(one.alerts()))


def test_a_recording_ends_what_was_reported_at_once() -> None:
    one = reported(Change(Dependency.EVENT, "proc.pname = no-such-program", ()))
    recorder: Any = Keeps()
    one.pipeline.use_recorder(recorder)
    one.process([opened()])
    one.process([opened()])

    assert ["openat", "openat"] == [event.type for event in recorder.events]


def test_another_size_ends_what_was_reported_at_once() -> None:
    one = reported(Change(Dependency.EVENT, "proc.pname = no-such-program", ()))
    discarded = one.kernel.discarded
    one.pipeline.verdicts.use(0)
    for _ in range(TIMES):
        one.process([opened()])

    assert discarded == one.kernel.discarded


def test_a_call_that_the_source_has_forgotten_is_reported_again() -> None:
    one = reported(Change(Dependency.EVENT, "proc.pname = no-such-program", ()))
    discarded = one.kernel.discarded
    one.kernel._judged.clear()
    for _ in range(TIMES):
        one.process([opened()])

    assert discarded + TIMES - 2 == one.kernel.discarded


class Alike(World):
    """A world in which any process repeats another's call. No number is a thread's and a process's at a time, as in a
    kernel: the source finds by the number whose version changes.
    """

    def call(self) -> SyscallEvent:
        call, pid = super().call(), self.chance.choice(self.pids)
        if call.tid != call.pid and call.tid in self.pids:
            call = msgspec.structs.replace(call, tid=call.pid)
        return call if self.chance.random() < 0.8 else msgspec.structs.replace(call, tid=pid, pid=pid)


def alerts(one: Judged) -> list[tuple[object, ...]]:
    """Return the alerts by event time: event numbers count only the delivered events."""
    return [(alert.rule, alert.time, alert.values) for alert in one.taken.alerts]


def test_where_the_source_discards_the_same_alerts_come_fuzz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.core.flow.test_verdict_memory_fuzz.TESTS",
        tuple(test for test in TESTS if test not in COUNTED | OF_DESCRIPTORS),
    )
    discarded = shared = found = 0
    for seed in range(ROUNDS):
        chance = random.Random(f"reported {seed}")
        rules = [condition(chance) for _ in range(chance.randint(1, 4))]
        rules = [f"evt.type in ({', '.join(sorted(OPENS))}) and ({rule})" for rule in rules]
        whole = Judged([ByRules(rules, fields())], 0, StateMachine(procfs="/nowhere/at/all"))
        part = JudgedBySource([ByRules(rules, fields())], Discarding())
        part.process([])
        for batch in Alike(chance).batches(EVENTS):
            whole.process(batch)
            part.process(batch)
        assert alerts(whole) == alerts(part), (seed, rules)
        discarded += part.kernel.discarded
        shared += part.kernel.shared
        found += len(alerts(whole))
    assert discarded > 10 * ROUNDS
    assert shared > ROUNDS
    assert found > 20 * ROUNDS
