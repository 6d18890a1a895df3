"""The alerts that a disk queue loses with its file or with a row: those neither given out nor in memory."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from mozu.core.delivery.alert_queue import SPOOL_DAMAGED, DroppedRange
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play, take
from tests.support.packing import packed


@pytest.mark.parametrize(("shrinks", "lost"), [(False, [(3, 4)]), (True, [(3, 5), (7, 7)])])
def test_numbers_that_a_damaged_file_does_not_give_back_are_lost_where_memory_does_not_have_them(
    tmp_path: Path, shrinks: bool, lost: list[tuple[int, int]]
) -> None:
    """Arrange 1 to 4 from an earlier run, 1 and 2 of them given out; 5 to 7 also in memory, 6 a waiting notice."""

    async def before(queue: DiskQueue) -> None:
        for _ in range(4):
            queue.put(packed(alert()))

    async def scenario(queue: DiskQueue) -> tuple[list[DroppedRange], int]:
        await take(queue, 2)
        for source in ("syscall", "internal", "syscall"):
            queue.put(packed(replace(alert(), source=source)))
        await queue.wait_persisted(3)
        if shrinks:
            queue.shrink()
        queue._lose([(1, 3), (4, 7)])
        return queue.take_dropped(), queue.in_memory()

    play(tmp_path / "s.db", before)
    (dropped, held), counts, _ = play(tmp_path / "s.db", scenario)
    assert [DroppedRange(*one, SPOOL_DAMAGED) for one in lost] == dropped
    assert 7 - sum(last - first + 1 for first, last in lost) == held
    assert counts["spool damaged"] == 7, "those in memory are lost with the process"


def test_rows_that_cannot_be_read_back_are_dead_letters_whose_numbers_are_announced(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def before(queue: DiskQueue) -> None:
        for _ in range(5):
            queue.put(packed(alert()))

    async def scenario(queue: DiskQueue) -> tuple[list[int], list[DroppedRange]]:
        return [number for number, _ in await queue.get(9)], queue.take_dropped()

    play(path, before)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE alerts SET body = x'00' WHERE seq IN (2, 3)")
    (given, dropped), counts, _ = play(path, scenario)
    assert ([1, 4, 5], [(2, 3)]) == (given, [(one.first, one.last) for one in dropped])
    assert (2, 3) == (counts["sink_alerts_dead_lettered_total"], counts["spool_left_records_total"])
