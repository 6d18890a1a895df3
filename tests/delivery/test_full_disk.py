"""A spool on a full disk: delivered alerts are deleted, drops are announced exactly, notices arrive."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.spool import OwedNumbers, Spool, SpoolUnusable
from mozu.core.metrics import Metrics
from mozu.core.testing import alert
from tests.support.packing import packed
from tests.support.requirements import require

SIZES = {"ext4": 24, "xfs": 320, "btrfs": 120, "tmpfs": 8}
"""Size of the file system in MiB; xfs and btrfs refuse smaller ones."""
COUNT = 8_000


@pytest.fixture(params=SIZES)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    kind = str(request.param)
    require(os.geteuid() == 0, "mounting a small file system needs root")
    place, image = tmp_path / "disk", tmp_path / "image"
    place.mkdir()
    if kind == "tmpfs":
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZES[kind]}m", "none", str(place)]
    else:
        maker = shutil.which(f"mkfs.{kind}")
        require(maker is not None, f"mkfs.{kind} is not installed")
        with image.open("wb") as file:
            file.truncate(SIZES[kind] << 20)
        subprocess.run([f"mkfs.{kind}", "-q", str(image)], check=True, capture_output=True)
        mount = ["mount", "-o", "loop", str(image), str(place)]
    subprocess.run(mount, check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


class Hog:
    """Another writer, which takes all free space."""

    def __init__(self, place: Path) -> None:
        self._fd = os.open(place / "hog", os.O_CREAT | os.O_WRONLY)
        self._at = 0

    def take(self) -> None:
        """Take all free space, in pieces that get smaller."""
        for size in (16 << 20, 1 << 20, 1 << 16, 1 << 12):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(self._fd, self._at, size)
                    self._at += size

    def give_back(self) -> None:
        """Release all of it."""
        os.ftruncate(self._fd, 0)
        self._at = 0

    def close(self) -> None:
        os.close(self._fd)


def opened(queue: DiskQueue) -> sqlite3.Connection:
    """Return the database of the queue."""
    assert queue._file._spool is not None
    return queue._file._spool._db


def test_a_spool_whose_disk_fills_up_right_after_its_start_deletes_what_was_delivered(disk: Path) -> None:
    with closing(Spool(disk / "spool.db")) as spool, closing(Hog(disk)) as hog:
        spool.append([packed(alert(name="x" * 500)) for _ in range(100)])
        hog.take()
        for number in range(1, 101):
            spool.delete([number])
            hog.take()
        assert (0, 100) == (spool.status().waiting, spool.last())


def test_what_is_owed_on_a_disk_that_is_full_outlives_the_process(disk: Path) -> None:
    with closing(OwedNumbers(disk / "spool.db")) as owed, closing(Hog(disk)) as hog:
        hog.take()
        owed.add(3, "the disk is full")
    with closing(OwedNumbers(disk / "spool.db")) as owed:
        assert (3, "the disk is full") == (owed.count, owed.reason)


def test_a_spool_that_is_damaged_on_a_full_disk_is_taken_over_once_there_is_room(disk: Path) -> None:
    """The disk has no space for the new file now: until it has, the damaged one stays, with all that can be read of
    it."""
    path = disk / "spool.db"
    with closing(Spool(path)) as spool, closing(Hog(disk)) as hog:
        spool.append([packed(alert(name="x" * 400)) for _ in range(2_000)])
        spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        hog.take()
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2 // 4096 * 4096)
            file.write(b"\xff" * 4096)
        with pytest.raises(SpoolUnusable, match=r"spool\.path"):
            spool.rebuild()
        assert (True, [], []) == (path.exists(), list(disk.glob("*.damaged-*")), list(disk.glob(".spool*")))
        hog.give_back()
        damage = spool.rebuild()
        there = [number for number, _ in spool.read(0, 3_000)]
        lost = [number for first, last in damage.lost for number in range(first, last + 1)]
        assert list(range(1, 2_001)) == sorted([*there, *lost])
        assert len(lost) < 30


def numbers(ranges: list[DroppedRange]) -> list[int]:
    return [number for one in ranges for number in range(one.first, one.last + 1)]


async def drain(queue: DiskQueue, hog: Hog) -> list[tuple[int, str]]:
    """Deliver everything, while the other writer takes all space that becomes free."""
    arrived: list[tuple[int, str]] = []
    while taken := await queue.get(500, wait=False):
        arrived += [(number, item.form.rule) for number, item in taken]
        await queue.ack([number for number, _ in taken], [], [])
        hog.take()
    return arrived


def test_a_full_disk_loses_only_what_it_announces(disk: Path) -> None:
    async def main() -> tuple[list[tuple[int, str]], list[DroppedRange], dict[str, float]]:
        metrics = Metrics()
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Any]] = []
            queue = DiskQueue(
                disk / "spool.db", 1 << 30, metrics, max_bytes=1 << 30, fsync=False, drop_oldest=False,
                live_first=False, spawn=lambda work, _: tasks.append(group.create_task(work)),
            )  # fmt: skip
            assert "" == await queue.open()
            hog = Hog(disk)
            for _ in range(2_000):
                queue.put(packed(alert(name="x" * 500)))
            await queue.wait_persisted(queue.position())
            hog.take()
            for _ in range(COUNT - 2_000):
                queue.put(packed(alert(name="x" * 500)))
            await queue.wait_persisted(queue.position())
            dropped = queue.take_dropped()
            assert dropped, "the disk took them all"
            queue.put(packed(replace(alert("Alerts dropped"), source="internal")))
            await queue.wait_persisted(queue.position())
            hog.take()
            first = await queue.get(1)
            assert ["Alerts dropped"] == [item.form.rule for _, item in first], "it waited behind the backlog"
            await queue.ack([first[0][0]], [], [])
            arrived = [(first[0][0], "Alerts dropped"), *await drain(queue, hog)]
            queue.put(packed(alert("after")))
            await queue.wait_persisted(queue.position())
            arrived += await drain(queue, hog)
            dropped += queue.take_dropped()
            assert [] == queue.take_problems()
            hog.close()
            queue.close()
            await queue.stop("stop deadline")
            for task in tasks:
                task.cancel()
        return arrived, dropped, {labels.get("reason", name): value for name, labels, value in metrics.collect()}

    arrived, dropped, counts = asyncio.run(main())
    delivered = sorted(number for number, _ in arrived)
    assert "after" == arrived[-1][1], "an alert after the deletions found no room"
    assert list(range(1, COUNT + 3)) == sorted([*delivered, *numbers(dropped)])
    assert counts["disk full"] == len(numbers(dropped))


def test_numbers_that_not_even_the_disk_takes_are_owed_and_paid_before_the_next_alert(disk: Path) -> None:
    """The file system becomes read-only while alerts come, and writable again."""

    async def main() -> tuple[list[int], list[DroppedRange]]:
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Any]] = []
            queue = DiskQueue(
                disk / "spool.db", 1 << 20, Metrics(), max_bytes=1 << 30, fsync=False, drop_oldest=False,
                live_first=False, spawn=lambda work, _: tasks.append(group.create_task(work)),
            )  # fmt: skip
            await queue.open()
            queue.put(packed(alert("before")))
            await queue.wait_persisted(queue.position())
            opened(queue).execute("PRAGMA query_only = ON")
            for _ in range(10):
                queue.put(packed(alert("lost")))
            await queue.wait_persisted(queue.position())
            assert [] == queue.take_dropped()
            opened(queue).execute("PRAGMA query_only = OFF")
            queue.put(packed(alert("after")))
            await queue.wait_persisted(queue.position())
            taken = await queue.get(10)
            await queue.ack([number for number, _ in taken], [], [])
            dropped = queue.take_dropped()
            queue.close()
            await queue.stop("stop deadline")
            for task in tasks:
                task.cancel()
        return [number for number, _ in taken], dropped

    arrived, dropped = asyncio.run(main())
    assert ([1, 12], list(range(2, 12))) == (arrived, numbers(dropped))
