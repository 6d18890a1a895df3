"""A queue drops exactly the alerts that the policy names, whatever comes, leaves and changes its size."""

import random

import pytest
from msgspec.structs import replace

from mozu.core.delivery import fair_queue
from mozu.core.delivery.fair_index import Share, share_of
from mozu.core.delivery.fair_queue import FairQueue
from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.support.packing import packed

_RESERVE = 2_000
"""Bytes reserved for notices, instead of a megabyte."""


def kinds() -> list[PackedAlert]:
    """Return alerts of few priorities, rules, users, processes and sizes, notices among them."""
    made = []
    for number in range(60):
        one = alert(f"rule {number % 3}", **{"proc.cwd": "x" * (number % 7 * 40)})
        enrichment = {"user.uid": number % 2, "proc.pid": number % 5}
        priority = (Severity.DEBUG, Severity.WARNING, Severity.CRITICAL)[number % 4 % 3]
        source = "internal" if number % 13 == 0 else "syscall"
        made.append(packed(replace(one, enrichment=enrichment, priority=priority, source=source)))
    return made


def _may_go(shares: dict[int, Share], depth: int) -> list[int]:
    """Return the newest alerts of the process with the most, of the owner with the most, of the rule with the most, of
    the least severe priority.
    """
    if depth == 4:
        return [max(shares)]
    groups: dict[object, dict[int, Share]] = {}
    for number, share in shares.items():
        groups.setdefault(share[depth], {})[number] = share
    if depth == 0:
        return _may_go(groups[max(share[0] for share in shares.values())], 1)
    most = max(map(len, groups.values()))
    return [number for group in groups.values() if len(group) == most for number in _may_go(group, depth + 1)]


class Pair:
    """A queue, and a list of its expected contents."""

    def __init__(self, capacity: int) -> None:
        self.queue, self.capacity = FairQueue(capacity), capacity
        self.items: list[tuple[int, PackedAlert]] = []
        self.most = 0
        """Highest number of alerts held at a time."""

    def bytes(self, *, notices: bool) -> int:
        return sum(one.size for _, one in self.items if one.is_notice is notices)

    def is_over(self) -> bool:
        return self.bytes(notices=False) + max(0, self.bytes(notices=True) - _RESERVE) > self.capacity

    def may_go(self) -> list[int]:
        """Return the numbers that the policy allows to drop first."""
        return _may_go({number: share_of(one) for number, one in self.items if not one.is_notice}, 0)

    def put(self, number: int, one: PackedAlert) -> None:
        whole = self.bytes(notices=True) + self.bytes(notices=False) + one.size
        refused = one.is_notice and whole > self.capacity + _RESERVE and bool(self.items)
        dropped = self.queue.put(number, one)
        if refused:
            assert [(number, one)] == dropped
            return
        self.items.append((number, one))
        self.most = max(self.most, len(self.items))
        for victim, _ in dropped:
            assert self.is_over()
            assert victim in self.may_go()
            self.items = [item for item in self.items if item[0] != victim]
        came = number in [victim for victim, _ in dropped]
        only_notices = all(item.is_notice for _, item in self.items)
        assert not self.is_over() or came or only_notices or len(self.items) == 1

    def take(self, limit: int) -> None:
        assert self.items[:limit] == self.queue.take(limit)
        self.items = self.items[limit:]

    def check(self) -> None:
        assert (len(self.items), self.items[0][0] if self.items else None) == (len(self.queue), self.queue.oldest())
        assert self.bytes(notices=True) + self.bytes(notices=False) == self.queue.bytes
        places = (*self.queue._older, *self.queue._newer)
        dropped = sum(place.alert is None for place in places)
        assert dropped == self.queue._evicted <= (self.most + 10) / 8


@pytest.mark.parametrize("seed", range(8))
def test_a_queue_drops_what_its_policy_names_and_gives_the_rest_in_order(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(fair_queue, "NOTICE_RESERVE", _RESERVE)
    monkeypatch.setattr(fair_queue, "_EVICTED_FROM", 10)
    chance, known = random.Random(seed), kinds()
    pair = Pair(5_000)
    for number in range(1, 400):
        act = chance.random()
        if act < 0.75:
            pair.put(number, chance.choice(known))
        elif act < 0.97:
            pair.take(chance.choice((1, 2, 9)))
        elif act < 0.985:
            pair.capacity = chance.choice((1_000, 5_000, 9_000))
            pair.queue.resize(pair.capacity)
        else:
            pair.queue.clear()
            pair.items.clear()
        pair.check()
    pair.take(1_000)
    pair.check()
