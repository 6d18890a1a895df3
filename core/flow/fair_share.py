"""Who may wait where room is short: the accounts of the ring buffer (ADR 49), for a bounded queue of events.

An event passes only if each of its accounts holds less than the room that is left: once as much for its process, twice
for its user, four times for its container. So below half of the room everything passes, above it one that floods is
refused first, and the rest of the room stays for others. Root is an account for each container, as in the ring buffer.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from mozu.core.model.event import Event, SyscallEvent

_Account = tuple[str, Hashable]


class FairShare:
    """Room for `most` events."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[_Account] = Counter()
        self._events = 0

    def admit(self, events: Sequence[Event]) -> Sequence[Event]:
        """Those that may wait, in order; a batch that meets no other is admitted whatever its length."""
        if not self._events or self._events + len(events) <= self._most // 2:
            for event in events:
                self._charge(event, 1)
            return events
        admitted: list[Event] = []
        for event in events:
            if self._may_wait(event):
                self._charge(event, 1)
                admitted.append(event)
        return admitted

    def release(self, events: Sequence[Event]) -> None:
        """They wait no longer."""
        for event in events:
            self._charge(event, -1)
        if not self._events:
            self._held.clear()

    def _may_wait(self, event: Event) -> bool:
        free = self._most - self._events
        return free > 0 and all(self._held[account] < free << level for level, account in enumerate(_accounts(event)))

    def _charge(self, event: Event, number: int) -> None:
        self._events += number
        for account in _accounts(event):
            self._held[account] += number


def _accounts(event: Event) -> Iterator[_Account]:
    """Of its process, its user and its container, as far as it has them."""
    if not isinstance(event, SyscallEvent) or not event.pid:
        return
    yield "process", event.pid
    process = event.process
    if process is None:
        return
    container = "" if process.container is None else process.container.account
    yield ("user", process.uid) if process.uid else ("root", container)
    if container:
        yield "container", container
