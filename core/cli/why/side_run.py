"""A run with the rules in force beside the explaining one: shows which events its kernel filter let through."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from mozu.core.api import Alert, Demand, Event, SyscallEvent

_Key = tuple[int, str]


class Arrivals:
    """An evaluator that raises no alert, and notes when the calls of a command arrived, by thread and type."""

    def __init__(self, demand: Demand, belongs: Callable[[Event], bool]) -> None:
        self._demand, self._belongs = demand, belongs
        self.times: Final[dict[_Key, list[int]]] = {}
        """Times in ns, ascending."""
        self.numbers: Final[dict[int, tuple[_Key, int]]] = {}
        """Number of an event → its thread and type, and its time."""

    def demand(self) -> Demand:
        """Return the demand passed to the constructor."""
        return self._demand

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Note the events of a batch."""
        for event in batch:
            if isinstance(event, SyscallEvent) and self._belongs(event):
                key = (event.tid, event.type)
                self.times.setdefault(key, []).append(event.time)
                self.numbers[event.num] = key, event.time
        return ()

    def reload(self) -> "Arrivals":
        """Return this object."""
        return self


def arrived(number: int, whole: Arrivals, filtered: Arrivals) -> bool:
    """Return True if an event of the run that sees everything also arrived in the run with a filter. The filter's
    programs run after those of the first run, so an arrival belongs to the last call of its thread and type before
    it."""
    if number not in whole.numbers:
        return True  # no system call of the command: nothing is known
    key, time = whole.numbers[number]
    every = whole.times[key]
    return any(_last(every, one) == time for one in filtered.times.get(key, ()))


def _last(times: Sequence[int], time: int) -> int | None:
    """Return the last time that is not later, or None."""
    at = bisect_right(times, time)
    return times[at - 1] if at else None
