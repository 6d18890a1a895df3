"""What stands between the pipeline, which never waits, and a sink, which may: a queue in memory or a spool on disk."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from mozu.core.model.alert import Alert


class DroppedRange(msgspec.Struct, frozen=True):
    """Numbers that were used up by alerts dropped by policy."""

    first: int
    last: int
    reason: str


class AlertQueue(Protocol):
    """Numbers what it takes in, within `epoch`."""

    epoch: str

    async def open(self) -> None:
        """Get ready. Raises MozuError."""

    def put(self, alert: Alert) -> None:
        """Take in; never waits. Without room the alert is dropped, counted, and its number told by `take_dropped`."""

    async def get(self, most: int, *, wait: bool = True) -> list[tuple[int, Alert]]:
        """Up to `most` (number, alert) in order; waits for the first unless told not to. Empty otherwise means: closed,
        and nothing is left."""

    async def settle(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """What became of what `get` gave: arrived; will never arrive, with the reason; must be tried again."""

    def take_dropped(self) -> list[DroppedRange]:
        """Ranges dropped since the last call."""

    def mark(self) -> int:
        """How many were ever put."""

    async def safe(self, mark: int) -> None:
        """Wait until the first `mark` alerts are on disk, have arrived, or were dropped by policy."""

    async def room(self) -> None:
        """Wait until there is room for a batch; for sources that can wait."""

    def waiting(self) -> int:
        """Alerts in memory that are lost if the process ends now."""

    def close(self) -> None:
        """Nothing more comes; what is there can still be taken."""

    async def stop(self, reason: str) -> None:
        """Let go of files and threads; what is in memory only is counted as dropped, for this reason."""
