"""Fair index: the choice of the alert that a full queue drops (the victim).

The victim has the least severe priority present; of that priority, the rule with the most alerts; of that rule, the
container (or outside of one the user) with the most; of that, the process with the most; of these, it is the newest. A
noisy rule, user or process of any severity thus takes no space from others that stay below their share, and a process
that forks for each alert counts as its user. mozu's own notices are never victims.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from mozu.core.delivery.packed_alert import PackedAlert, unpack_body
from mozu.core.model.alert import Severity

K = TypeVar("K", bound=Hashable)
Share = tuple[Severity, str, str, str]
"""(priority, rule, owner, process)."""

_MOST_SHARES: Final = 5_000
"""Number of shares (some 1.5 KB each at most) from which new processes share one entry per owner; from twice that
number, new rules share one entry per priority."""
_LEAST_FIRST: Final = tuple(sorted(Severity, reverse=True))
_OTHERS: Final = "(others)"
_OWNERS: Final = ("container.full_id", "container.id", "user.uid", "user.name")
_PROCESSES: Final = ("proc.pid", "proc.name", "fd.name")


class QueuedAlert(msgspec.Struct, gc=False):
    """A place in a queue."""

    number: int
    alert: PackedAlert | None
    """The alert; None if it was dropped."""
    share: Share | None = None
    """Share under which the index has the alert."""


class FairIndex:
    """Alerts by priority, rule, owner and process."""

    def __init__(self) -> None:
        self._severities: dict[Severity, _Rules] = {}
        self._alerts: dict[Share, deque[QueuedAlert]] = {}
        """Alerts of each share, oldest first."""

    def add(self, item: QueuedAlert, *, newest: bool) -> None:
        """Add an alert that is newer (or older) than all in the index. Notices are ignored."""
        if item.alert is None or item.alert.is_notice:
            return
        share = item.share = self._share(item.alert)
        alerts = self._alerts.get(share)
        if alerts is None:
            alerts = self._alerts[share] = deque()
        if newest:
            alerts.append(item)
        else:
            alerts.appendleft(item)
        severity, rule, owner, process = share
        rules = self._severities.get(severity)
        if rules is None:
            rules = self._severities[severity] = _Rules()
        rules.add(rule, owner, process, newest=newest)

    def remove(self, item: QueuedAlert) -> None:
        """Remove the oldest alert of all."""
        if item.share is not None:
            self._alerts[item.share].popleft()
            self._removed(item.share)

    def evict(self) -> QueuedAlert | None:
        """Remove and return the victim; None if there is none."""
        for severity in _LEAST_FIRST:
            rules = self._severities.get(severity)
            if rules is not None and rules.sizes:
                share = severity, *rules.largest()
                item = self._alerts[share].pop()
                self._removed(share)
                return item
        return None

    def _share(self, alert: PackedAlert) -> Share:
        share = share_of(alert)
        if share in self._alerts or len(self._alerts) < _MOST_SHARES:
            return share
        severity, rule, owner, _ = share
        share = severity, rule, owner, _OTHERS
        if share in self._alerts or len(self._alerts) < 2 * _MOST_SHARES:
            return share
        return severity, _OTHERS, _OTHERS, _OTHERS

    def _removed(self, share: Share) -> None:
        severity, rule, owner, process = share
        self._severities[severity].remove(rule, owner, process)
        if not self._alerts[share]:
            del self._alerts[share]


class _Rules:
    """Numbers of alerts of one priority, by rule, owner and process."""

    def __init__(self) -> None:
        self.sizes: _Sizes[str] = _Sizes()
        self._owners: dict[str, _Sizes[str]] = {}
        """Sizes of owners, by rule."""
        self._processes: dict[tuple[str, str], _Sizes[str]] = {}
        """Sizes of processes, by rule and owner."""

    def add(self, rule: str, owner: str, process: str, *, newest: bool) -> None:
        self.sizes.add(rule, newest=newest)
        _sizes(self._owners, rule).add(owner, newest=newest)
        _sizes(self._processes, (rule, owner)).add(process, newest=newest)

    def remove(self, rule: str, owner: str, process: str) -> None:
        self.sizes.remove(rule)
        _forget(self._owners, rule, owner)
        _forget(self._processes, (rule, owner), process)

    def largest(self) -> tuple[str, str, str]:
        """Return rule, owner and process of the victim."""
        rule = self.sizes.largest()
        owner = self._owners[rule].largest()
        return rule, owner, self._processes[rule, owner].largest()


class _Sizes(Generic[K]):
    """Number of alerts of each key, and the key with the most: O(1), because sizes change by one."""

    def __init__(self) -> None:
        self._size: dict[K, int] = {}
        self._of_size: dict[int, OrderedDict[K, None]] = {}
        self._most = 0

    def __len__(self) -> int:
        return len(self._size)

    def add(self, key: K, *, newest: bool) -> None:
        """Count an alert that is newer, or older, than all."""
        self._move(key, self._size.get(key, 0), 1)
        if not newest:
            self._of_size[self._size[key]].move_to_end(key, last=False)

    def remove(self, key: K) -> None:
        self._move(key, self._size[key], -1)

    def largest(self) -> K:
        """Return the key with the most alerts; of several, the one with the newest alert."""
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
            self._of_size.setdefault(size, OrderedDict())[key] = None
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
    """Count one alert less, and remove a key without alerts."""
    found[key].remove(one)
    if not found[key]:
        del found[key]


def share_of(alert: PackedAlert) -> tuple[Severity, str, str, str]:
    """Return (priority, rule, owner, process), the share in which an alert is counted. Defined for any alert.

    The owner is the container, else the user: processes can be created by the thousand, owners cannot.
    """
    form = alert.form
    try:
        body = unpack_body(alert)
    except (msgspec.MsgspecError, ValueError):
        return form.priority, form.rule, "", ""
    values = dict(zip(form.keys, body.values, strict=False))
    found = body.enrichment, values
    return form.priority, form.rule, _first_of(found, _OWNERS), _first_of(found, _PROCESSES)


def _first_of(found: Sequence[Mapping[str, object]], keys: Sequence[str]) -> str:
    for values in found:
        for key in keys:
            value = values.get(key)
            if value not in (None, "", "host") and isinstance(value, str | int):
                return f"{key}={value}" if isinstance(value, str) else f"{key}={value:x}"
    return ""
