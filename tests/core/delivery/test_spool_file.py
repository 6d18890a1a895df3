"""The file of a disk queue: what SQLite says is a refusal, or damage, after which the work is done in a new file."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool
from mozu.core.delivery.spool.refusal import DiskFull
from mozu.core.delivery.spool_file import SpoolFile


def error(code: int, kind: type[sqlite3.DatabaseError] = sqlite3.OperationalError) -> sqlite3.DatabaseError:
    made = kind("said by SQLite")
    made.sqlite_errorcode = code
    return made


def worked(path: Path, failure: sqlite3.Error) -> tuple[int, list[str]]:
    """Work that fails once, so: how often it was done, and the problems that were met."""

    async def main() -> tuple[int, list[str]]:
        file = SpoolFile(path, max_bytes=1 << 20, fsync=False, on_lost=list)
        await file.open()
        tries = 0

        def work(spool: Spool) -> int:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise failure
            return tries

        try:
            return await file.run(work), file.take_problems()
        finally:
            await file.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "failure",
    [error(sqlite3.SQLITE_IOERR_READ), error(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError)],
    ids=["a page that cannot be read", "a malformed page"],
)
def test_after_damage_the_work_is_done_once_more_in_a_new_file(tmp_path: Path, failure: sqlite3.Error) -> None:
    tries, problems = worked(tmp_path / "sink.db", failure)

    assert (2, 1) == (tries, len(problems))
    assert "said by SQLite" in problems[0]


def test_after_a_refusal_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(DiskFull):
        worked(tmp_path / "sink.db", error(sqlite3.SQLITE_FULL))
