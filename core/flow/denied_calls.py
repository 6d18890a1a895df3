"""Calls that are judged before they run: evaluators (`JudgesBefore`) judge the calls that a source asks about
(`AsksBefore`).

A call that an evaluator could not judge, because it failed or was left out, is denied.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mozu.core.api import CallJudge, CallVerdict, Evaluator, JudgesBefore
from mozu.core.common.subuids import SubordinateIds
from mozu.core.flow.evaluated import alerts_of
from mozu.core.flow.evaluation import Evaluation
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.respond.act_records import ActRecords
from mozu.core.respond.audit_log import ActStage, AuditEntry
from mozu.core.respond.subject import account_of, subject_of
from mozu.core.respond.targets import boot_identity
from mozu.core.state import StateMachine

DENY: Final = "deny"
"""The response that rules name to deny a call."""
DENIED_RESULT: Final = -1
"""-EPERM."""
_MOST_TASKS: Final = 4096
"""The most tasks whose last denied call is remembered."""
_DENIED: Final = CallVerdict(denied=True)


EmitOf = Callable[[Sequence[Event], Alert, Isolation], None]
"""Function that emits an alert, given the events it may be about, the alert, and the evaluator it comes from."""


class _Denied(msgspec.Struct, frozen=True):
    """A call that was denied, until its task makes another one."""

    type: str
    rules: frozenset[str]


class DeniedCalls:
    """The denied calls of one source. `emit` assigns an alert its id."""

    def __init__(
        self, state: StateMachine, evaluation: Evaluation, emit: EmitOf, records: ActRecords, metrics: Metrics
    ) -> None:
        self._state, self._evaluation, self._emit, self._records = state, evaluation, emit, records
        records.open_for_denials()
        self._ids = SubordinateIds()
        self._judges: list[tuple[Isolated[Evaluator], CallJudge | None]] | None = None
        self._last: dict[int, _Denied] = {}
        """Task → its last denied call, whose exit is an event too."""
        self._asked, self._refused = metrics.counter("calls_judged_total"), metrics.counter("calls_denied_total")
        evaluation.on_change(self._forget)

    def judge(self) -> CallJudge:
        """Return the judge of calls that asks all evaluators."""
        types = [judge.types for _, judge in self._all() if judge is not None]
        return CallJudge(frozenset().union(*types), self._judge)

    def is_repeated(self, alert: Alert, find: Callable[[], Event | None]) -> bool:
        """Return True if the call was denied for this rule, which has already raised its alert. `find` returns the
        event, the call's exit."""
        event = find() if self._last else None
        if not isinstance(event, SyscallEvent):
            return False
        last = self._last.get(event.tid)
        if last is None or alert.rule not in last.rules:
            return False
        return last.type == event.type and bool(event.args) and event.args[0] == DENIED_RESULT

    def _all(self) -> list[tuple[Isolated[Evaluator], CallJudge | None]]:
        if self._judges is None:
            self._judges = [(one, _judge_of(one)) for one in self._evaluation.evaluators if _may_deny(one)]
        return self._judges

    def _forget(self) -> None:
        self._judges = None

    def _judge(self, event: SyscallEvent) -> CallVerdict:
        self._asked.value += 1
        self._last.pop(event.tid, None)
        self._state.foresee(event)
        denied, alerts = False, list[tuple[Alert, Isolated[Evaluator]]]()
        for evaluator, judge in self._all():
            verdict = _asked(evaluator, judge, event)
            denied = denied or verdict.denied
            if verdict.denied:
                alerts += [(alert, evaluator) for alert in verdict.alerts]
        if denied:
            self._deny(event, alerts)
        return CallVerdict(denied, tuple(alert for alert, _ in alerts))

    def _deny(self, event: SyscallEvent, alerts: list[tuple[Alert, Isolated[Evaluator]]]) -> None:
        self._refused.value += 1
        if len(self._last) >= _MOST_TASKS:
            self._last.pop(next(iter(self._last)))
        self._last[event.tid] = _Denied(event.type, frozenset(alert.rule for alert, _ in alerts))
        process = event.process
        what = f"{DENY} {event.type} of process {event.pid} ({'<NA>' if process is None else process.name})"
        for alert, evaluator in alerts:
            alert.respond = tuple(name for name in alert.respond if name != DENY)
            self._emit((event,), alert, evaluator)
            entry = AuditEntry(
                time=0, stage=ActStage.DONE, act=f"{alert.id}/{DENY}", rule=alert.rule, text=what, pids=(event.pid,),
                starts=(0,), boot=boot_identity(),
            )  # fmt: skip
            self._records.denied(entry, account_of(subject_of(event), self._ids))


def _may_deny(evaluator: Isolated[Evaluator]) -> bool:
    return isinstance(evaluator.component, JudgesBefore)


def _judge_of(evaluator: Isolated[Evaluator]) -> CallJudge | None:
    """Return the evaluator's judge; None if no rule denies. An evaluator that fails to name its calls denies every
    call."""
    found: CallJudge | None = CallJudge(frozenset("*"), lambda event: _DENIED)
    component = evaluator.component
    if isinstance(component, JudgesBefore):
        with evaluator.contained("say which calls it denies"):
            found = component.call_judge()
    return found


def _asked(evaluator: Isolated[Evaluator], judge: CallJudge | None, event: SyscallEvent) -> CallVerdict:
    if judge is None or (event.type not in judge.types and "*" not in judge.types):
        return CallVerdict(denied=False)
    if not evaluator.suspension.is_over:
        return _DENIED
    with evaluator.contained(f"judge {event.type} before it runs"):
        verdict = judge.judge(event)
        alerts_of(verdict.alerts)
        return verdict
    return _DENIED
