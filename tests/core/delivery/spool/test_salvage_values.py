"""Salvage of rows that are readable but hold unusable values, and the numbering afterwards."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool
from mozu.core.delivery.spool.file import FreshFile
from mozu.core.delivery.spool.salvage import Salvage
from mozu.core.testing import alert
from tests.core.delivery.spool.descriptors import descriptors_below
from tests.support.packing import packed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a spool with alerts 1 to 3, the second tried once, and dead letters 1 to 3, which were alerts 4 to 6."""
    path = tmp_path / "spool.db"
    with closing(Spool(path)) as spool:
        spool.append([packed(alert(f"rule {number % 2}")) for number in range(1, 7)])
        spool.count_attempt([2])
        spool.dead_letter([(number, "refused") for number in (4, 5, 6)])
    return path


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with FreshFile(tmp_path / "fresh.db") as fresh:
        yield fresh.db


def changed(path: Path, statement: str, value: object = None) -> None:
    """Change the file by a statement, as damage would."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, () if value is None else (value,))


def keys(db: sqlite3.Connection, table: str) -> list[int]:
    return [key for (key,) in db.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("form", "text"), ("form", 99), ("attempts", "often"), ("body", "text"), ("body", 7), ("body", b"\xc1")],
)
def test_an_alert_of_which_a_part_is_nothing_of_its_kind_is_not_taken_over(
    path: Path, fresh: sqlite3.Connection, column: str, value: object
) -> None:
    changed(path, f"UPDATE alerts SET {column} = ? WHERE seq = 2", value)
    found = Salvage(fresh)
    found.take_file(path)
    assert (2, 3) == (found.alerts, found.dead)
    assert ([1, 3], [(2, 2)]) == (keys(fresh, "alerts"), found.lost(6))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("seq", "text"), ("time", "late"), ("attempts", "often"), ("reason", b"refused"), ("form", "text"),
        ("form", 99), ("body", "text"), ("body", 7), ("body", b"\xc1"),
    ],
)  # fmt: skip
def test_a_dead_letter_of_which_a_part_is_nothing_of_its_kind_is_not_taken_over(
    path: Path, fresh: sqlite3.Connection, column: str, value: object
) -> None:
    changed(path, f"UPDATE dead SET {column} = ? WHERE id = 2", value)
    found = Salvage(fresh)
    found.take_file(path)
    assert (3, 2) == (found.alerts, found.dead)
    assert [1, 3] == keys(fresh, "dead")


def test_what_is_taken_over_is_what_it_was_and_is_taken_over_once(
    path: Path, fresh: sqlite3.Connection
) -> None:
    changed(path, "DELETE FROM alerts WHERE seq = 1")
    found = Salvage(fresh)
    for _ in range(2):
        found.take_file(path)
    columns = {
        "alerts": "seq, form, attempts, body",
        "dead": "id, seq, time, attempts, reason, form, body",
        "forms": "id, raw",
    }
    with closing(sqlite3.connect(path)) as db:
        before = [db.execute(f"SELECT {what} FROM {table} ORDER BY 1").fetchall() for table, what in columns.items()]
    after = [fresh.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in columns]
    assert (before, 2, 3) == (after, found.alerts, found.dead)


@pytest.mark.parametrize(
    ("damage", "given", "last"),
    [
        ("DELETE FROM meta WHERE name = 'filler'", 0, 6),
        ("UPDATE sqlite_sequence SET seq = 9 WHERE name = 'alerts'", 0, 9),
        ("UPDATE sqlite_sequence SET seq = 'nine' WHERE name = 'alerts'", 0, 6),
        ("DELETE FROM sqlite_sequence", 8, 8),
        ("UPDATE dead SET seq = 2; DELETE FROM dropped; DELETE FROM sqlite_sequence", 0, 3),
        ("UPDATE dead SET seq = 2; DELETE FROM sqlite_sequence", 0, 6),
        ("DELETE FROM alerts; DELETE FROM dead; DELETE FROM dropped; DELETE FROM sqlite_sequence", 0, 0),
    ],
    ids=["the sequence", "a greater one", "not a number", "the one given", "an alert's", "a drop's", "none"],
)  # fmt: skip
def test_numbers_go_on_behind_the_greatest_that_is_known(
    path: Path, fresh: sqlite3.Connection, damage: str, given: int, last: int
) -> None:
    for statement in damage.split("; "):
        changed(path, statement)
    found = Salvage(fresh)
    found.take_file(path)
    found.continue_epoch("an epoch", given)
    assert [(last,)] == fresh.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchall()
    assert [("an epoch",)] == fresh.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchall()


def test_the_number_of_a_dead_letter_is_not_given_again(path: Path, fresh: sqlite3.Connection) -> None:
    changed(path, "DELETE FROM sqlite_sequence")
    found = Salvage(fresh)
    found.take_file(path)
    found.continue_epoch("an epoch", 0)
    assert [(6,)] == fresh.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchall()


def test_a_file_that_is_no_database_gives_nothing_and_is_closed(path: Path, fresh: sqlite3.Connection) -> None:
    path.write_bytes(b"garbage" * 1_000)
    found = Salvage(fresh)
    found.take_file(path)
    found.take_file(path.parent)
    assert (0, 0) == (found.alerts, found.dead)
    assert "spool.db" not in descriptors_below(path.parent)
