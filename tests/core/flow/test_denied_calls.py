"""Calls that are judged before they run: which are numbered, which are denied, and who reports it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import CallJudge, CallVerdict
from mozu.core.flow import denied_calls
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.respond.act_records import AUDIT_FILE
from mozu.core.respond.audit_log import ActStage, AuditLog
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.core.testing import alert
from tests.core.flow.making import Seen, Taken, pipeline_of
from tests.core.state.story import made

SECRET = "/srv/secret"


def named(event: Event) -> Alert:
    found = alert("Secret opened")
    found.event_num, found.event_type, found.respond = event.num, event.type, ("deny",)
    return found


def is_about_the_secret(event: Event) -> bool:
    return isinstance(event, SyscallEvent | DataEvent) and SECRET in (
        event.args if isinstance(event, SyscallEvent) else (event.data,)
    )


class Denying(Seen):
    """An evaluator that denies calls about the secret, and raises an alert for them as a rule without a result does."""

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


def run(*evaluators: Any, folder: Path) -> tuple[SourcePipeline, Taken, Metrics]:
    metrics, taken = Metrics(), Taken()
    source: Isolated[Any] = Isolated("source", "made", object(), metrics)
    state = StateMachine(procfs=None)
    pipeline = pipeline_of(source, *evaluators, live=True, state=state, metrics=metrics, worker=taken, state_dir=folder)
    return pipeline, taken, metrics


def rules(taken: Taken) -> Sequence[str]:
    return [one.rule for one in taken.alerts]


def test_a_denied_call_has_the_alert_of_its_rule_and_one_that_says_deny(tmp_path: Path) -> None:
    pipeline, taken, _ = run(Denying(), folder=tmp_path)

    verdict = pipeline.call_judge().judge(opening(SECRET))

    first, second = taken.alerts
    assert (True, "Secret opened", "Response taken") == (verdict.denied, first.rule, second.rule)
    assert ("deny", first.id) == (second.values["responder"], second.values["alert"])
    assert "deny openat of process 20 (<NA>)" in second.message()


def test_the_process_of_a_denied_call_is_named_where_it_is_known(tmp_path: Path) -> None:
    pipeline, taken, _ = run(Denying(), folder=tmp_path)
    known = KnownProcess(name="cat", ptid=1, vpid=20)
    pipeline.process([SyscallEvent("syscall", "_process", 0, tid=20, pid=20, observed=known)])

    pipeline.call_judge().judge(opening(SECRET))

    assert "deny openat of process 20 (cat)" in taken.alerts[1].message()


def test_a_call_that_no_rule_denies_raises_nothing_before_it_runs(tmp_path: Path) -> None:
    pipeline, taken, metrics = run(Denying(), folder=tmp_path)

    verdict = pipeline.call_judge().judge(opening("/etc/hosts"))

    assert (False, []) == (verdict.denied, taken.alerts)
    counted = {name: value for name, _, value in metrics.collect() if name.startswith("calls_")}
    assert {"calls_judged_total": 1, "calls_denied_total": 0} == counted


def test_the_exit_of_a_denied_call_does_not_raise_the_same_alert_again(tmp_path: Path) -> None:
    pipeline, taken, _ = run(Denying(), folder=tmp_path)
    pipeline.call_judge().judge(opening(SECRET))

    pipeline.process([opening(SECRET, -1)])

    assert ["Secret opened", "Response taken"] == rules(taken)


def test_another_task_that_was_refused_by_the_kernel_is_reported(tmp_path: Path) -> None:
    pipeline, taken, _ = run(Denying(), folder=tmp_path)
    pipeline.call_judge().judge(opening(SECRET))

    pipeline.process([opening(SECRET, -1, tid=21)])

    assert ["Secret opened", "Response taken", "Secret opened"] == rules(taken)[:3]


@pytest.mark.parametrize(
    ("denied", "event"), [(False, opening(SECRET, -1)), (True, DataEvent("json", "entry", 0, data=SECRET))],
    ids=["a call", "an entry"],
)  # fmt: skip
def test_what_was_not_denied_has_its_alert(tmp_path: Path, denied: bool, event: Event) -> None:
    pipeline, taken, _ = run(Denying(), folder=tmp_path)
    judge = pipeline.call_judge()
    if denied:
        judge.judge(opening(SECRET))
    before = len(taken.alerts)

    pipeline.process([event])

    assert ["Secret opened"] == rules(taken)[before : before + 1]


def test_judging_changes_nothing_that_later_events_see(tmp_path: Path) -> None:
    evaluator = Denying()
    pipeline, _, _ = run(evaluator, folder=tmp_path)
    pipeline.call_judge().judge(opening("/etc/hosts"))

    pipeline.process([made("read", 20, of=20, fd=7)])

    assert [None] == [event.file for event in evaluator.events if isinstance(event, SyscallEvent)]


def test_numbers_go_on_behind_a_judged_call(tmp_path: Path) -> None:
    evaluator = Denying()
    pipeline, taken, _ = run(evaluator, folder=tmp_path)
    pipeline.process([opening("/a")])
    pipeline.call_judge().judge(opening(SECRET))

    pipeline.process([opening("/b")])

    assert ([1, 3], 2) == ([event.num for event in evaluator.events], taken.alerts[0].event_num)


def test_a_judge_that_fails_denies(tmp_path: Path) -> None:
    def fails(event: SyscallEvent) -> CallVerdict:
        raise ValueError("no")

    pipeline, _, _ = run(Denying(fails), folder=tmp_path)

    assert pipeline.call_judge().judge(opening("/etc/hosts")).denied


def test_a_verdict_with_what_is_no_alert_denies_and_is_the_evaluator_s_fault(tmp_path: Path) -> None:
    wrong: Any = [{}]
    pipeline, taken, metrics = run(Denying(lambda event: CallVerdict(False, wrong)), folder=tmp_path)

    assert pipeline.call_judge().judge(opening("/etc/hosts")).denied

    failures = {labels["id"]: value for name, labels, value in metrics.collect() if name == "component_failures_total"}
    assert (1, []) == (failures["judge0"], taken.alerts)


def test_types_are_those_of_all_judges_and_others_are_not_judged(tmp_path: Path) -> None:
    pipeline, _, _ = run(Denying(), Seen(), folder=tmp_path)

    judge = pipeline.call_judge()

    assert frozenset({"openat"}) == judge.types
    assert not judge.judge(made("unlink", 20, of=20, path=SECRET)).denied


def test_an_evaluator_that_cannot_judge_denies_nothing(tmp_path: Path) -> None:
    pipeline, _, _ = run(Seen(lambda event: [named(event)]), folder=tmp_path)

    assert (frozenset(), False) == (pipeline.call_judge().types, pipeline.call_judge().judge(opening(SECRET)).denied)


def test_after_a_reload_the_rules_of_now_deny(tmp_path: Path) -> None:
    metrics = Metrics()
    pipeline, _, _ = run(Seen(), folder=tmp_path)
    before = pipeline.call_judge().judge(opening(SECRET)).denied
    pipeline._evaluation.use([Isolated("evaluator", "fresh", Denying(), metrics)])

    assert (False, True) == (before, pipeline.call_judge().judge(opening(SECRET)).denied)


def test_one_evaluator_that_denies_is_enough_and_every_rule_that_does_has_its_alert(tmp_path: Path) -> None:
    silent = Denying(lambda event: CallVerdict(denied=True))
    allowing = Denying(lambda event: CallVerdict(False, [named(event)]))
    pipeline, taken, _ = run(silent, Denying(), allowing, Denying(), folder=tmp_path)

    verdict = pipeline.call_judge().judge(opening(SECRET))

    assert (True, 2) == (verdict.denied, len(verdict.alerts))
    assert 2 == rules(taken).count("Secret opened")
    assert [()] * 2 == [alert.respond for alert in verdict.alerts]


def test_a_call_of_an_evaluator_that_is_left_out_is_denied(tmp_path: Path) -> None:
    pipeline, _, _ = run(Denying(), folder=tmp_path)
    judge = pipeline.call_judge()
    pipeline._evaluation.evaluators[0].suspension._until = float("inf")

    assert judge.judge(opening("/etc/hosts")).denied


def test_another_call_of_the_task_ends_what_is_remembered_of_the_denied_one(tmp_path: Path) -> None:
    pipeline, taken, _ = run(Denying(), folder=tmp_path)
    judge = pipeline.call_judge()
    judge.judge(opening(SECRET))
    judge.judge(opening("/etc/hosts"))
    before = len(taken.alerts)

    pipeline.process([opening(SECRET, -1)])

    assert ["Secret opened"] == rules(taken)[before : before + 1]


def test_the_denied_calls_of_as_many_tasks_as_the_bound_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denied_calls, "_MOST_TASKS", 2)
    pipeline, taken, _ = run(Denying(), folder=tmp_path)
    judge = pipeline.call_judge()
    for tid in (20, 21, 22):
        judge.judge(opening(SECRET, tid=tid))
    before = rules(taken).count("Secret opened")

    for tid in (20, 21, 22):
        pipeline.process([opening(SECRET, -1, tid=tid)])

    assert 1 == rules(taken).count("Secret opened") - before  # the first alert was forgotten


def test_denials_are_in_the_audit_log_and_many_of_an_account_are_counted(tmp_path: Path) -> None:
    pipeline, taken, metrics = run(Denying(), folder=tmp_path)
    judge = pipeline.call_judge()

    assert all(judge.judge(opening(SECRET, tid=tid)).denied for tid in range(20, 120))

    entries = AuditLog(tmp_path / AUDIT_FILE).new()
    assert len(entries) == 31
    assert (entries[0].pids, entries[0].starts) == ((20,), (0,))
    assert {(one.stage, one.rule, one.responder) for one in entries} == {(ActStage.DONE, "Secret opened", "deny")}
    assert entries[0].text.startswith("deny openat of process 20 ")
    assert "are counted and not reported" in entries[-1].reason
    assert rules(taken).count("Response taken") == 31
    counted = {(name, labels.get("stage")): value for name, labels, value in metrics.collect()}
    assert counted["responses_total", "done"] == counted["calls_denied_total", None] == 100


def test_calls_are_denied_where_that_cannot_be_written_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    pipeline, taken, _ = run(Denying(), folder=tmp_path / "file")

    assert pipeline.call_judge().judge(opening(SECRET)).denied

    assert ["Secret opened", "Response taken"] == rules(taken)
    assert "denied calls are not written to" in caplog.text
