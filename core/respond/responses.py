"""Responses: one alert through all steps that precede a responder's act.

    chosen      the rule names the responder, or the responder the rule or a tag
    known       the same act is not done twice, even after a restart
    switch      nothing is done while the kill switch is off
    budget      checked first, so that a flood of alerts costs little
    plan        the responder describes its act
    targets     the processes are found, held, and confirmed as the intended ones
    refusal     none of them is protected or allowed
    budget      spent: for the rule, for the account, in all
    planned     the kill switch is checked again, and an entry of the audit log written, before anything is done
    act         unless it is a dry run, which ends here with the same entries
    done        another entry, and an alert

An end before `done` is an entry and an alert, too.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api.kernel_kills import KernelDenial, KernelKills, UnattendedActs
from mozu.core.api.responders import AlertProcess, Incident, ResponsePlan, Scope
from mozu.core.common.boot_clock import boot_time
from mozu.core.common.subuids import SubordinateIds
from mozu.core.isolation.deadline import within
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Event
from mozu.core.respond.act_records import ActRecords, NotifyResponse, Refused
from mozu.core.respond.audit_log import ActStage, AuditEntry
from mozu.core.respond.budget import ActBounds, Budget
from mozu.core.respond.chosen import ActiveResponder, chosen, unknown
from mozu.core.respond.confirmation import Confirmations, Latest
from mozu.core.respond.held_executables import Identity
from mozu.core.respond.kernel_acts import NO_KILLS, KernelActs, denial_entry, unattended_entry
from mozu.core.respond.kill_switch import KillSwitch
from mozu.core.respond.lasting_acts import ACT_SECONDS, LastingActs
from mozu.core.respond.protection import Protection, protection_of
from mozu.core.respond.settings import RespondSettings
from mozu.core.respond.sharers import SharerSearch
from mozu.core.respond.subject import account_of, subject_of
from mozu.core.respond.targets import HeldProcess, HeldProcesses, NotTheSame, boot_identity, is_young

OFF_FILE: Final = "responses/off"
"""Path below the state directory."""
_LOG: Final = logging.getLogger("mozu.responses")
_MOST_HELD: Final = 128
"""Most responses whose processes are held, with a descriptor for each process; further ones wait."""
_MOST_ACTS: Final = 64
"""Most acts at the same time."""
_MOST_NAMES: Final = 64
"""Most unconfigured responders in rules that are reported, once each."""
_LET_THROUGH: Final = "the kernel has let the call through: the process may be protected, or the budget was spent"
_MOST_WAITING: Final = 4096
"""Most waiting responses; further ones are refused."""

Names = Callable[[Event], tuple[Sequence[str] | None, str | None]]
"""Function from an event to (name and image of its container, its Kubernetes namespace); None for unknown ones."""


class Responses:
    """Responses of a run."""

    def __init__(
        self,
        state_dir: Path,
        *,
        notify: NotifyResponse,
        spawn: Callable[[Awaitable[None], str], None],
        names: Names,
        metrics: Metrics,
    ) -> None:
        self._spawn, self._names = spawn, names
        self.switch = KillSwitch(state_dir / OFF_FILE)
        self._was_off = False
        self._has_responders = False
        """True if responders are or were configured. Without any, lasting acts in the audit log belong to another
        run."""
        self.records = ActRecords(state_dir, notify, metrics)
        self._lasting = LastingActs(self.records, lambda: self._responders, spawn)
        self._responders: tuple[ActiveResponder, ...] = ()
        self._protection, self._budget, self._settings = Protection(protected=()), Budget(), RespondSettings()
        self._ids = SubordinateIds()
        self._waiting = 0
        self._held, self._acts = asyncio.Semaphore(_MOST_HELD), asyncio.Semaphore(_MOST_ACTS)
        self._confirmations, self._sharers = Confirmations(), SharerSearch()
        self._named_unknown: set[str] = set()
        self._kernel = KernelActs()
        self.on_switch: Callable[[], object] = bool
        """Callback after responses were switched off or on, or named files have changed: sources then get
        `kernel_kills` again."""
        self._repeated = metrics.counter("responses_repeated_total")

    def use(
        self,
        responders: Iterable[ActiveResponder],
        settings: RespondSettings,
        kills: KernelKills = NO_KILLS,
        protection: Protection | None = None,
    ) -> None:
        """Use these from the next alert on. `kills`: acts of sources for them. `protection`: built from these settings;
        if None it is built now. Raises OSError if the audit log cannot be opened."""
        self._responders = tuple(responders)
        self._kernel.use(kills)
        if self._responders:
            self.records.open()
            self._has_responders = True
        self._protection, self._ids = protection or protection_of(settings), SubordinateIds()
        if settings != self._settings:
            self._budget = Budget(ActBounds(settings.per_account, settings.per_minute))
        self._settings = settings

    @property
    def kernel_kills(self) -> KernelKills:
        """Kills for sources, with the state of the kill switch."""
        return self.as_switched(self._kernel.kills)

    def as_switched(self, kills: KernelKills) -> KernelKills:
        """Return the kills, marked as off while responses are switched off."""
        return msgspec.structs.replace(kills, off=self.switch.is_off)

    def use_named_files(self, files: Mapping[Identity, str]) -> None:
        """Let sources find these files by their numbers from now on (`KernelKills.named_files`)."""
        kills = self._kernel.kills
        if kills.named_files != files:
            self._kernel.use(msgspec.structs.replace(kills, named_files=files))
            self.on_switch()

    async def resume(self) -> None:
        """Undo, where possible, and report the acts that an earlier run left unfinished. To be called at the start."""
        if self._has_responders:
            self._was_off = self.switch.is_off
            await self._lasting.resume()

    @property
    def responders(self) -> tuple[ActiveResponder, ...]:
        """Responders in use."""
        return self._responders

    def wants(self, alert: Alert) -> bool:
        """Return True if a responder is to act on the alert, or the rule names one."""
        return (bool(alert.respond) and not alert.shadow) or any(one.acts_on(alert) for one in self._responders)

    def respond(self, alert: Alert, event: Event | None, latest: Latest) -> None:
        """Begin the acts on an alert, which is redacted and has its id. Never raises, never waits."""
        for name in unknown(self._responders, alert):
            if name not in self._named_unknown and len(self._named_unknown) < _MOST_NAMES:
                self._named_unknown.add(name)
                text = f"the rule {alert.rule!r} wants the responder {name!r}, which is not configured"
                self.records.notify("Response refused", Severity.WARNING, text, alert=alert.id, for_rule=alert.rule)
        for one in chosen(self._responders, alert):
            entry = AuditEntry(time=0, stage=ActStage.PLANNED, act=f"{alert.id}/{one.name}", rule=alert.rule)
            if entry.act in self.records.standing.known:
                self._repeated.value += 1
            elif self._waiting >= _MOST_WAITING:
                self.records.refuse(entry, f"{_MOST_WAITING} responses wait")
            elif (done := self._kernel.entry(one, entry, event)) is not None:
                self.records.standing.known.add(entry.act)
                with suppress(Refused):  # acts in the kernel count in the budgets
                    self._spend(one, entry, subject_of(event))
                self.records.write(done, done.stage)
            elif self._kernel.denies(one.name, alert.rule):
                if not one.settings.dry_run:
                    self.records.refuse(entry, _LET_THROUGH)
            else:
                self.records.standing.known.add(entry.act)
                self._waiting += 1
                self._spawn(self._run(one, entry, alert, event, latest), f"respond {one.name}")

    def report_unreported(self, events: Iterable[Event]) -> None:
        """Record kills in the kernel on these events that no alert reports. To be called after their alerts."""
        for entry in self._kernel.unreported(events):
            self.records.write(entry, entry.stage, reason="another rule raised the alert about it")

    def report_denials(self, denials: Iterable[KernelDenial]) -> None:
        """Record calls that the kernel has denied, or would have."""
        for denial in denials:
            entry = denial_entry(denial)
            if denial.acted:
                self.records.denied(entry, f"user {denial.uid}")
            else:
                self.records.write(entry, ActStage.WOULD)

    def report_unattended(self, acts: Iterable[UnattendedActs]) -> None:
        """Record acts in the kernel after an earlier run had died."""
        for one in acts:
            entry = unattended_entry(one)
            if self._has_responders:
                self.records.write(entry, entry.stage, reason="events of that time are lost")
            else:  # the audit log is not open
                self.records.publish(entry)

    # --- one act

    async def _run(
        self, one: ActiveResponder, entry: AuditEntry, alert: Alert, event: Event | None, latest: Latest
    ) -> None:
        try:
            async with self._held:
                await self._attempt(one, entry, Incident(alert, subject_of(event)), event, latest)
        except (Refused, NotTheSame) as error:
            self.records.refuse(entry, text_of(error))
        except BaseException as error:  # a field's reader, a descriptor too many: nothing is done, mozu goes on
            if is_ours(error):
                raise
            _LOG.exception("responder %s: what comes before its act has failed", one.name)
            self.records.refuse(entry, f"what comes before the act has failed: {text_of(error)}")
        finally:
            self._waiting -= 1

    async def _attempt(
        self, one: ActiveResponder, entry: AuditEntry, incident: Incident, event: Event | None, latest: Latest
    ) -> None:
        self._check_switch()
        _check_usable(one)
        subject = incident.subject
        reason = self._budget.look(*self._spending(one, entry, subject), time.monotonic())
        if reason:
            raise Refused(reason)
        plan = self._plan(one, incident)
        with HeldProcesses() as targets:
            await self._hold(targets, plan.scope, subject, event, latest)
            self._check(one, targets.held, subject, event, plan)
            self._spend(one, entry, subject)
            ttl = int(one.settings.ttl * 1e9) if plan.lasts else 0
            entry = msgspec.structs.replace(
                entry, text=plan.text, detail=plan.detail, lasts=plan.lasts, until=ttl and time.time_ns() + ttl,
                until_boot=ttl and boot_time() + ttl,
                pids=tuple(held.pid for held in targets.held), starts=tuple(held.facts.start for held in targets.held),
                boot=boot_identity(),
            )  # fmt: skip
            if one.settings.dry_run:
                self.records.write(entry, ActStage.WOULD)
                return
            async with self._acts:
                self._check_switch()
                _check_usable(one)
                self.records.plan(entry)
                await self._act(one, entry, incident, plan, targets.held)

    def _check_switch(self) -> None:
        if self.switch.is_off:
            raise Refused(f"responses are switched off ({self.switch.path}); `mozu responders on`")

    async def _hold(
        self, targets: HeldProcesses, scope: Scope, subject: AlertProcess | None, event: Event | None, latest: Latest
    ) -> None:
        """Hold the processes of the act, confirmed as the intended ones. Raises NotTheSame."""
        if scope in (Scope.NONE, Scope.PROCESS, Scope.SHARERS):
            targets.find(scope, subject)
        else:  # all of /proc, or a large cgroup
            await asyncio.to_thread(targets.find, scope, subject)
        needs_start = scope not in (Scope.NONE, Scope.CONTAINER) and subject is not None and is_young(subject)
        if needs_start and not await self._confirmations.confirmed(event, latest):
            raise NotTheSame(f"{_named(subject)} has ended, or cannot be distinguished from a later one")
        if scope is Scope.SHARERS and subject is not None:
            targets.add_sharers(await self._sharers.sharers_of(targets.held[0].facts.thread))

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
        reason = self._budget.take(*self._spending(one, entry, subject), time.monotonic())
        if reason:
            raise Refused(reason)

    def _spending(
        self, one: ActiveResponder, entry: AuditEntry, subject: AlertProcess | None
    ) -> tuple[str, str, int]:
        """Return the budget's keys and bound: rule with responder, account, acts per minute."""
        return f"{entry.rule}/{one.name}", account_of(subject, self._ids), one.settings.per_minute

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
            undone = await self._lasting.undone(entry) if entry.lasts else ""
            more = f"; not undone: {undone}" if undone else ""
            self.records.write(entry, ActStage.FAILED, reason=text_of(call.failed) + more)
            return
        milliseconds = max(0, time.time_ns() - incident.alert.time) / 1e6
        done = msgspec.structs.replace(entry, text=f"{entry.text} (user, {milliseconds:.1f} ms)")
        self.records.write(done, ActStage.DONE)

    # --- the run

    def tick(self) -> None:
        """Check the kill switch and expired acts. To be called about once a second."""
        if not self._has_responders:
            return
        if self.switch.is_off != self._was_off:
            self._was_off = not self._was_off
            text = f"responses are switched {'off' if self._was_off else 'on'}"
            self.records.write(AuditEntry(time=0, stage=ActStage.SWITCHED, text=text), ActStage.SWITCHED)
            self.on_switch()
        self._lasting.tick()

    def switch_off(self) -> None:
        """Switch off responses (SIGUSR2)."""
        try:
            self.switch.off()
        except OSError as error:
            text = f"responses cannot be switched off: {error}"
            self.records.notify("Responses switched", Severity.CRITICAL, text)
        self.tick()

    def close(self) -> None:
        """End the run; lasting acts stay, and the next run undoes them when their time is over."""
        self.records.close()


def _check_usable(one: ActiveResponder) -> None:
    if not one.isolated.is_ready:
        raise Refused("the responder could not be started")
    if not one.isolated.suspension.is_over:
        raise Refused("the responder has held the event loop, and is left out for a while")


def _named(subject: AlertProcess | None) -> str:
    return "the process" if subject is None else subject.text(Scope.PROCESS)
