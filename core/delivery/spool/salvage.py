"""Salvage: what can be read of a damaged spool, row by row, past the pages that cannot be read."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mozu.core.delivery.spool.codec import decode_alert, decode_form

_MOST_PROBES: Final = 5_000_000
"""Numbers tried one by one behind rows that cannot be read; each try costs about 10 µs."""


class Salvaged(msgspec.Struct):
    """Rows that could be read and decoded."""

    last: int = 0
    """The highest sequence number that was given, as far as it can be told."""
    forms: dict[int, bytes] = {}
    alerts: list[tuple[int, int, int, bytes]] = []
    """(sequence number, form, attempts, body)."""
    dead: list[tuple[int, int, int, str, int, bytes]] = []
    """(sequence number, time, attempts, reason, form, body)."""


def salvage(db: sqlite3.Connection) -> Salvaged:
    """Read everything that is readable. Raises nothing: an unreadable file gives nothing."""
    found = Salvaged()
    last = _single(db, "SELECT seq FROM sqlite_sequence WHERE name = 'alerts'")
    found.forms = {row[0]: row[1] for row in _rows(db, "forms", "id", "id, raw")}
    for row in _rows(db, "alerts", "seq", "seq, form, attempts, body"):
        if _decodes(found.forms, row[1], row[3]):
            found.alerts.append(row)
    for row in _rows(db, "dead", "id", "id, seq, time, attempts, reason, form, body"):
        if _decodes(found.forms, row[5], row[6]):
            found.dead.append(row[1:])
    numbers = [row[0] for row in found.alerts] + [row[0] for row in found.dead]
    found.last = max([last if isinstance(last, int) else 0, *numbers])
    return found


def _single(db: sqlite3.Connection, query: str) -> object:
    try:
        row = db.execute(query).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else row[0]


def _decodes(forms: dict[int, bytes], form: Any, body: Any) -> bool:
    raw = forms.get(form)
    if raw is None or not isinstance(body, bytes):
        return False
    try:
        decode_alert(decode_form(raw), body)
    except (msgspec.MsgspecError, ValueError):
        return False
    return True


def _rows(db: sqlite3.Connection, table: str, key: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of their key. After one that cannot be read the next readable key is looked for."""
    at, probes = 0, 0
    last = _single(db, f"SELECT max({key}) FROM {table}")
    if not isinstance(last, int):
        last = _single(db, f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'")
    while not isinstance(last, int) or at <= last:
        try:
            for row in db.execute(f"SELECT {columns} FROM {table} WHERE {key} >= ? ORDER BY {key}", (at,)):
                if not isinstance(row[0], int) or row[0] < at:
                    break  # a page of another place: the keys run backwards
                at = row[0] + 1
                yield row
            else:
                return
        except sqlite3.Error:
            pass
        if not isinstance(last, int):
            return
        at += 1
        while at <= last and not _is_readable(db, table, key, at):
            at, probes = at + 1, probes + 1
            if probes > _MOST_PROBES:
                return


def _is_readable(db: sqlite3.Connection, table: str, key: str, at: int) -> bool:
    try:
        db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (at,)).fetchone()
    except sqlite3.Error:
        return False
    return True
