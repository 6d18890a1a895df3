"""Acts that sources did in the kernel, as marked in events (`SyscallEvent.kernel_act`)."""

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
    """Kernel acts of a run."""

    def __init__(self) -> None:
        self.kills = NO_KILLS
        self._rules: frozenset[tuple[str, str]] = frozenset()
        """Pairs (responder, rule) for which the kernel acts."""
        self._denying: frozenset[tuple[str, str]] = frozenset()
        """Pairs (responder, rule) for which the kernel denies calls."""
        self._reported: set[int] = set()
        """Numbers of this batch's events on which the kernel has acted and that an alert reports."""

    def use(self, kills: KernelKills) -> None:
        """Use these kills from now on."""
        self.kills, self._rules = kills, frozenset((one.responder, one.rule) for one in kills.rules)
        self._denying = frozenset((one.responder, one.rule) for one in kills.rules if one.action == "deny")

    def denies(self, responder: str, rule: str) -> bool:
        """Return True if the kernel denies calls for this responder and rule."""
        return (responder, rule) in self._denying

    def entry(self, one: ActiveResponder, planned: AuditEntry, event: Event | None) -> AuditEntry | None:
        """Return the entry for an act of this responder that the kernel has done; None if it has not."""
        if not isinstance(event, SyscallEvent) or not event.kernel_act or (one.name, planned.rule) not in self._rules:
            return None
        if one.settings.dry_run:
            return _entry(planned, ActStage.WOULD, event)
        if event.kernel_act != "kill":
            return None
        self._reported.add(event.num)
        return _entry(planned, ActStage.DONE, event)

    def unreported(self, events: Iterable[Event]) -> Iterator[AuditEntry]:
        """Yield entries for kills in the kernel on these events that no alert reports, because another rule matched
        first. To be called after their alerts."""
        if not self._rules:
            return
        for event in events:
            if isinstance(event, SyscallEvent) and event.kernel_act == "kill" and event.num not in self._reported:
                planned = AuditEntry(time=0, stage=ActStage.PLANNED, act=f"event {event.num}/kernel")
                yield _entry(planned, ActStage.DONE, event)
        self._reported.clear()


def denial_entry(denial: KernelDenial) -> AuditEntry:
    """Return the entry for a call that was denied, or would have been."""
    return AuditEntry(
        time=0, stage=ActStage.DONE if denial.acted else ActStage.WOULD, rule=denial.rule,
        act=f"denial {denial.time}/{denial.responder}",
        text=f"deny {denial.what} to process {denial.pid} ({denial.name}) (kernel)",
        pids=(denial.pid,), starts=(denial.start,), boot=boot_identity(),
    )  # fmt: skip


def unattended_entry(acts: UnattendedActs) -> AuditEntry:
    """Return the entry for acts in the kernel while mozu did not run."""
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
