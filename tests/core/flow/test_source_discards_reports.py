"""The reports to a source that may discard judged calls, call by call."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mozu.core.flow import source_discards
from mozu.core.flow.source_discards import SourceDiscards
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import UndecodedEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from tests.core.flow.test_verdict_memory import FAMILY, opened
from tests.support.judged_twice import SIZE, ByRules, Judged, Leaving, undecoded

Report = tuple[list[str] | None, dict[str, int]]


class Source:
    """A source that keeps its reports: keys of events (None: every key is invalid), and classes of callers."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def discard_judged(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        keys = None if events is None else [event.source_key.decode() for event in events]
        self.reports.append((keys, {caller.decode(): number for caller, number in classes.items()}))


class Scene:
    """The verdict memory of a source that keeps its reports."""

    def __init__(self, component: Any = None) -> None:
        self.source = Source()
        isolated: Isolated[Any] = Isolated("source", "made", component or self.source, Metrics())
        self.discards = SourceDiscards(isolated)

    def reported(self) -> list[Report]:
        """Return the reports made up to the end of a batch."""
        self.discards.flush()
        found, self.source.reports = self.source.reports, []
        return found


def call(key: str = "", caller: str = "") -> UndecodedEvent:
    return UndecodedEvent("syscall", "openat", 1, source_key=key.encode(), source_caller=caller.encode())


def test_a_batch_without_news_reports_nothing() -> None:
    scene = Scene()
    assert [] == scene.reported()
    scene.discards.add(call())
    scene.discards.missed(call(key="k"), 7)
    assert [] == scene.reported()


def test_remembered_calls_and_classes_of_callers_are_reported_once_at_the_end_of_their_batch() -> None:
    scene = Scene()
    scene.discards.missed(call(caller="c"), 7)
    scene.discards.missed(call(caller="d"), 8)
    for key in "aba":
        scene.discards.add(call(key))
    assert [(["a", "b"], {"c": 7, "d": 8})] == scene.reported()
    assert [] == scene.reported()


def test_a_caller_without_a_class_gets_one_when_its_call_is_recognised_here() -> None:
    scene = Scene()
    scene.discards.recalled(call(caller="c"), 7)
    assert [([], {"c": 7})] == scene.reported()


def test_a_call_that_was_reported_may_be_on_its_way_once_and_is_reported_again_after_that() -> None:
    scene = Scene()
    scene.discards.add(call("a"))
    reports = [scene.reported()]
    for _ in range(4):
        scene.discards.recalled(call("a"), 7)
        reports.append(scene.reported())
    news: list[Report] = [(["a"], {})]
    assert [news, [], news, [], news] == reports


def test_a_call_that_was_never_reported_is_reported_when_it_is_recognised() -> None:
    scene = Scene()
    scene.discards.recalled(call("a"), 7)
    assert [(["a"], {})] == scene.reported()


def test_what_holds_no_more_is_taken_back_at_once_and_only_where_something_was_reported() -> None:
    scene = Scene()
    scene.discards.forget()
    scene.discards.add(call("a"))
    scene.discards.missed(call(caller="c"), 7)
    scene.discards.forget()
    assert [] == scene.source.reports
    assert [] == scene.reported()
    scene.discards.add(call("a"))
    scene.reported()
    scene.discards.forget()
    scene.discards.forget()
    assert [(None, {})] == scene.reported()
    scene.discards.recalled(call("a"), 7)  # the source has forgotten the verdict
    assert [(["a"], {})] == scene.reported()


@pytest.mark.parametrize("others", [1, 2])
def test_as_many_calls_as_the_bound_are_known_to_be_reported(others: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_discards, "_MOST_REPORTED", 2)
    scene = Scene()
    scene.discards.add(call("a"))
    for number in range(others):
        scene.discards.add(call(f"other {number}"))
    scene.reported()
    scene.discards.recalled(call("a"), 7)
    expected: list[Report] = [] if others == 1 else [(["a"], {})]
    assert expected == scene.reported()


def test_a_source_that_discards_nothing_is_not_asked() -> None:
    scene = Scene(object())
    scene.discards.add(call("a"))
    scene.discards.flush()
    scene.discards.forget()
    assert [] == scene.source.reports


class Keeping(Leaving, Source):
    """A source that leaves events undecoded, and keeps its reports."""

    def __init__(self) -> None:
        Leaving.__init__(self)
        Source.__init__(self)


@pytest.mark.parametrize(
    ("rule", "reports"), [("proc.pname = evil", [0, 0, 0, 1, 1, 2]), ("proc.sname = evil", [0] * 6)]
)
def test_a_call_that_the_source_can_recognise_is_reported_with_the_batch_in_which_it_is_remembered(
    rule: str, reports: list[int]
) -> None:
    source = Keeping()
    rules = ByRules((f"evt.type = openat and {rule}",), FieldRegistry(builtin_fields()))
    one = Judged([rules], SIZE, StateMachine(procfs="/nowhere/at/all"), source)
    one.process([])
    one.process(FAMILY)
    found = []
    for _ in reports:
        event = undecoded(opened())
        event.source_key = b"a"
        one.pipeline.process([event])
        found.append(len(source.reports))
    assert reports == found  # a rule on the session depends on other tasks, which no source sees
