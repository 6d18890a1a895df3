"""The heartbeat of one sink that waits in its queue."""

import time
from collections.abc import Container, Sequence

from mozu.core.api import Record
from mozu.core.delivery.packed_alert import PackedAlert, unpack


class HeldHeartbeat:
    """The slot for at most one waiting heartbeat per sink; the next is made once the last has left the queue."""

    def __init__(self) -> None:
        self._id, self._since = "", 0.0

    def __bool__(self) -> bool:
        return bool(self._id)

    def put(self, alert: PackedAlert) -> None:
        """Note that this heartbeat waits from now on."""
        self._id, self._since = unpack(alert).id, time.monotonic()

    def settle(self, records: Sequence[Record], done: Container[int]) -> None:
        """Note that the records with the numbers `done` have left the queue."""
        if self._id and any(one.alert.id == self._id and one.stamp.sequence in done for one in records):
            self._id = ""

    @property
    def age(self) -> float:
        """Seconds for which the heartbeat has waited; 0 if none waits."""
        return time.monotonic() - self._since if self._id else 0.0
