"""After any operations, a spool's knowledge in memory agrees with its file, and the file with a model made of
dictionaries.
"""

import random
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from mozu.core.delivery.alert_queue import GIVEN_UP
from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.delivery.spool import Spool, runs
from mozu.core.delivery.spool.number_set import NumberSet
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.support.packing import packed

_OVERHEAD: Final = 24
"""Bytes of a row besides its body."""
_KINDS: Final = [
    packed(replace(alert("rule " * size), source=source, priority=priority))
    for size, source, priority in (
        (1, "syscall", Severity.DEBUG), (5, "syscall", Severity.WARNING), (9, "internal", Severity.ERROR),
    )
]  # fmt: skip


class Pair:
    """A spool, and the contents that it should have."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.chance = path, random.Random(seed)
        self.spool = Spool(path)
        self.alerts: dict[int, tuple[PackedAlert, int]] = {}
        """Number → alert, attempts."""
        self.dead: list[tuple[int, int, str, PackedAlert]] = []
        """Number, attempts, reason."""
        self.dropped: dict[int, str] = {}
        """Number → reason, of dropped alerts that are to be announced."""
        self.last = self.read_to = 0

    def some(self) -> list[int]:
        return sorted(self.chance.sample([*self.alerts], min(len(self.alerts), self.chance.randrange(5))))

    def append(self) -> None:
        batch = self.chance.choices(_KINDS, k=self.chance.choice((1, 3, 250)))
        self.alerts |= {self.last + 1 + at: (one, 0) for at, one in enumerate(batch)}
        self.last += len(batch)
        assert self.last == self.spool.append(batch)

    def skip(self) -> None:
        count = self.chance.randint(1, 5)
        assert (self.last + 1, self.last + count) == self.spool.skip(count, "skipped", debt=f"debt {self.last}")
        assert [False, True] == [self.spool.has_paid(debt) for debt in ("another debt", f"debt {self.last}")]
        self.dropped |= dict.fromkeys(range(self.last + 1, self.last + count + 1), "skipped")
        self.last += count

    def delete(self) -> None:
        gone = self.some()
        self.spool.delete([*gone, self.last + 7])
        for number in gone:
            del self.alerts[number]

    def attempt(self) -> None:
        tried = self.some()
        self.spool.count_attempt(tried)
        self.alerts |= {number: (self.alerts[number][0], self.alerts[number][1] + 1) for number in tried}

    def dead_letter(self) -> None:
        gone = self.some()
        self.spool.dead_letter([(number, f"reason {number}") for number in gone])
        for number in gone:
            one, attempts = self.alerts.pop(number)
            self.dead.append((number, attempts, f"reason {number}", one))
            self.dropped[number] = GIVEN_UP

    def redrive(self) -> None:
        assert len(self.dead) == self.spool.redrive()
        self.alerts |= {self.last + 1 + at: (one[-1], 0) for at, one in enumerate(self.dead)}
        self.last, self.dead = self.last + len(self.dead), []

    def drop_oldest(self) -> None:
        after, without = self.chance.choice((0, *self.alerts)), frozenset(self.some())
        may_go = [number for number in sorted(self.alerts) if number > max(after, self.read_to)]
        gone = [number for number in may_go if number not in without][:3]
        assert [*runs(gone)] == self.spool.drop_oldest("oldest", 3, after, without)
        self.drop(gone, "oldest")

    def drop_less_severe(self) -> None:
        after, without = self.chance.choice((0, *self.alerts)), frozenset(self.some())
        size = self.chance.choice((1, 1_000, 1 << 20))
        may_go = [
            number for number in sorted(self.alerts)
            if number > max(after, self.read_to) and number not in without
            and self.alerts[number][0].form.priority is Severity.DEBUG
        ]  # fmt: skip
        gone = self.spool.drop_less_severe("less severe", Severity.WARNING, size, after, without)
        numbers = [one.number for one in gone]
        assert bool(may_go) == bool(numbers)
        assert set(numbers) <= set(may_go)
        assert (size < 1 << 20) or numbers == may_go
        assert sum(one.alert.size for one in gone) >= size or len(may_go) - len(numbers) <= 1
        self.drop(numbers, "less severe")

    def displace(self) -> None:
        batch = [_KINDS[0]] * self.chance.randint(1, 3)
        before = {number for number, (one, _) in self.alerts.items() if one is not None and number > self.read_to}
        gone, refused = self.spool.displace("displaced", batch, 0, frozenset())
        assert {one.number for one in gone} <= before
        assert refused <= set(range(len(batch)))
        self.drop([one.number for one in gone], "displaced")

    def announced(self) -> None:
        known = sorted(self.dropped)[: self.chance.randrange(4)]
        self.spool.announced([*runs(known)])
        for number in known:
            del self.dropped[number]

    def read(self) -> None:
        after = self.chance.choice((0, *self.alerts))
        expected = [number for number in sorted(self.alerts) if number > after][:5]
        found = self.spool.read(after, 5)
        assert [(number, self.alerts[number][0]) for number in expected] == found
        self.read_to = max(self.read_to, *expected, 0)

    def reopen(self) -> None:
        epoch = self.spool.epoch
        self.spool.close()
        self.spool, self.read_to = Spool(self.path), 0
        assert epoch == self.spool.epoch

    def rebuild(self) -> None:
        epoch = self.spool.epoch
        damage = self.spool.rebuild()
        assert ((), len(self.alerts), epoch) == (damage.lost, damage.salvaged, self.spool.epoch)

    def drop(self, numbers: list[int], reason: str) -> None:
        for number in numbers:
            del self.alerts[number]
            self.dropped[number] = reason

    def check(self) -> None:
        """Compare the spool's memory, its file and the model."""
        spool, db = self.spool, self.spool._db
        assert sorted(self.alerts) == [*spool._contents.numbers.without(NumberSet())]
        rows = db.execute("SELECT seq, body, attempts FROM alerts ORDER BY seq").fetchall()
        assert rows == [(number, one.body, attempts) for number, (one, attempts) in sorted(self.alerts.items())]
        assert self.dead == [
            (one.sequence, one.attempts, one.reason, packed(one.alert)) for one in spool.dead(most=10_000)
        ]
        noted = {number: why for first, last, why in spool.unannounced() for number in range(first, last + 1)}
        assert self.dropped == noted
        bodies = [len(one.body) for one, _ in self.alerts.values()] + [len(one[-1].body) for one in self.dead]
        status = spool.status()
        assert (len(self.alerts), min(self.alerts, default=0)) == (status.waiting, status.oldest)
        assert (self.last, len(self.dead)) == (status.last, status.dead)
        assert sum(bodies) + _OVERHEAD * len(bodies) == status.bytes == spool.size
        assert (self.last, len(self.alerts)) == (spool._contents.last, spool.counts().waiting)
        assert len(self.dead) == spool.counts().dead
        assert [number for number, _ in spool.notices()] == [
            number for number, (one, _) in sorted(self.alerts.items()) if one.is_notice
        ]


@pytest.mark.parametrize("seed", range(6))
def test_a_spool_holds_what_a_dictionary_would(tmp_path: Path, seed: int) -> None:
    pair = Pair(tmp_path / "spool.db", seed)
    acts = (
        pair.append, pair.append, pair.append, pair.skip, pair.delete, pair.attempt, pair.dead_letter, pair.redrive,
        pair.drop_oldest, pair.drop_less_severe, pair.displace, pair.announced, pair.read, pair.reopen, pair.rebuild,
    )  # fmt: skip
    for _ in range(60):
        pair.chance.choice(acts)()
        pair.check()
    pair.spool.close()
