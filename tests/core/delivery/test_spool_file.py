"""The file of a disk queue: an SQLite error is a refusal, or damage, after which the work is done in a new file."""

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from mozu.core.delivery import spool_file
from mozu.core.delivery.alert_queue import SPOOL_DAMAGED, DroppedRange
from mozu.core.delivery.spool import OwedNumbers, Spool, SpoolUnusable, SpoolUnwritable
from mozu.core.delivery.spool.file import SpoolDamaged
from mozu.core.delivery.spool.refusal import DiskFull
from mozu.core.delivery.spool_file import SpoolFile

T = TypeVar("T")


def error(code: int, kind: type[sqlite3.DatabaseError] = sqlite3.OperationalError) -> sqlite3.DatabaseError:
    made = kind("said by SQLite")
    made.sqlite_errorcode = code
    return made


def spool_file_at(path: Path) -> SpoolFile:
    return SpoolFile(path, max_bytes=1 << 20, fsync=False, on_lost=list, on_counted=lambda *_: None)


def worked(path: Path, failure: sqlite3.Error) -> tuple[int, list[str]]:
    """Run work that fails once with `failure`; return how often it ran, and the problems reported."""

    async def main() -> tuple[int, list[str]]:
        file = spool_file_at(path)
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


def scenario(path: Path, act: Callable[[SpoolFile], Awaitable[T]]) -> T:
    """Return the result of `act` on an open file."""

    async def main() -> T:
        file = spool_file_at(path)
        await file.open()
        try:
            return await act(file)
        finally:
            await file.close()

    return asyncio.run(main())


def test_damage_that_a_new_file_does_not_end_is_a_refusal(tmp_path: Path) -> None:
    tries = 0

    def work(_: Spool) -> None:
        nonlocal tries
        tries += 1
        raise error(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError)

    async def act(file: SpoolFile) -> list[str]:
        with pytest.raises(SpoolUnwritable, match="cannot be used"):
            await file.run(work)
        return file.take_problems()

    assert (1, 2) == (len(scenario(tmp_path / "sink.db", act)), tries)


def test_a_file_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    async def act(file: SpoolFile) -> list[bool]:
        seen = [file.is_open]
        await file.close()
        await file.close()
        with pytest.raises(SpoolUnwritable, match="is not open"):
            await file.run(Spool.status)
        await file.owe(3, "full")
        assert await file.pay_owed() is None
        return [*seen, file.is_open]

    assert [True, False] == scenario(tmp_path / "sink.db", act)


def test_a_disk_that_refuses_to_write_is_a_problem_once_until_it_takes_something(tmp_path: Path) -> None:
    unwritable = SpoolUnwritable("the disk fails")

    async def act(file: SpoolFile) -> list[int]:
        found = []
        for refused in (unwritable, DiskFull("full"), unwritable, unwritable, None, unwritable):
            file.note(refused)
            found.append(len(file.take_problems()))
        return found

    assert [1, 0, 1, 0, 0, 1] == scenario(tmp_path / "sink.db", act)


def test_the_same_problem_is_reported_once_between_two_looks(tmp_path: Path) -> None:
    async def act(file: SpoolFile) -> list[int]:
        for refused in (SpoolUnwritable("a"), None, SpoolUnwritable("a"), None, SpoolUnwritable("b")):
            file.note(refused)
        return [len(file.take_problems()), len(file.take_problems())]

    assert [2, 0] == scenario(tmp_path / "sink.db", act)


def test_numbers_that_are_owed_are_used_up_once_for_the_last_reason(tmp_path: Path) -> None:
    async def act(file: SpoolFile) -> list[DroppedRange | None]:
        await file.owe(2, "full")
        await file.owe(1, "locked")
        return [await file.pay_owed(), await file.pay_owed()]

    assert [DroppedRange(1, 3, "locked"), None] == scenario(tmp_path / "sink.db", act)


def test_numbers_that_were_owed_are_paid_by_the_next_run_and_not_twice(tmp_path: Path) -> None:
    async def owe(file: SpoolFile) -> None:
        await file.owe(2, "full")

    async def pay(file: SpoolFile) -> DroppedRange | None:
        return await file.pay_owed()

    path = tmp_path / "sink.db"
    scenario(path, owe)
    owed = (tmp_path / "sink.db.owed").read_bytes()
    assert DroppedRange(1, 2, "full") == scenario(path, pay)
    (tmp_path / "sink.db.owed").write_bytes(owed)  # killed before the payment was recorded
    assert scenario(path, pay) is None


