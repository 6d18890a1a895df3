"""Fair queue: bounded FIFO of alerts that drops by priority when it is full (load shedding, not tail drop).

The victim has the least severe priority there is; of that priority the rule with the most alerts here; of that rule the
container or, outside of one, the user with the most; of that the process with the most; of those it is the newest,
which may be the alert that has just come. So a noisy rule, user or process, whatever its severity, takes room from no
other that keeps below its share, and a process that forks for each alert counts as its user. Pure: no clock, no I/O.
Notices of mozu itself (source `internal`) have room of their own and are no victims.

Until it is full for the first time it is a plain deque; the index of what could be dropped is made then, and given up
when the queue is half empty again.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from mozu.core.metrics import Counter, Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import bounded_text

K = TypeVar("K", bound=Hashable)
Numbered = tuple[int, Alert]

NOTICE_RESERVE: Final = 1_000
"""Capacity beyond the configured one for mozu's own notices: a report of loss must not be lost to the same flood."""
_LEAST_FIRST: Final = tuple(sorted(Severity, reverse=True))
_OTHERS: Final = "(others)"
_OWNERS: Final = ("container.full_id", "container.id", "user.uid", "user.name")
_PROCESSES: Final = ("proc.pid", "proc.name", "fd.name")
_MAX_LABELS: Final = 100
"""Rules that drops are counted by; those of further rules are counted together."""


