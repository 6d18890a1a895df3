"""Load shedding of a full spool: which stored alerts make room for new ones, by the policy of the queue in memory.

Only the newest alerts that were not given out take part (_WINDOW of one priority), so that a commit takes milliseconds
however much waits; a rule that is noisy now is noisy among these. They are decoded, because their process decides, too.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from mozu.core.delivery.fair_queue import FairQueue
from mozu.core.delivery.spool.codec import SpoolForm, decode_alert
from mozu.core.model.alert import Alert, Severity

_WINDOW: Final = 4_000


class StoredAlert(NamedTuple):
    """A row of the table `alerts`."""

    number: int
    length: int
    """Bytes of its body."""
    alert: Alert


def window(
    db: sqlite3.Connection,
    form: Callable[[int], SpoolForm],
    priority: Severity,
    after: int,
    without: frozenset[int],
) -> list[StoredAlert]:
    """The newest alerts of a priority with numbers above `after` and none of `without`, oldest first; no notices."""
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
                rows.append(StoredAlert(number, len(body), decode_alert(forms[kind], body)))
    return rows[::-1]


def victims(rows: Sequence[StoredAlert], limit: int) -> list[StoredAlert]:
    """Up to `limit` of them: from the rule with the most, of that from the process with the most, the newest first."""
    if len(rows) <= limit:
        return list(rows)
    dropped, _ = _contest(rows, (), len(rows) - limit)
    return dropped


def displaced(rows: Sequence[StoredAlert], batch: Sequence[Alert]) -> tuple[list[StoredAlert], frozenset[int]]:
    """What goes so that no more is stored after this batch than before: stored alerts, and places in the batch. Where
    nothing is stored, half of the batch: the rest may find room."""
    if not rows and len(batch) < 2:
        return [], frozenset(range(len(batch)))
    return _contest(rows, batch, len(rows) or len(batch) // 2)


def _contest(
    rows: Sequence[StoredAlert], batch: Sequence[Alert], capacity: int
) -> tuple[list[StoredAlert], frozenset[int]]:
    queue, dropped = FairQueue(capacity), set[int]()
    for place, alert in enumerate(_alerts(rows, batch)):
        victim = queue.put(place, alert)
        if victim is not None:
            dropped.add(victim[0])
    size = len(rows)
    return [rows[place] for place in sorted(dropped) if place < size], frozenset(
        place - size for place in dropped if place >= size
    )


def _alerts(rows: Sequence[StoredAlert], batch: Sequence[Alert]) -> Iterable[Alert]:
    yield from (row.alert for row in rows)
    yield from batch
