"""Load shedding of a full spool: selection of stored alerts to drop for new ones, by the policy of the queue in memory.

Only the newest alerts that were not read yet take part (_WINDOW of one priority), so that a commit takes milliseconds
however many wait; a currently noisy rule is noisy among these. They are decoded, because the selection depends on the
process.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from mozu.core.delivery.fair_queue import FairQueue
from mozu.core.delivery.packed_alert import AlertForm, PackedAlert, size_of, unpack
from mozu.core.model.alert import Severity

_WINDOW: Final = 4_000


class StoredAlert(NamedTuple):
    """A row of the table `alerts`."""

    number: int
    length: int
    """Bytes of the alert's body."""
    alert: PackedAlert


def window(
    db: sqlite3.Connection,
    form: Callable[[int], AlertForm],
    priority: Severity,
    after: int,
    without: frozenset[int],
) -> list[StoredAlert]:
    """Return the newest alerts of a priority with numbers above `after` and not in `without`, oldest first; no
    notices."""
    forms = {}
    for (number,) in db.execute("SELECT id FROM forms").fetchall():
        with suppress(msgspec.MsgspecError, ValueError):
            found = form(number)
            if found.priority == priority and found.source != "internal":
                forms[number] = found
    query = (
        f"SELECT seq, form, body FROM alerts WHERE seq > ? AND form IN ({', '.join(map(str, forms))}) "
        "ORDER BY seq DESC LIMIT ?"
    )
    rows = []
    for number, kind, body in db.execute(query, (after, _WINDOW + len(without))).fetchall():
        if number not in without:
            with suppress(msgspec.MsgspecError, ValueError):
                alert = PackedAlert(forms[kind], body)
                unpack(alert)
                rows.append(StoredAlert(number, len(body), alert))
    return rows[::-1]


def victims(rows: Sequence[StoredAlert], size: int) -> list[StoredAlert]:
    """Return alerts of at least `size` bytes together, or all: of the rule with the most, of that the process with the
    most, the newest first."""
    left = size_of(row.alert for row in rows) - size
    if left <= 0:
        return list(rows)
    dropped, _ = _contest(rows, (), left)
    return dropped


def displaced(rows: Sequence[StoredAlert], batch: Sequence[PackedAlert]) -> tuple[list[StoredAlert], frozenset[int]]:
    """Return the alerts to drop so that no more is stored after this batch than before: stored alerts, and indices in
    the batch. If nothing is stored, half of the batch is dropped: the rest may fit."""
    if not rows and len(batch) < 2:
        return [], frozenset(range(len(batch)))
    return _contest(rows, batch, size_of(row.alert for row in rows) or size_of(batch) // 2)


def _contest(
    rows: Sequence[StoredAlert], batch: Sequence[PackedAlert], capacity: int
) -> tuple[list[StoredAlert], frozenset[int]]:
    queue, dropped = FairQueue(capacity), set[int]()
    for place, alert in enumerate(_alerts(rows, batch)):
        dropped.update(victim for victim, _ in queue.put(place, alert))
    size = len(rows)
    return [rows[place] for place in sorted(dropped) if place < size], frozenset(
        place - size for place in dropped if place >= size
    )


def _alerts(rows: Sequence[StoredAlert], batch: Sequence[PackedAlert]) -> Iterable[PackedAlert]:
    yield from (row.alert for row in rows)
    yield from batch
