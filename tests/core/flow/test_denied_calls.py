"""Calls that are judged before they run: what is numbered, what is denied, and who says so."""

from collections.abc import Callable, Sequence
from typing import Any

from mozu.core.api import CallJudge, CallVerdict
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.testing import alert
from tests.core.flow.making import Seen, Taken, pipeline_of
from tests.core.state.story import made

SECRET = "/srv/secret"


def named(event: Event) -> Alert:
    found = alert("Secret opened")
    found.event_num, found.event_type, found.respond = event.num, event.type, ("deny",)
    return found


def is_about_the_secret(event: Event) -> bool:
    return isinstance(event, SyscallEvent) and SECRET in event.args


class Denying(Seen):
    """Denies what is about the secret, and raises an alert for it as a rule without a result does."""

    def __init__(self, verdict: Callable[[SyscallEvent], CallVerdict] | None = None) -> None:
        super().__init__(lambda event: [named(event)] if is_about_the_secret(event) else ())
        self._verdict = verdict or _verdict

    def call_judge(self) -> CallJudge | None:
        return CallJudge(frozenset({"openat"}), self._verdict)


def _verdict(event: SyscallEvent) -> CallVerdict:
    denied = is_about_the_secret(event)
    return CallVerdict(denied, [named(event)] if denied else [])


def opening(path: str, result: int = 7, tid: int = 20) -> SyscallEvent:
    return made("openat", tid, of=tid, fd=result, dirfd=-100, name=path)


def run(*evaluators: Any) -> tuple[SourcePipeline, Taken, Metrics]:
    metrics, taken = Metrics(), Taken()
    source: Isolated[Any] = Isolated("source", "made", object(), metrics)
    state = StateMachine(procfs=None)
    return pipeline_of(source, *evaluators, live=True, state=state, metrics=metrics, worker=taken), taken, metrics


def rules(taken: Taken) -> Sequence[str]:
    return [one.rule for one in taken.alerts]


def test_a_denied_call_has_the_alert_of_its_rule_and_one_that_says_deny() -> None:
    pipeline, taken, _ = run(Denying())

    verdict = pipeline.call_judge().judge(opening(SECRET))

    first, second = taken.alerts
    assert (True, "Secret opened", "Response taken") == (verdict.denied, first.rule, second.rule)
    assert ("deny", first.id) == (second.values["responder"], second.values["alert"])
    assert "deny openat of process 20" in second.message()


def test_a_call_that_no_rule_denies_raises_nothing_before_it_runs() -> None:
    pipeline, taken, metrics = run(Denying())

    verdict = pipeline.call_judge().judge(opening("/etc/hosts"))

    assert (False, []) == (verdict.denied, taken.alerts)
    counted = {name: value for name, _, value in metrics.collect() if name.startswith("calls_")}
    assert {"calls_judged_total": 1, "calls_denied_total": 0} == counted


def test_the_exit_of_a_denied_call_does_not_raise_the_same_alert_again() -> None:
    pipeline, taken, _ = run(Denying())
    pipeline.call_judge().judge(opening(SECRET))

    pipeline.process([opening(SECRET, -1)])

    assert ["Secret opened", "Response taken"] == rules(taken)


def test_another_task_that_was_refused_by_the_kernel_is_reported() -> None:
    pipeline, taken, _ = run(Denying())
    pipeline.call_judge().judge(opening(SECRET))

    pipeline.process([opening(SECRET, -1, tid=21)])

    assert ["Secret opened", "Response taken", "Secret opened"] == rules(taken)[:3]


def test_judging_changes_nothing_that_later_events_see() -> None:
    evaluator = Denying()
    pipeline, _, _ = run(evaluator)
    pipeline.call_judge().judge(opening("/etc/hosts"))

    pipeline.process([made("read", 20, of=20, fd=7)])

    assert [None] == [event.file for event in evaluator.events if isinstance(event, SyscallEvent)]


def test_numbers_go_on_behind_a_judged_call() -> None:
    evaluator = Denying()
    pipeline, taken, _ = run(evaluator)
    pipeline.process([opening("/a")])
    pipeline.call_judge().judge(opening(SECRET))

    pipeline.process([opening("/b")])

    assert ([1, 3], 2) == ([event.num for event in evaluator.events], taken.alerts[0].event_num)


def test_a_judge_that_fails_denies() -> None:
    def fails(event: SyscallEvent) -> CallVerdict:
        raise ValueError("no")

    pipeline, _, _ = run(Denying(fails))

    assert pipeline.call_judge().judge(opening("/etc/hosts")).denied


def test_types_are_those_of_all_judges_and_others_are_not_judged() -> None:
    pipeline, _, _ = run(Denying(), Seen())

    judge = pipeline.call_judge()

    assert frozenset({"openat"}) == judge.types
    assert not judge.judge(made("unlink", 20, of=20, path=SECRET)).denied


def test_an_evaluator_that_cannot_judge_denies_nothing() -> None:
    pipeline, _, _ = run(Seen(lambda event: [named(event)]))

    assert (frozenset(), False) == (pipeline.call_judge().types, pipeline.call_judge().judge(opening(SECRET)).denied)