def test_what_was_announced_is_forgotten(tmp_path: Path) -> None:
    async def act(file: SpoolFile) -> list[tuple[int, int, str]]:
        await file.run(lambda spool: spool.skip(5, "full"))
        await file.announced([])
        await file.announced([DroppedRange(2, 3, "full")])
        return await file.run(Spool.unannounced)

    assert [(1, 1, "full"), (4, 5, "full")] == scenario(tmp_path / "sink.db", act)


def test_a_spool_that_cannot_be_opened_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "sink.db").mkdir()

    async def main() -> None:
        file = spool_file_at(tmp_path / "sink.db")
        with pytest.raises(SpoolUnusable):
            await file.open()
        assert not file.is_open

    asyncio.run(main())
    OwedNumbers(tmp_path / "sink.db").close()


def test_other_bounds_are_those_of_the_open_file_and_of_the_next_one(tmp_path: Path) -> None:
    async def act(file: SpoolFile) -> list[tuple[int, int]]:
        found = []
        for broken in (None, error(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError)):
            await file.configure(max_bytes=1 << 21, fsync=True)
            found.append(await file.run(_bounds(broken)))
        return found

    assert [(2, 2 * (1 << 21) // 4096 + 4096)] * 2 == scenario(tmp_path / "sink.db", act)


def _bounds(broken: sqlite3.Error | None) -> Callable[[Spool], tuple[int, int]]:
    failures = [] if broken is None else [broken]

    def work(spool: Spool) -> tuple[int, int]:
        if failures:
            raise failures.pop()
        names = ("synchronous", "max_page_count")
        synchronous, pages = (spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        return synchronous, pages

    return work


_DEADLINE = 60.0
"""Seconds after which a look that does not end fails its test."""


def test_the_looks_end_where_no_more_are_wanted_and_where_the_file_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_more(file: SpoolFile) -> None:
        file.end_watch()
        await asyncio.wait_for(file.watch(), _DEADLINE)

    async def closed(file: SpoolFile) -> None:
        await file.close()
        await asyncio.wait_for(file.watch(), _DEADLINE)

    scenario(tmp_path / "a.db", no_more)
    monkeypatch.setattr(spool_file, "_WATCH_INTERVAL", 0.001)
    scenario(tmp_path / "b.db", closed)


def test_a_file_that_was_deleted_is_made_anew_by_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_file, "_WATCH_INTERVAL", 0.001)
    path = tmp_path / "a.db"

    async def act(file: SpoolFile) -> list[str]:
        path.unlink()
        async with asyncio.TaskGroup() as group, asyncio.timeout(_DEADLINE):
            group.create_task(file.watch())
            while not path.exists():
                await asyncio.sleep(0.001)  # no event reports a new file
            file.end_watch()
        return file.take_problems()

    (problem,) = scenario(path, act)
    assert "is not in its place any more" in problem


def damaged(_: Spool) -> None:
    raise error(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError)


@pytest.mark.parametrize(("pause", "attempts"), [(1e9, 1), (0.0, 3)])
def test_where_no_new_file_can_be_made_it_is_tried_again_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pause: float, attempts: int
) -> None:
    path, tried = tmp_path / "sink.db", list[Spool]()
    unusable = SpoolUnusable(path, OSError(errno.ENOSPC, "No space left on device"))

    def rebuild(spool: Spool) -> SpoolDamaged:
        tried.append(spool)
        raise unusable

    async def act(file: SpoolFile) -> list[str]:
        for _ in range(3):
            with pytest.raises(SpoolUnwritable, match="cannot be written: said by SQLite"):
                await file.run(damaged)
        return file.take_problems()

    monkeypatch.setattr(spool_file, "_REBUILD_PAUSE", pause)
    monkeypatch.setattr(Spool, "rebuild", rebuild)
    assert ([f"said by SQLite; {unusable}"], attempts) == (scenario(path, act), len(tried))


def test_numbers_that_a_damaged_file_has_lost_are_kept_for_the_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = ((3, 4), (9, 9))

    async def act(file: SpoolFile) -> list[tuple[int, int, str]]:
        with pytest.raises(SpoolUnwritable):
            await file.run(damaged)
        return await file.run(Spool.unannounced)

    monkeypatch.setattr(Spool, "rebuild", lambda spool: SpoolDamaged(spool.path, None, 0, 0, lost=lost))
    assert [(*one, SPOOL_DAMAGED) for one in lost] == scenario(tmp_path / "sink.db", act)


def test_a_closed_file_leaves_no_thread(tmp_path: Path) -> None:
    async def act(file: SpoolFile) -> list[threading.Thread]:
        await file.run(Spool.status)
        return [one for one in threading.enumerate() if one.name == "mozu-spool-own"]

    (thread,) = scenario(tmp_path / "own.db", act)
    thread.join(_DEADLINE)
    assert not thread.is_alive()
