"""Responses: one alert through everything that stands between it and the act of a responder.

    chosen      the rule names the responder, or the responder the rule or a tag
    known       the same act is not done twice, after a restart either
    switch      nothing while the kill switch is off
    plan        the responder says what it would do
    targets     the processes are found, held, and known to be the ones that are meant
    refusal     none of them is protected or allowed
    budget      for the rule, for the account, in all
    planned     an entry of the audit log, before anything is done
    act         unless it is a dry run, which ends here with the same entries
    done        another entry, and an alert

Whatever ends the way before `done` is an entry and an alert, too.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import msgspec

from mozu.core.api.kernel_kills import KernelKills
from mozu.core.api.responders import AlertProcess, Incident, Responder, ResponsePlan, Scope
from mozu.core.isolation.deadline import within
from mozu.core.isolation.isolated import Isolated, text_of
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Event
from mozu.core.respond.audit_log import ActStage, AuditEntry, AuditLog
from mozu.core.respond.budget import ActBounds, Budget
from mozu.core.respond.chosen import ActiveResponder, chosen, unknown
from mozu.core.respond.confirmation import Latest, confirmed
from mozu.core.respond.kernel_acts import NO_KILLS, KernelActs
from mozu.core.respond.kill_switch import KillSwitch
from mozu.core.respond.protection import Protection, protection_of
from mozu.core.respond.settings import RespondSettings
from mozu.core.respond.standing import StandingActs
from mozu.core.respond.subject import subject_of
from mozu.core.respond.targets import HeldProcess, HeldProcesses, NotTheSame, boot_identity, is_young

AUDIT_FILE: Final = "responses/audit.jsonl"
OFF_FILE: Final = "responses/off"
"""Below the state directory."""
ACT_SECONDS: Final = 30.0
"""What `act` and `undo` may take."""
_MOST_AT_ONCE: Final = 64
"""Responses that are under way; the others wait."""
_MOST_NAMES: Final = 64
"""Responders that rules name and that are not there, each reported once."""
_MOST_WAITING: Final = 4096
"""More are refused."""

Names = Callable[[Event], tuple[Sequence[str] | None, str | None]]
"""Event → (name and image of its container, its namespace of Kubernetes); None where not known."""


class NotifyResponse(Protocol):
    """`AlertPipeline.notice`."""

    def __call__(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        """An alert of mozu about itself."""


class Refused(Exception):
    """Why nothing is done."""


_NOTICES: Final = {
    ActStage.DONE: ("Response taken", Severity.WARNING),
    ActStage.WOULD: ("Response would be taken", Severity.NOTICE),
    ActStage.REFUSED: ("Response refused", Severity.WARNING),
    ActStage.FAILED: ("Response failed", Severity.ERROR),
    ActStage.UNDONE: ("Response undone", Severity.NOTICE),
    ActStage.UNDO_FAILED: ("Response not undone", Severity.ERROR),
    ActStage.BROKEN_OFF: ("Response broken off", Severity.CRITICAL),
    ActStage.SWITCHED: ("Responses switched", Severity.CRITICAL),
}


async def undo(responder: Isolated[Responder], entry: AuditEntry) -> str:
    """Undo an act that lasts; why that failed, or empty."""
    with HeldProcesses() as targets:
        if entry.boot == boot_identity():
            targets.again(entry.pids, entry.starts)
        with responder.contained("undo") as call:
            await within(
                responder, "undo", ACT_SECONDS, lambda: responder.component.undo(entry.detail, targets.held)
            )
    return "" if call.failed is None else text_of(call.failed)


class Responses:
    """Of a run."""

    def __init__(
        self,
        state_dir: Path,
        *,
        notify: NotifyResponse,
        spawn: Callable[[Awaitable[None], str], None],
        names: Names,
        metrics: Metrics,
    ) -> None:
        self._log: AuditLog | None = None
        self._state_dir, self._notify, self._spawn, self._names = state_dir, notify, spawn, names
        self.switch = KillSwitch(state_dir / OFF_FILE)
        self._was_off = False
        self._standing = StandingActs()
        self._responders: tuple[ActiveResponder, ...] = ()
        self._protection, self._budget, self._settings = Protection(protected=()), Budget(), RespondSettings()
        self._waiting = 0
        self._at_once = asyncio.Semaphore(_MOST_AT_ONCE)
        self._named_unknown: set[str] = set()
        self._kernel = KernelActs()
        self.on_switch: Callable[[], object] = bool
        """Called when responses were switched off or on: sources are given `kernel_kills` again."""
        self._counted = {stage: metrics.counter("responses_total", stage=stage.value) for stage in _NOTICES}
        self._repeated = metrics.counter("responses_repeated_total")

    def use(
        self, responders: Iterable[ActiveResponder], settings: RespondSettings, kills: KernelKills = NO_KILLS
    ) -> None:
        """These from the next alert on. `kills`: what sources do for them. Raises OSError where the audit log cannot be
        opened."""
        self._responders = tuple(responders)
        self._kernel.use(kills)
        if self._responders and self._log is None:
            self._log = AuditLog(self._state_dir / AUDIT_FILE)
        self._protection = protection_of(settings)
        if settings != self._settings:
            self._budget = Budget(ActBounds(settings.per_account, settings.per_minute))
        self._settings = settings

    @property
    def kernel_kills(self) -> KernelKills:
        """For sources."""
        return self.as_switched(self._kernel.kills)

    def as_switched(self, kills: KernelKills) -> KernelKills:
        """The same, but off while responses are switched off."""
        return msgspec.structs.replace(kills, off=self.switch.is_off)

    async def resume(self) -> None:
        """At the start: what an earlier run left unfinished is undone, where that is possible, and reported."""
        if self._log is None:
            return
        self._standing.add(self._log.new())
        self._was_off = self.switch.is_off
        for entry in list(self._standing.planned.values()):
            undone = await self._undone(entry) if entry.lasts else ""
            reason = f"mozu ended in the middle of it{f'; it could not be undone: {undone}' if undone else ''}"
            self._write(entry, ActStage.BROKEN_OFF, reason=reason)

    @property
    def responders(self) -> tuple[ActiveResponder, ...]:
        """Those in use."""
        return self._responders

    def wants(self, alert: Alert) -> bool:
        """Whether something is to be done about it."""
        return bool(alert.respond) or any(one.acts_on(alert) for one in self._responders)

    def respond(self, alert: Alert, event: Event | None, latest: Latest) -> None:
        """Begin whatever is to be done about an alert, which is redacted and has its id. Never raises, never waits."""
        for name in unknown(self._responders, alert):
            if name not in self._named_unknown and len(self._named_unknown) < _MOST_NAMES:
                self._named_unknown.add(name)
                text = f"the rule {alert.rule!r} wants the responder {name!r}, which is not configured"
                self._notify("Response refused", Severity.WARNING, text, alert=alert.id, for_rule=alert.rule)
        for one in chosen(self._responders, alert):
            entry = AuditEntry(time=0, stage=ActStage.PLANNED, act=f"{alert.id}/{one.name}", rule=alert.rule)
            if entry.act in self._standing.known:
                self._repeated.value += 1
            elif self._waiting >= _MOST_WAITING:
                self._refuse(entry, f"{_MOST_WAITING} responses wait")
            elif (done := self._kernel.entry(one, entry, event)) is not None:
                self._standing.known.add(entry.act)
                with suppress(Refused):  # acts in the kernel count in the budgets
                    self._spend(one, entry, subject_of(event))
                self._write(done, done.stage)
            else:
                self._standing.known.add(entry.act)
                self._waiting += 1
                self._spawn(self._run(one, entry, alert, event, latest), f"respond {one.name}")

    def report_untold(self, events: Iterable[Event]) -> None:
        """After the alerts of these: what the kernel has done and no alert says."""
        for entry in self._kernel.untold(events):
            self._write(entry, entry.stage, reason="another rule raised the alert about it")

    # --- one act

    async def _run(
        self, one: ActiveResponder, entry: AuditEntry, alert: Alert, event: Event | None, latest: Latest
    ) -> None:
        try:
            async with self._at_once:
                await self._attempt(one, entry, Incident(alert, subject_of(event)), event, latest)
        except (Refused, NotTheSame) as error:
            self._refuse(entry, str(error))
        finally:
            self._waiting -= 1

    async def _attempt(
        self, one: ActiveResponder, entry: AuditEntry, incident: Incident, event: Event | None, latest: Latest
    ) -> None:
        if self.switch.is_off:
            raise Refused(f"responses are switched off ({self.switch.path}); `mozu responders on`")
        plan = self._plan(one, incident)
        with HeldProcesses() as targets:
            subject = incident.subject
            if plan.scope in (Scope.NONE, Scope.PROCESS, Scope.SHARERS):
                targets.find(plan.scope, subject)
            else:  # all of /proc, or a large cgroup
                await asyncio.to_thread(targets.find, plan.scope, subject)
            needs_start = plan.scope not in (Scope.NONE, Scope.CONTAINER)
            if needs_start and subject is not None and is_young(subject) and not await confirmed(event, latest):
                text = f"process {subject.pid} ({subject.name}) has ended, or cannot be told from a later one"
                raise NotTheSame(text)
            self._check(one, targets.held, subject, event, plan)
            self._spend(one, entry, subject)
            until = time.time_ns() + int(one.settings.ttl * 1e9) if plan.lasts and one.settings.ttl else 0
            entry = msgspec.structs.replace(
                entry, text=plan.text, detail=plan.detail, lasts=plan.lasts, until=until,
                pids=tuple(held.pid for held in targets.held), starts=tuple(held.facts.start for held in targets.held),
                boot=boot_identity(),
            )  # fmt: skip
            if one.settings.dry_run:
                self._write(entry, ActStage.WOULD)
                return
            self._append(entry)
            await self._act(one, entry, incident, plan, targets.held)

    def _plan(self, one: ActiveResponder, incident: Incident) -> ResponsePlan:
        plan: object = None
        with one.isolated.contained("plan") as call:
            plan = one.isolated.component.plan(incident)
            if plan is not None and not isinstance(plan, ResponsePlan):
                raise TypeError(f"plan() must give a ResponsePlan or None, not {type(plan).__name__}")
        if call.failed is not None:
            raise Refused(f"the responder could not plan: {text_of(call.failed)}")
        if not isinstance(plan, ResponsePlan):
            raise Refused("there is nothing that the responder could do about this alert")
        return plan

    def _check(
        self,
        one: ActiveResponder,
        held: Sequence[HeldProcess],
        subject: AlertProcess | None,
        event: Event | None,
        plan: ResponsePlan,
    ) -> None:
        if subject is not None and subject.container is not None and plan.scope is not Scope.NONE:
            names, namespace = ((), "") if event is None else self._names(event)
            allow = self._settings.allow
            if (names is None and allow.containers) or (namespace is None and allow.namespaces):
                raise Refused(f"the name of container {subject.container.id} is not known, and some are allowed")
            refusal = self._protection.container_refusal(subject, names or (), namespace or "")
            if refusal:
                raise Refused(refusal)
        for process in held:
            refusal = self._protection.refusal(process.facts, one.settings.unprotect)
            if refusal:
                raise Refused(refusal)

    def _spend(self, one: ActiveResponder, entry: AuditEntry, subject: AlertProcess | None) -> None:
        account = "no account"
        if subject is not None:
            container = subject.container
            account = f"user {subject.uid}" if container is None else f"container {container.id}"
        now = time.monotonic()
        key = f"{entry.rule}/{one.name}"
        reason = self._budget.take(key, account, one.settings.per_minute, now)
        if reason:
            raise Refused(reason)

    async def _act(
        self,
        one: ActiveResponder,
        entry: AuditEntry,
        incident: Incident,
        plan: ResponsePlan,
        held: Sequence[HeldProcess],
    ) -> None:
        with one.isolated.contained("act") as call:
            await within(one.isolated, "act", ACT_SECONDS, lambda: one.isolated.component.act(incident, plan, held))
        if call.failed is not None:
            undone = await self._undone(entry) if entry.lasts else ""
            more = f"; not undone: {undone}" if undone else ""
            self._write(entry, ActStage.FAILED, reason=text_of(call.failed) + more)
            return
        milliseconds = max(0, time.time_ns() - incident.alert.time) / 1e6
        done = msgspec.structs.replace(entry, text=f"{entry.text} (user, {milliseconds:.1f} ms)")
        self._write(done, ActStage.DONE)

    # --- acts that last

    def tick(self) -> None:
        """About a second has passed: what other processes wrote, what is to be undone, the kill switch."""
        if self._log is None:
            return
        if self.switch.is_off != self._was_off:
            self._was_off = not self._was_off
            text = f"responses are switched {'off' if self._was_off else 'on'}"
            self._write(AuditEntry(time=0, stage=ActStage.SWITCHED, text=text), ActStage.SWITCHED)
            self.on_switch()
        own = os.getpid()
        entries = self._log.new()
        self._standing.add(entries)
        for entry in entries:
            if entry.by != own and entry.stage in (ActStage.UNDONE, ActStage.UNDO_FAILED):
                self._tell(entry)
        for entry in self._standing.due(time.time_ns()):
            self._standing.acts.pop(entry.act, None)
            self._spawn(self._expire(entry), f"undo {entry.act}")

    async def _expire(self, entry: AuditEntry) -> None:
        reason = await self._undone(entry)
        if reason:
            later = msgspec.structs.replace(entry, until=time.time_ns() + 60_000_000_000)
            self._standing.acts[entry.act] = later
            self._write(later, ActStage.UNDO_FAILED, reason=reason)
        else:
            self._write(entry, ActStage.UNDONE, reason="its time to live is over")

    async def _undone(self, entry: AuditEntry) -> str:
        """Undo; why that failed, or empty."""
        one = next((one for one in self._responders if one.name == entry.responder), None)
        if one is None:
            return f"the responder {entry.responder} is not configured any more"
        return await undo(one.isolated, entry)

    # --- what is said

    def _refuse(self, entry: AuditEntry, reason: str) -> None:
        """An entry and an alert for the first of a kind in a minute; the others are counted."""
        if self._budget.is_first(entry.rule, reason, time.monotonic()):
            self._write(entry, ActStage.REFUSED, reason=reason)
        else:
            self._counted[ActStage.REFUSED].value += 1

    def _write(self, entry: AuditEntry, stage: ActStage, reason: str = "") -> None:
        changed = msgspec.structs.replace(entry, stage=stage, reason=reason)
        self._counted[stage].value += 1
        self._append(changed)
        self._standing.add([changed])
        self._tell(changed)

    def _append(self, entry: AuditEntry) -> None:
        """Raises Refused: what cannot be written down is not done."""
        try:
            if self._log is not None:
                self._log.append(msgspec.structs.replace(entry, time=time.time_ns()))
        except OSError as error:
            if entry.stage is ActStage.PLANNED:
                raise Refused(f"the audit log cannot be written: {error.strerror}") from error
            text = f"the audit log cannot be written: {error.strerror}; it should say: {entry.stage} {entry.text}"
            self._notify("Audit log incomplete", Severity.CRITICAL, text, act=entry.act)

    def _tell(self, entry: AuditEntry) -> None:
        rule, priority = _NOTICES[entry.stage]
        text = f"would {entry.text}" if entry.stage is ActStage.WOULD else f"{entry.stage}: {entry.text or entry.act}"
        self._notify(
            rule, priority, f"{text}{f': {entry.reason}' if entry.reason else ''}",
            response=entry.text, reason=entry.reason, alert=entry.alert, for_rule=entry.rule, responder=entry.responder,
        )  # fmt: skip

    def switch_off(self) -> None:
        """The kill switch (SIGUSR2)."""
        try:
            self.switch.off()
        except OSError as error:
            self._notify("Responses switched", Severity.CRITICAL, f"responses cannot be switched off: {error}")
        self.tick()

    def close(self) -> None:
        """The run ends; acts that last stay, and the next run undoes them when it is time."""
        if self._log is not None:
            self._log.close()
            self._log = None
