"""The report on what a start would find in a spool; the spool is not changed."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mozu.core.delivery.spool import OwedNumbers, Spool, spool_obstacles
from tests.core.delivery.spool.descriptors import descriptors_below

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("BEGIN EXCLUSIVE")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Yield the id of a process that keeps every other one from reading the database."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid


def test_nothing_is_in_the_way_of_a_spool_that_no_process_uses_or_that_is_not_there(path: Path) -> None:
    assert [] == spool_obstacles(path)
    assert [] == spool_obstacles(path.parent / "a folder" / "to be made" / "spool.db")
    Spool(path).close()
    assert [] == spool_obstacles(path)


def test_a_look_leaves_the_files_closed(path: Path) -> None:
    Spool(path).close()
    spool_obstacles(path)
    assert [] == descriptors_below(path.parent)


def test_a_place_where_nothing_can_be_written_is_refused(path: Path) -> None:
    path.write_text("")
    (found,) = spool_obstacles(path / "below a file" / "spool.db")
    assert (True, False) == (found.refuses, found.held)
    assert "give `spool.path` a file where there is room" in found.reason


def test_the_mozu_that_uses_a_spool_holds_it(path: Path) -> None:
    with closing(OwedNumbers(path)):
        (found,) = spool_obstacles(path)
    expected = f"another mozu uses the spool {path}; give each a `spool.path` of its own"
    assert (expected, True, True) == (found.reason, found.refuses, found.held)
    assert [] == spool_obstacles(path)


def test_a_process_that_locks_the_database_is_named(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
    with held(path) as pid:
        (found,) = spool_obstacles(path)
    assert (f"process {pid} holds the lock of the spool {path}; let it end first", True, True) == (
        found.reason, found.refuses, found.held,
    )  # fmt: skip


def test_a_process_that_only_reads_the_database_is_not_in_the_way(path: Path) -> None:
    with closing(Spool(path)):
        assert [] == spool_obstacles(path.with_name("another.db"))
