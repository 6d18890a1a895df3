"""Fair shares of a bounded queue of events when capacity is short, by the accounts of the ring buffer (ADR 49).

An event passes only if each of its accounts holds less than the free capacity: once as much for its process, twice for
its user, four times for its container. So below half of the capacity everything passes; above it a flooding account is
refused first, and the rest of the capacity stays for others. Root is an account for each container, as in the ring
buffer.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from mozu.core.model.event import Event, SyscallEvent

_Account = tuple[str, Hashable]


class FairShare:
    """A capacity of `most` events, shared out by account."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[_Account] = Counter()
        self._events = 0

    def admit(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events that may wait, in order; a batch that finds the queue empty is admitted whatever its
        length."""
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
        """Give back the capacity of events that no longer wait."""
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
    """Yield the accounts of the event's process, user and container, if it has them."""
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
