"""Acts that last until they are undone: when their time is over, or by the run after one that was killed."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from mozu.core.api.responders import Responder
from mozu.core.common.boot_clock import boot_time
from mozu.core.isolation.deadline import within
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.texts import text_of
from mozu.core.respond.act_records import ActRecords
from mozu.core.respond.audit_log import ActStage, AuditEntry
from mozu.core.respond.chosen import ActiveResponder
from mozu.core.respond.targets import HeldProcesses, boot_identity

ACT_SECONDS: Final = 30.0
"""Most seconds for `act` and for `undo`."""
_LATER: Final = 60_000_000_000
"""ns between a failed undo and the next attempt."""


async def undo(responder: Isolated[Responder], entry: AuditEntry) -> str:
    """Undo an act that lasts. Return the reason if that failed, else an empty text."""
    with HeldProcesses() as targets:
        if entry.boot == boot_identity():
            targets.again(entry.pids, entry.starts)
        with responder.contained("undo") as call:
            await within(
                responder, "undo", ACT_SECONDS, lambda: responder.component.undo(entry.detail, targets.held)
            )
    return "" if call.failed is None else text_of(call.failed)


class LastingActs:
    """Lasting acts of a run. `responders` returns those in use."""

    def __init__(
        self,
        records: ActRecords,
        responders: Callable[[], Sequence[ActiveResponder]],
        spawn: Callable[[Awaitable[None], str], None],
    ) -> None:
        self._records, self._responders, self._spawn = records, responders, spawn

    async def resume(self) -> None:
        """Undo, where possible, and report the acts that an earlier run left unfinished. To be called at the start."""
        self._records.read()
        for entry in list(self._records.standing.planned.values()):
            undone = await self.undone(entry) if entry.lasts or entry.detail else ""
            reason = f"mozu ended in the middle of it{f'; it could not be undone: {undone}' if undone else ''}"
            self._records.write(entry, ActStage.BROKEN_OFF, reason=reason)

    def tick(self) -> None:
        """Report entries of other processes, and undo expired acts. To be called about once a second."""
        own = os.getpid()
        for entry in self._records.read():
            if entry.by != own and entry.stage in (ActStage.UNDONE, ActStage.UNDO_FAILED):
                self._records.publish(entry)
        for entry in self._records.standing.due(time.time_ns(), boot_identity(), boot_time()):
            self._records.standing.acts.pop(entry.act, None)
            self._spawn(self._expire(entry), f"undo {entry.act}")

    async def undone(self, entry: AuditEntry) -> str:
        """Undo an act. Return the reason if that failed, else an empty text."""
        one = next((one for one in self._responders() if one.name == entry.responder), None)
        if one is None:
            return f"the responder {entry.responder} is not configured any more"
        return await undo(one.isolated, entry)

    async def _expire(self, entry: AuditEntry) -> None:
        reason = await self.undone(entry)
        if reason:
            later = msgspec.structs.replace(entry, until=time.time_ns() + _LATER, until_boot=boot_time() + _LATER)
            self._records.standing.acts[entry.act] = later
            self._records.write(later, ActStage.UNDO_FAILED, reason=reason)
        else:
            self._records.write(entry, ActStage.UNDONE, reason="its time to live is over")
