"""A disk queue while another process holds the lock of its file."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.metrics import Metrics
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play, take
from tests.support.packing import packed


def locked(path: Path) -> sqlite3.Connection:
    """Return a connection with an open transaction, which keeps every other from writing until it is rolled back."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_while_another_process_locks_the_file_alerts_wait_and_none_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> tuple[int, list[str]]:
        with closing(locked(path)) as other:
            for number in range(10):
                queue.put(packed(alert(str(number))))
            while not queue._log.is_failing:
                await asyncio.sleep(0.01)  # SQLite waits for the lock on a thread
            waiting = queue.in_memory()
            other.execute("ROLLBACK")
        await queue.wait_persisted(queue.position())
        return waiting, await take(queue, 10)

    (waiting, rules), counts, _ = play(path, scenario)
    assert (10, [str(number) for number in range(10)]) == (waiting, rules)
    assert not any(value for name, value in counts.items() if "full" in name or "locked" in name)


def test_acknowledgements_that_a_locked_file_did_not_take_are_written_once_it_does(tmp_path: Path) -> None:
    """Check that this needs no further alert: a killed run would deliver the acknowledged ones again."""
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> tuple[int, int]:
        for _ in range(3):
            queue.put(packed(alert()))
        await take(queue, 3)
        with closing(locked(path)) as other:
            await queue.ack([1, 2], [(3, "refused")], [])
            before = rows(path, "alerts")
            other.execute("ROLLBACK")
        assert [] == await queue.get(1, wait=False)
        return before, rows(path, "alerts")

    left, _, _ = play(path, scenario)
    assert (3, 0) == left
    assert 1 == rows(path, "dead")


def rows(path: Path, table: str) -> int:
    """Return the number of rows as another process sees it."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_notice_whose_acknowledgement_waits_is_not_delivered_again(tmp_path: Path) -> None:
    """Check a notice that overtook a backlog and still has its row there when the backlog is delivered."""
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> list[str]:
        for number in range(3):
            queue.put(packed(alert(str(number))))
        queue.put(packed(replace(alert("notice"), source="internal")))
        await queue.wait_persisted(queue.position())
        queue.shrink()
        (number, first), *_ = await queue.get(1)
        with closing(locked(path)) as other:
            await queue.ack([number], [], [])
            other.execute("ROLLBACK")
        return [first.form.rule, *(item.form.rule for _, item in await queue.get(9, wait=False))]

    given, _, _ = play(path, scenario)
    assert ["notice", "0", "1", "2"] == given


def test_what_a_locked_file_never_took_has_numbers_that_the_next_run_announces(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def never_unlocked() -> Metrics:
        metrics = Metrics()
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Any]] = []
            queue = DiskQueue(
                path, 1 << 20, metrics, max_bytes=1 << 30, fsync=False, drop_oldest=False, live_first=False,
                spawn=lambda work, _: tasks.append(group.create_task(work)),
            )  # fmt: skip
            await queue.open()
            with closing(locked(path)):
                for _ in range(3):
                    queue.put(packed(alert()))
                while not queue._log.is_failing:
                    await asyncio.sleep(0.01)
                queue.close()
                for task in tasks:
                    task.cancel()
                await queue.stop("stop deadline")
        return metrics

    async def next_run(queue: DiskQueue) -> list[DroppedRange]:
        queue.put(packed(alert("after")))
        await queue.wait_persisted(queue.position())
        return queue.take_dropped()

    counts = {labels.get("reason"): value for _, labels, value in asyncio.run(never_unlocked()).collect()}
    dropped, _, _ = play(path, next_run)
    assert (3, [DroppedRange(1, 3, "stop deadline")]) == (counts["stop deadline"], dropped)
