"""Records of acts: an entry of the audit log, an alert, a count."""

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
"""Path below the state directory."""
_DENIALS: Final = ActBounds(account=30, total=300)
"""Most denials in a minute that are reported for one account and rule, and for all rules; others are only counted."""
_REFUSALS: Final = ActBounds(account=30, total=100)
"""Most refusals in a minute that are reported for a rule, and for all rules: a process that ends before it is held
costs its creator nothing, and would fill the disk."""
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
    """The type of `AlertPipeline.notice`."""

    def __call__(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        """Raise an alert of mozu about itself."""


class Refused(Exception):
    """An act is not done; the message is the reason."""


class ActRecords:
    """Records of the acts of a run. `standing` is the sum of the entries."""

    def __init__(self, state_dir: Path, notify: NotifyResponse, metrics: Metrics) -> None:
        self._path, self.notify = state_dir / AUDIT_FILE, notify
        self._log: AuditLog | None = None
        self.standing = StandingActs()
        self._firsts, self._denials, self._refusals = FirstOfAMinute(), Budget(_DENIALS), Budget(_REFUSALS)
        self._counted = {stage: metrics.counter("responses_total", stage=stage.value) for stage in _NOTICES}

    @property
    def is_open(self) -> bool:
        """True if entries are written."""
        return self._log is not None

    def open(self) -> None:
        """Open the audit log. Raises OSError."""
        if self._log is None:
            self._log = AuditLog(self._path)

    def close(self) -> None:
        """Close the audit log; later entries are not written."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def read(self) -> list[AuditEntry]:
        """Return the entries written since the last call, by any process, and add them to `standing`."""
        entries = [] if self._log is None else self._log.new()
        self.standing.add(entries)
        return entries

    def plan(self, entry: AuditEntry) -> None:
        """Record that an act is about to be done. Raises Refused if it cannot be written, because unrecorded acts are
        not done."""
        try:
            self._append(entry)
        except OSError as error:
            raise Refused(f"the audit log cannot be written: {error.strerror}") from error

    def write(self, entry: AuditEntry, stage: ActStage, reason: str = "") -> None:
        """Record the outcome of an act: an entry, and an alert with the same content."""
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
        """Record a refusal: an entry and an alert for the first of its kind in a minute, within bounds; others are only
        counted."""
        now = time.monotonic()
        is_first = self._firsts.is_first(f"{entry.rule}\0{reason}", now)
        if is_first and not self._refusals.take(entry.rule, "refusals", _REFUSALS.total, now):
            self.write(entry, ActStage.REFUSED, reason=reason)
        else:
            self._counted[ActStage.REFUSED].value += 1

    def open_for_denials(self) -> None:
        """Open the audit log for denials. Calls are denied even if it cannot be opened: a denied call has no effect to
        record."""
        try:
            self.open()
        except OSError as error:
            _LOG.warning("denied calls are not written to %s: %s", self._path, error.strerror)

    def denied(self, entry: AuditEntry, account: str) -> None:
        """Record a denied call: an entry and an alert within the bounds of a minute; others are only counted."""
        if not self._denials.take(entry.rule, account, _DENIALS.total, time.monotonic()):
            self.write(entry, ActStage.DONE)
            return
        key = f"{entry.rule}\0denied\0{account}"
        if self._firsts.is_first(key, time.monotonic()):
            self.write(entry, ActStage.DONE, f"more of {account} in this minute are counted and not reported")
        else:
            self._counted[ActStage.DONE].value += 1

    def publish(self, entry: AuditEntry) -> None:
        """Raise the alert about an entry."""
        rule, priority = _NOTICES[entry.stage]
        text = f"would {entry.text}" if entry.stage is ActStage.WOULD else f"{entry.stage}: {entry.text or entry.act}"
        self.notify(
            rule, priority, f"{text}{f': {entry.reason}' if entry.reason else ''}",
            response=entry.text, reason=entry.reason, alert=entry.alert, for_rule=entry.rule, responder=entry.responder,
        )  # fmt: skip

    def _append(self, entry: AuditEntry) -> None:
        if self._log is not None:
            self._log.append(msgspec.structs.replace(entry, time=time.time_ns()))
