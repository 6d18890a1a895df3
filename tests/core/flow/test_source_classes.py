"""Classes of callers for which rules read the same values: a verdict on one is applied to all of its class, and to no
other.
"""

from collections.abc import Collection, Iterator

import msgspec
import pytest

from mozu.core.flow import judged_type
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields.dependency import OF_TASK, Dependency
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess, ProcSnapshot
from tests.core.flow.test_source_discards import CASES, IDS, alerts, fields
from tests.core.flow.test_verdict_memory import FAMILY, SECOND, TIMES, Change, forget, opened, process
from tests.support.discarding_source import Discarding, JudgedBySource
from tests.support.judged_twice import ByRules, Judged

ALIKE = process(30, name="worker", ptid=10, sid=9, uid=0)
"""A process with the same values as the worker of FAMILY."""
OF_CLASSES = [one for one in CASES if one.dependency in OF_TASK - {Dependency.TASKS} and one.act]
NAMED = [name for name, one in zip(IDS, CASES, strict=True) if one in OF_CLASSES]


def also(event: SyscallEvent) -> SyscallEvent:
    """Return the same event by the other process."""
    return msgspec.structs.replace(event, tid=30, pid=30)


def batches(change: Change) -> Iterator[list[SyscallEvent]]:
    """Yield batches in which both processes call often, one of them changes, and both call again."""
    yield []
    yield [*FAMILY, ALIKE]
    for _ in range(TIMES):
        yield [change.call]
        yield [also(change.call)]
    yield list(change.act)
    for _ in range(TIMES):
        yield [also(change.call)]
        yield [change.again or change.call]


def by_source(change: Change, forgets: Collection[str] = ()) -> JudgedBySource:
    one = JudgedBySource([ByRules((f"evt.type = openat and {change.rule}",), fields())], Discarding(forgets))
    for batch in batches(change):
        one.process(batch)
    return one


def expected(change: Change) -> list[tuple[object, ...]]:
    """Return the alerts if every event is judged."""
    rules = ByRules((f"evt.type = openat and {change.rule}",), fields())
    one = Judged([rules], 0, StateMachine(procfs="/nowhere/at/all"))
    for batch in batches(change):
        one.process(batch)
    return alerts(one)


@pytest.mark.parametrize("change", CASES, ids=IDS)
def test_no_alert_is_missing_when_one_of_two_processes_changes(change: Change) -> None:
    found = alerts(by_source(change))

    assert found == expected(change)
    assert len(found) >= TIMES


@pytest.mark.parametrize("change", OF_CLASSES, ids=NAMED)
def test_a_process_is_discarded_by_what_was_judged_of_another(change: Change) -> None:
    assert by_source(change).kernel.shared >= TIMES // 2


@pytest.mark.parametrize("change", OF_CLASSES, ids=NAMED)
def test_a_source_that_forgets_what_changes_a_process_loses_alerts_of_one_of_two(change: Change) -> None:
    assert len(alerts(by_source(change, {event.type for event in change.act}))) < len(expected(change))


@pytest.mark.parametrize("change", OF_CLASSES, ids=NAMED)
def test_classes_that_lack_a_dependency_lose_alerts(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(change.dependency, monkeypatch)

    assert len(alerts(by_source(change))) < len(expected(change))


def test_classes_whose_numbers_come_again_lose_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    change = next(one for one in CASES if one.dependency is Dependency.IDENTITY)
    monkeypatch.setattr(judged_type, "_numbers", iter([1] * TIMES))

    assert len(alerts(by_source(change))) < len(expected(change))


def test_a_process_without_a_class_is_given_until_it_has_one() -> None:
    change = Change(Dependency.EVENT, "proc.pname = no-such-program", ())
    kernel = by_source(change).kernel
    kernel.classes.clear()

    assert kernel.give(opened()) is not None


class KeepsClasses(Discarding):
    """A kernel stand-in that keeps the classes when it should forget everything."""

    def forget(self) -> None:
        kept = dict(self.classes)
        super().forget()
        self.classes.update(kept)


@pytest.mark.parametrize(("kernel", "lost"), [(Discarding(), False), (KeepsClasses(), True)])
def test_other_rules_make_other_classes(kernel: Discarding, lost: bool) -> None:
    """Start with rules that do not distinguish the two processes."""
    other = process(30, name="worker", ptid=10, sid=9, uid=1000)
    one = JudgedBySource([ByRules(("evt.type = openat and fd.name = /etc/shadow",), fields())], kernel)
    one.process([])
    one.process([*FAMILY, other])
    for _ in range(TIMES):
        one.process([opened(), opened(30)])
    fresh = ByRules(("evt.type = openat and user.uid = 1000",), fields())
    one.evaluation.use([Isolated("evaluator", "fresh", fresh, Metrics())])
    for _ in range(TIMES):
        one.process([opened()])
    for _ in range(TIMES):
        one.process([opened(30)])

    assert lost is (len(one.alerts()) < TIMES)


class KeepsKeys(Discarding):
    """A kernel stand-in whose keys are the same in all generations."""

    def forget(self) -> None:
        super().forget()
        self.generation = 0


@pytest.mark.parametrize(("kernel", "lost"), [(Discarding(), False), (KeepsKeys(), True)])
def test_a_call_from_before_a_repair_says_nothing_of_the_class_before(kernel: Discarding, lost: bool) -> None:
    """Repair a state that missed a change of user of one of two processes, while calls are under way."""
    one = JudgedBySource([ByRules(("evt.type = openat and fd.name = /srv/key and user.uid = 0",), fields())], kernel)
    one.process([])
    one.process([*FAMILY, ALIKE])
    for _ in range(TIMES):
        one.process([opened(), opened(30)])
    under_way = [kernel.give(opened(path="/srv/key")) for _ in range(TIMES)]
    known = KnownProcess(ptid=10, name="worker", uid=1000, sid=9, vtid=20, vpid=20, start=SECOND)
    one.pipeline.repair([SyscallEvent("syscall", "_repaired", 0, 1, 20, 20, observed=ProcSnapshot(20, 20, known))])
    for event in filter(None, under_way):
        one.pipeline.process([event])
    for _ in range(TIMES):
        one.process([opened(30)])
    for _ in range(TIMES):
        one.process([opened(30, path="/srv/key")])

    assert lost is (len(one.alerts()) < TIMES)
