"""The writing task of a disk queue: one at a time; a new one writes what comes after the end of the last."""

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path

from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.spool import Spool
from mozu.core.metrics import Metrics
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play, take
from tests.support.packing import packed

_DEADLINE = 60.0
"""Seconds after which a task that does not end fails its test."""


def test_there_is_one_writer_at_a_time_and_none_once_the_file_is_closed(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        writers: list[asyncio.Task[None]] = []
        async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as group:

            def spawn(work: Coroutine[None, None, None], name: str) -> None:
                task = group.create_task(work)
                if name == "spool sink":
                    writers.append(task)

            queue = DiskQueue(
                tmp_path / "sink.db", 1 << 20, Metrics(), max_bytes=1 << 20, fsync=False, drop_oldest=False,
                live_first=False, spawn=spawn,
            )  # fmt: skip
            await queue.open()
            counts = [len(writers)]
            for _ in range(3):
                queue.put(packed(alert()))
            await queue.wait_persisted(3)
            counts.append(len(writers))
            queue.close()
            await writers[0]
            queue.put(packed(alert("notice of the end")))
            counts.append(len(writers))
            await queue.wait_persisted(4)
            await queue.stop("stop")
            queue.put(packed(alert()))
            counts.append(len(writers))
        return counts

    assert [1, 1, 2, 2] == asyncio.run(scenario())


def test_a_dead_letter_has_all_its_attempts(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> None:
        for _ in range(2):
            queue.put(packed(alert()))
        await take(queue, 2)
        await queue.ack([], [], [1])
        await queue.ack([], [(1, "given up")], [1])

    play(tmp_path / "s.db", scenario)
    with closing(Spool(tmp_path / "s.db")) as spool:
        assert [(1, 2)] == [(letter.sequence, letter.attempts) for letter in spool.dead()]
