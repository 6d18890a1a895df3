"""Acts that last, according to the audit log: done and not undone."""

from collections.abc import Iterable

from mozu.core.respond.audit_log import ActStage, AuditEntry

_ENDS = frozenset(ActStage) - {ActStage.PLANNED, ActStage.UNDO_FAILED, ActStage.SWITCHED}


class StandingActs:
    """Sum of the entries read so far."""

    def __init__(self) -> None:
        self.acts: dict[str, AuditEntry] = {}
        """Entry with which each lasting act was done, by act."""
        self.planned: dict[str, AuditEntry] = {}
        """Entry of each act that was about to be done and has no outcome yet, by act."""
        self.known: set[str] = set()
        """Ids of acts that were done or about to be done."""

    def add(self, entries: Iterable[AuditEntry]) -> None:
        """Add the next entries."""
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
        """Return the acts whose time is over. `now`: ns since the epoch; `boot_now`: ns since this boot, which decides
        for acts of this boot, so that setting the wall clock neither ends nor prolongs them."""
        return [
            entry
            for entry in self.acts.values()
            if (entry.until_boot <= boot_now if entry.until_boot and entry.boot == boot else 0 < entry.until <= now)
        ]
