"""Acts that sources made in the kernel, of which events say so (`SyscallEvent.kernel_act`)."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mozu.core.api.kernel_kills import KernelDenial, KernelKills, UnattendedActs
from mozu.core.api.responders import Scope
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.respond.audit_log import ActStage, AuditEntry
from mozu.core.respond.chosen import ActiveResponder
from mozu.core.respond.subject import subject_of
from mozu.core.respond.targets import boot_identity

NO_KILLS: Final = KernelKills()


class KernelActs:
    """Of a run."""

    def __init__(self) -> None:
        self.kills = NO_KILLS
        self._rules: frozenset[tuple[str, str]] = frozenset()
        """(responder, rule) of these."""
        self._denying: frozenset[tuple[str, str]] = frozenset()
        """Of these, those that deny."""
        self._reported: set[int] = set()
        """Numbers of events on which the kernel has acted and of which an alert says so; of this batch."""

    def use(self, kills: KernelKills) -> None:
        """These from now on."""
        self.kills, self._rules = kills, frozenset((one.responder, one.rule) for one in kills.rules)
        self._denying = frozenset((one.responder, one.rule) for one in kills.rules if one.action == "deny")

    def denies(self, responder: str, rule: str) -> bool:
        """Whether the kernel denies for it."""
        return (responder, rule) in self._denying

    def entry(self, one: ActiveResponder, planned: AuditEntry, event: Event | None) -> AuditEntry | None:
        """What there is to be said of an act of this responder; None: the kernel has not done it."""
        if not isinstance(event, SyscallEvent) or not event.kernel_act or (one.name, planned.rule) not in self._rules:
            return None
        if one.settings.dry_run:
            return _entry(planned, ActStage.WOULD, event)
        if event.kernel_act != "kill":
            return None
        self._reported.add(event.num)
        return _entry(planned, ActStage.DONE, event)

    def unreported(self, events: Iterable[Event]) -> Iterator[AuditEntry]:
        """After the alerts of these: what the kernel has done and no alert says, since another rule came first."""
        if not self._rules:
            return
        for event in events:
            if isinstance(event, SyscallEvent) and event.kernel_act == "kill" and event.num not in self._reported:
                planned = AuditEntry(time=0, stage=ActStage.PLANNED, act=f"event {event.num}/kernel")
                yield _entry(planned, ActStage.DONE, event)
        self._reported.clear()


def denial_entry(denial: KernelDenial) -> AuditEntry:
    """Of a call that was denied, or would have been."""
    return AuditEntry(
        time=0, stage=ActStage.DONE if denial.acted else ActStage.WOULD, rule=denial.rule,
        act=f"denial {denial.time}/{denial.responder}",
        text=f"deny {denial.what} to process {denial.pid} ({denial.name}) (kernel)",
        pids=(denial.pid,), starts=(denial.start,), boot=boot_identity(),
    )  # fmt: skip


def unattended_entry(acts: UnattendedActs) -> AuditEntry:
    """Of what was done while mozu did not run."""
    return AuditEntry(
        time=0, stage=ActStage.DONE, rule=acts.rule, act=f"unattended {time.time_ns()}/{acts.responder}",
        text=f"acted {acts.acts} times while mozu did not run (kernel)", boot=boot_identity(),
    )  # fmt: skip


def _entry(planned: AuditEntry, stage: ActStage, event: SyscallEvent) -> AuditEntry:
    subject = subject_of(event)
    process = f"process {event.pid}" if subject is None else subject.text(Scope.PROCESS)
    return msgspec.structs.replace(
        planned, stage=stage, text=f"kill {process} (kernel)", pids=(event.pid,), starts=(0,), boot=boot_identity()
    )
