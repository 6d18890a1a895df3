"""Forged container identities become notices `Container identity forged`, at most one a minute for each forger."""

import time
from collections.abc import Callable
from typing import Final

from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.model.alert import Severity
from mozu.core.model.fields import Forgery, Lookups

RULE: Final = "Container identity forged"
_MINUTE: Final = 60.0
_MOST: Final = 256
"""The most forgers that are counted separately."""


class ForgeryReport:
    """Reports of forged containers, at most one per forger and interval."""

    def __init__(
        self, alerts: AlertPipeline, lookups: Lookups, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._alerts, self._lookups, self._clock = alerts, lookups, clock
        self._reported: dict[str, float] = {}
        """Forger → time of the last report."""
        self._unreported: dict[str, int] = {}
        """Forger → forgeries since the last report."""

    def report(self) -> None:
        """Emit notices for what enrichers have found since the last call."""
        while self._lookups.forgeries:
            found = self._lookups.forgeries.popleft()
            who, now = _who(found), self._clock()
            if now - self._reported.get(who, -_MINUTE) < _MINUTE:
                self._unreported[who] = self._unreported.get(who, 0) + 1
                continue
            if len(self._reported) >= _MOST:
                self._reported.clear()
                self._unreported.clear()
            self._reported[who] = now
            self._notice(found, who, self._unreported.pop(who, 0))

    def _notice(self, found: Forgery, who: str, more: int) -> None:
        container, claim = found.container, found.container.claim
        place = "" if claim is None else claim.place
        before = f"; {more} more since the last report" if more else ""
        self._alerts.notice(
            RULE,
            Severity.CRITICAL,
            f"process {found.pid} ({found.name}) is in the cgroup {place}, made by {who}, whose name is that of the "
            f"{container.runtime} container {container.id}, which is elsewhere{before}",
            evt_source="syscall",
            proc_name=found.name,
            proc_pid=found.pid,
            container_id=container.id,
            cgroup=place,
            maker=who,
            more=more,
        )


def _who(found: Forgery) -> str:
    claim = found.container.claim
    if claim is None:
        return "root"
    outer = found.container.proven
    if outer is not None:
        return f"container {outer.id}"
    return f"user {claim.maker}" if claim.maker > 0 else "an unknown user"
