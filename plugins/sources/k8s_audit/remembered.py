"""Identities of the latest events, in bounded memory."""

from collections.abc import Sequence

from mozu.core.api import DataEvent, Metrics
from mozu.core.common.k8s_audit.decoder import IdentifiedEvent


class RememberedEvents:
    """Memory of `capacity` identities at most, of which the newer half is certain to be there."""

    def __init__(self, capacity: int, metrics: Metrics) -> None:
        self._half, self._duplicates = capacity // 2, metrics.counter("k8s_audit_duplicates_total")
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()

    def fresh(self, events: Sequence[IdentifiedEvent]) -> list[DataEvent]:
        """Return the events that are not remembered, and remember them; count the others."""
        found = []
        for one in events:
            if one.identity in self._newer or one.identity in self._older:
                self._duplicates.value += 1
                continue
            found.append(one.event)
            if self._half:
                self._newer.add(one.identity)
            if len(self._newer) > self._half:
                self._older, self._newer = self._newer, set()
        return found