class FairQueue:
    """Numbers must rise. `put` gives what was dropped for it; `take` gives the oldest."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity of a queue must be at least 1, not {capacity}")
        self._capacity = capacity
        self._items: deque[Numbered] = deque()
        self._evicted: set[int] = set()
        """Numbers of items that are in the deque still and were dropped."""
        self._index: _Index | None = None

    def __len__(self) -> int:
        return len(self._items) - len(self._evicted)

    def resize(self, capacity: int) -> None:
        """Another capacity. What is beyond it stays until it is taken, or is dropped for what comes."""
        self._capacity = capacity

    def put(self, number: int, alert: Alert) -> Numbered | None:
        """Enqueue; gives the alert that was dropped for it, which may be itself."""
        if self._index is None and len(self._items) < self._capacity:
            self._items.append((number, alert))
            return None
        return self._put_full(number, alert)

    def take(self, limit: int) -> list[Numbered]:
        """The oldest, in order."""
        if self._index is None:
            return [self._items.popleft() for _ in range(min(limit, len(self._items)))]
        taken: list[Numbered] = []
        while self._items and len(taken) < limit:
            item = self._items.popleft()
            if item[0] in self._evicted:
                self._evicted.discard(item[0])
            else:
                self._index.take(*item)
                taken.append(item)
        if len(self) <= self._capacity // 2:
            self._compact()
            self._index = None
        return taken

    def oldest(self) -> int | None:
        """The number of the first that waits."""
        while self._items and self._items[0][0] in self._evicted:
            self._evicted.discard(self._items.popleft()[0])
        return self._items[0][0] if self._items else None

    def clear(self) -> None:
        """Drop all."""
        self._items.clear()
        self._evicted.clear()
        self._index = None

    def _put_full(self, number: int, alert: Alert) -> Numbered | None:
        """It is full, or was not long ago."""
        own = alert.source == "internal"
        if own and len(self) >= self._capacity + NOTICE_RESERVE:
            return number, alert
        if self._index is None:
            self._index = _Index()
            for item in self._items:
                self._index.add(*item)
        self._index.add(number, alert)
        self._items.append((number, alert))
        if own or len(self) <= self._capacity:
            return None
        victim = self._index.evict()
        if victim is None:  # nothing but notices
            self._items.pop()
            return number, alert
        if victim[0] == number:
            self._items.pop()
        else:
            self._evicted.add(victim[0])
            if len(self._evicted) > self._capacity:
                self._compact()
        return victim

    def _compact(self) -> None:
        self._items = deque(item for item in self._items if item[0] not in self._evicted)
        self._evicted.clear()


class _Index:
    """What could be dropped: priority → rule → owner → process → its alerts, oldest first."""

    def __init__(self) -> None:
        self._severities: dict[Severity, _Rules] = {}

    def add(self, number: int, alert: Alert) -> None:
        if alert.source == "internal":
            return
        severity, rule, owner, process = share_of(alert)
        rules = self._severities.get(severity)
        if rules is None:
            rules = self._severities[severity] = _Rules()
        rules.add(rule, owner, process, (number, alert))

    def take(self, number: int, alert: Alert) -> None:
        """It has left the queue at its head."""
        if alert.source != "internal":
            severity, *share = share_of(alert)
            self._severities[severity].remove(*share, newest=False)

    def evict(self) -> Numbered | None:
        """Remove the victim."""
        for severity in _LEAST_FIRST:
            rules = self._severities.get(severity)
            if rules is not None and rules.sizes:
                rule = rules.sizes.largest()
                owner = rules.owners[rule].largest()
                return rules.remove(rule, owner, rules.processes[rule, owner].largest(), newest=True)
        return None


class _Rules:
    """Alerts of one priority."""

    def __init__(self) -> None:
        self.sizes: _Sizes[str] = _Sizes()
        self.owners: dict[str, _Sizes[str]] = {}
        """By rule."""
        self.processes: dict[tuple[str, str], _Sizes[str]] = {}
        """By rule and owner."""
        self._alerts: dict[tuple[str, str, str], deque[Numbered]] = {}

    def add(self, rule: str, owner: str, process: str, item: Numbered) -> None:
        self.sizes.add(rule)
        _sizes(self.owners, rule).add(owner)
        _sizes(self.processes, (rule, owner)).add(process)
        self._alerts.setdefault((rule, owner, process), deque()).append(item)

    def remove(self, rule: str, owner: str, process: str, *, newest: bool) -> Numbered:
        alerts = self._alerts[rule, owner, process]
        item = alerts.pop() if newest else alerts.popleft()
        if not alerts:
            del self._alerts[rule, owner, process]
        self.sizes.remove(rule)
        _forget(self.owners, rule, owner)
        _forget(self.processes, (rule, owner), process)
        return item


class _Sizes(Generic[K]):
    """How many alerts each key has, and which key has the most: O(1), since sizes change by one."""

    def __init__(self) -> None:
        self._size: dict[K, int] = {}
        self._of_size: dict[int, dict[K, None]] = {}
        self._most = 0

    def __len__(self) -> int:
        return len(self._size)

    def add(self, key: K) -> None:
        self._move(key, self._size.get(key, 0), 1)

    def remove(self, key: K) -> None:
        self._move(key, self._size[key], -1)

    def largest(self) -> K:
        """Of several the one that has grown to this size last."""
        return next(reversed(self._of_size[self._most]))

    def _move(self, key: K, size: int, by: int) -> None:
        if size:
            keys = self._of_size[size]
            del keys[key]
            if not keys:
                del self._of_size[size]
        size += by
        if size:
            self._size[key] = size
            self._of_size.setdefault(size, {})[key] = None
        else:
            del self._size[key]
        if by > 0:
            self._most = max(self._most, size)
        elif self._most not in self._of_size:
            self._most = size  # the key was the largest, and the only one of its size


def _sizes(found: "dict[K, _Sizes[str]]", key: K) -> "_Sizes[str]":
    sizes = found.get(key)
    if sizes is None:
        sizes = found[key] = _Sizes()
    return sizes


def _forget(found: "dict[K, _Sizes[str]]", key: K, one: str) -> None:
    """One alert less; what has none left is not kept."""
    found[key].remove(one)
    if not found[key]:
        del found[key]


def priority_of(alert: Alert) -> Severity:
    """The first part of its share. Total."""
    return alert.priority if isinstance(alert.priority, Severity) else Severity.CRITICAL


def share_of(alert: Alert) -> tuple[Severity, str, str, str]:
    """(priority, rule, owner, process): what an alert shares its room with. Total: any value has a share.

    The owner is the container, else the user: new processes are made by the thousand, these are not.
    """
    rule = alert.rule if isinstance(alert.rule, str) else ""
    return priority_of(alert), rule, _first_of(alert, _OWNERS), _first_of(alert, _PROCESSES)


def _first_of(alert: Alert, keys: Sequence[str]) -> str:
    for values in (alert.enrichment, alert.values):
        if isinstance(values, dict):
            for key in keys:
                value = values.get(key)
                if value not in (None, "", "host") and isinstance(value, str | int):
                    return f"{key}={value}" if isinstance(value, str) else f"{key}={value:x}"
    return ""


class DropCounter:
    """Counts dropped alerts: by reason, and by priority and rule for the first rules that lose any."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._rules: set[str] = set()
        self._by_reason: dict[str, Counter] = {}
        self._by_share: dict[tuple[Severity, str], Counter] = {}

    def count(self, alert: Alert, reason: str) -> None:
        """One alert is dropped."""
        counter = self._by_reason.get(reason)
        if counter is None:
            counter = self._by_reason[reason] = self._metrics.counter("sink_alerts_dropped_total", reason=reason)
        counter.value += 1
        self.count_rule(priority_of(alert), alert.rule if isinstance(alert.rule, str) else "", 1)

    def count_rule(self, severity: Severity, rule: str, number: int) -> None:
        """So many alerts of a rule are dropped, whose reason is counted elsewhere."""
        if rule not in self._rules:
            if len(self._rules) >= _MAX_LABELS:
                rule = _OTHERS
            else:
                self._rules.add(rule)
        counter = self._by_share.get((severity, rule))
        if counter is None:
            name = "sink_alerts_dropped_by_rule_total"
            counter = self._metrics.counter(name, priority=severity.label, rule=bounded_text(rule))
            self._by_share[severity, rule] = counter
        counter.value += number
