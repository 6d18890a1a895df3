"""A run with the rules in force beside the one that explains: which events its kernel filter let through."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from mozu.core.api import Alert, Demand, Event, SyscallEvent

_Key = tuple[int, str]


class Arrivals:
    """An evaluator that raises no alert: when the calls of a command arrived, by thread and type."""

    def __init__(self, demand: Demand, belongs: Callable[[Event], bool]) -> None:
        self._demand, self._belongs = demand, belongs
        self.times: Final[dict[_Key, list[int]]] = {}
        """In ns, from the first to the last."""
        self.numbers: Final[dict[int, tuple[_Key, int]]] = {}
        """Number of an event → its thread and type, and its time."""

    def demand(self) -> Demand:
        """As it was given."""
        return self._demand

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Notes them."""
        for event in batch:
            if isinstance(event, SyscallEvent) and self._belongs(event):
                key = (event.tid, event.type)
                self.times.setdefault(key, []).append(event.time)
                self.numbers[event.num] = key, event.time
        return ()

    def reload(self) -> "Arrivals":
        """The same."""
        return self


def arrived(number: int, whole: Arrivals, filtered: Arrivals) -> bool:
    """Whether an event of a run that sees everything was also one of the run with a filter, whose programs run after
    those of the first: what arrived is the last call of that thread and type before it."""
    if number not in whole.numbers:
        return True  # no system call of the command: nothing is known
    key, time = whole.numbers[number]
    every = whole.times[key]
    return any(_last(every, one) == time for one in filtered.times.get(key, ()))


def _last(times: Sequence[int], time: int) -> int | None:
    """The last of them that is not later."""
    at = bisect_right(times, time)
    return times[at - 1] if at else None
