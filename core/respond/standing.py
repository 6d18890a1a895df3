"""Acts that last, as the audit log has them: done and not undone."""

from collections.abc import Iterable

from mozu.core.respond.audit_log import ActStage, AuditEntry

_ENDS = frozenset(ActStage) - {ActStage.PLANNED, ActStage.UNDO_FAILED, ActStage.SWITCHED}


class StandingActs:
    """What the entries that were read so far add up to."""

    def __init__(self) -> None:
        self.acts: dict[str, AuditEntry] = {}
        """Act → the entry that says that it was done; only those that last."""
        self.planned: dict[str, AuditEntry] = {}
        """Act → the entry that says that it was about to be done, and nothing has come of it yet."""
        self.known: set[str] = set()
        """Every act that was done, or was about to be."""

    def add(self, entries: Iterable[AuditEntry]) -> None:
        """These come next."""
        for entry in entries:
            if entry.stage is ActStage.PLANNED:
                self.planned[entry.act] = entry
                self.known.add(entry.act)
            elif entry.stage in _ENDS:
                self.planned.pop(entry.act, None)
            if entry.stage is ActStage.DONE:
                self.known.add(entry.act)
                if entry.lasts:
                    self.acts[entry.act] = entry
            elif entry.stage in (ActStage.UNDONE, ActStage.BROKEN_OFF):
                self.acts.pop(entry.act, None)

    def due(self, now: int, boot: str, boot_now: int) -> list[AuditEntry]:
        """Return those whose time to live is over. `now`: ns since the epoch; `boot_now`: since this boot, which counts
        for acts of this boot, so that no setting of the wall clock ends or prolongs them."""
        return [
            entry
            for entry in self.acts.values()
            if (entry.until_boot <= boot_now if entry.until_boot and entry.boot == boot else 0 < entry.until <= now)
        ]
