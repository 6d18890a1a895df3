"""What is said of acts: an entry of the audit log, an alert, a count."""

import logging
import time
from pathlib import Path
from typing import Final, Protocol

import msgspec

from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.respond.audit_log import ActStage, AuditEntry, AuditLog
from mozu.core.respond.budget import ActBounds, Budget, FirstOfAMinute
from mozu.core.respond.standing import StandingActs

AUDIT_FILE: Final = "responses/audit.jsonl"
"""Below the state directory."""
_DENIALS: Final = ActBounds(account=30, total=300)
"""Denials of a rule that are reported for one account, and those of all rules, in a minute; the others are counted."""
_REFUSALS: Final = ActBounds(account=30, total=100)
"""Refusals of a rule, and of all rules, that are reported in a minute: a process that ends before it is held costs its
maker nothing, and would fill the disk."""
_LOG: Final = logging.getLogger("mozu.responses")
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


class NotifyResponse(Protocol):
    """`AlertPipeline.notice`."""

    def __call__(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        """An alert of mozu about itself."""


class Refused(Exception):
    """Why nothing is done."""


class ActRecords:
    """Of a run. `standing` is what the entries add up to."""

    def __init__(self, state_dir: Path, notify: NotifyResponse, metrics: Metrics) -> None:
        self._path, self.notify = state_dir / AUDIT_FILE, notify
        self._log: AuditLog | None = None
        self.standing = StandingActs()
        self._firsts, self._denials, self._refusals = FirstOfAMinute(), Budget(_DENIALS), Budget(_REFUSALS)
        self._counted = {stage: metrics.counter("responses_total", stage=stage.value) for stage in _NOTICES}

    @property
    def is_open(self) -> bool:
        """Whether entries are written."""
        return self._log is not None

    def open(self) -> None:
        """Write entries from now on. Raises OSError."""
        if self._log is None:
            self._log = AuditLog(self._path)

    def close(self) -> None:
        """Nothing is written after it."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def read(self) -> list[AuditEntry]:
        """What was written since the last call, by whichever process; `standing` has it."""
        entries = [] if self._log is None else self._log.new()
        self.standing.add(entries)
        return entries

    def plan(self, entry: AuditEntry) -> None:
        """An act is about to be done. Raises Refused: what cannot be written down is not done."""
        try:
            self._append(entry)
        except OSError as error:
            raise Refused(f"the audit log cannot be written: {error.strerror}") from error

    def write(self, entry: AuditEntry, stage: ActStage, reason: str = "") -> None:
        """What came of it: an entry, and an alert that says the same."""
        changed = msgspec.structs.replace(entry, stage=stage, reason=reason)
        self._counted[stage].value += 1
        try:
            self._append(changed)
        except OSError as error:
            text = f"the audit log cannot be written: {error.strerror}; it should say: {stage} {entry.text}"
            self.notify("Audit log incomplete", Severity.CRITICAL, text, act=entry.act)
        self.standing.add([changed])
        self.publish(changed)

    def refuse(self, entry: AuditEntry, reason: str) -> None:
        """An entry and an alert for the first of a kind in a minute, within bounds; the others are counted."""
        now = time.monotonic()
        is_first = self._firsts.is_first(f"{entry.rule}\0{reason}", now)
        if is_first and not self._refusals.take(entry.rule, "refusals", _REFUSALS.total, now):
            self.write(entry, ActStage.REFUSED, reason=reason)
        else:
            self._counted[ActStage.REFUSED].value += 1

    def open_for_denials(self) -> None:
        """Calls are going to be denied. They are where that cannot be written down, too: what is denied is not done."""
        try:
            self.open()
        except OSError as error:
            _LOG.warning("denied calls are not written to %s: %s", self._path, error.strerror)

    def denied(self, entry: AuditEntry, account: str) -> None:
        """A call was denied: an entry and an alert, for so many in a minute."""
        if not self._denials.take(entry.rule, account, _DENIALS.total, time.monotonic()):
            self.write(entry, ActStage.DONE)
            return
        key = f"{entry.rule}\0denied\0{account}"
        if self._firsts.is_first(key, time.monotonic()):
            self.write(entry, ActStage.DONE, f"more of {account} in this minute are counted and not reported")
        else:
            self._counted[ActStage.DONE].value += 1

    def publish(self, entry: AuditEntry) -> None:
        """The alert alone."""
        rule, priority = _NOTICES[entry.stage]
        text = f"would {entry.text}" if entry.stage is ActStage.WOULD else f"{entry.stage}: {entry.text or entry.act}"
        self.notify(
            rule, priority, f"{text}{f': {entry.reason}' if entry.reason else ''}",
            response=entry.text, reason=entry.reason, alert=entry.alert, for_rule=entry.rule, responder=entry.responder,
        )  # fmt: skip

    def _append(self, entry: AuditEntry) -> None:
        if self._log is not None:
            self._log.append(msgspec.structs.replace(entry, time=time.time_ns()))
