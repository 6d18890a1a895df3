"""The spool-backed buffer: what survives, what is told, in which order."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.testing import alert


def play(
    path: Path, scenario: Callable[[DiskQueue], Coroutine[Any, Any, Any]], **settings: Any
) -> tuple[Any, dict[str, float], list[str]]:
    """Run a scenario on an open buffer; its result, the counters, and what was told."""

    async def main() -> tuple[Any, dict[str, float], list[str]]:
        metrics, told, tasks = Metrics(), list[str](), list[asyncio.Task[Any]]()
        async with asyncio.TaskGroup() as group:
            options = {"most_bytes": 1 << 30, "fsync": False, "drop_oldest": False, "live_first": False, **settings}
            stage = options.pop("stage", 100)

            def spawn(work: Coroutine[Any, Any, None], name: str) -> None:
                tasks.append(group.create_task(work))

            buffer = DiskQueue(path, stage, metrics, spawn=spawn, tell=told.append, **options)
            await buffer.open()
            result = await scenario(buffer)
            buffer.close()
            while buffer.waiting():
                await asyncio.sleep(0)
            await buffer.stop("stop deadline")
        return result, {labels.get("reason", name): value for name, labels, value in metrics.collect()}, told

    return asyncio.run(main())


async def take(buffer: DiskQueue, many: int) -> list[str]:
    rules: list[str] = []
    while len(rules) < many:
        rules += [item.rule for _, item in await buffer.get(many)]
    return rules


def test_what_was_not_settled_is_there_again_after_a_restart(tmp_path: Path) -> None:
    async def first(buffer: DiskQueue) -> None:
        buffer.put(alert("arrived"))
        buffer.put(alert("given out"))
        await take(buffer, 2)
        await buffer.settle([1], [], [2])

    async def second(buffer: DiskQueue) -> list[str]:
        return await take(buffer, 1)

    play(tmp_path / "s.db", first)
    rules, counts, _ = play(tmp_path / "s.db", second)
    assert (["given out"], 1) == (rules, counts["spool_found_records_total"])


def test_an_alert_is_safe_when_it_is_on_disk(tmp_path: Path) -> None:
    async def scenario(buffer: DiskQueue) -> int:
        for _ in range(10):
            buffer.put(alert())
        await buffer.safe(buffer.mark())
        return buffer.waiting()

    waiting, _, _ = play(tmp_path / "s.db", scenario)
    assert 0 == waiting


def test_what_is_committed_during_the_last_look_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(buffer: DiskQueue) -> list[str]:
        upcoming = buffer._upcoming
        look = upcoming.next

        async def slow(most: int) -> list[tuple[int, Alert]]:
            taken = await look(most)
            monkeypatch.setattr(upcoming, "next", look)
            buffer.put(alert("last"))
            buffer.close()
            await buffer.safe(buffer.mark())
            return taken

        monkeypatch.setattr(upcoming, "next", slow)
        return [item.rule for _, item in await buffer.get(10)]

    rules, _, _ = play(tmp_path / "s.db", scenario)
    assert ["last"] == rules


def test_a_full_stage_drops_the_newest_counts_them_and_tells_their_numbers(tmp_path: Path) -> None:
    async def scenario(buffer: DiskQueue) -> list[tuple[int, int]]:
        for _ in range(5):
            buffer.put(alert())
        await buffer.safe(buffer.mark())
        buffer.put(alert())
        await buffer.safe(buffer.mark())
        return [(gap.first, gap.last) for gap in buffer.take_dropped()]

    gaps, counts, _ = play(tmp_path / "s.db", scenario, stage=3)
    assert ([(4, 5)], 2, 4) == (gaps, counts["queue full"], counts["spool_left_records_total"])


def test_a_full_spool_drops_the_newest(tmp_path: Path) -> None:
    async def scenario(buffer: DiskQueue) -> list[tuple[int, int]]:
        for number in range(4):
            buffer.put(alert(str(number), name="x" * 100_000))
            await buffer.safe(buffer.mark())
        return [(gap.first, gap.last) for gap in buffer.take_dropped()]

    gaps, counts, _ = play(tmp_path / "s.db", scenario, most_bytes=250_000)
    assert ([(3, 3), (4, 4)], 2) == (gaps, counts["spool full"])


def test_or_the_oldest_where_that_is_the_policy(tmp_path: Path) -> None:
    async def scenario(buffer: DiskQueue) -> list[str]:
        for number in range(4):
            buffer.put(alert(str(number), name="x" * 100_000))
            await buffer.safe(buffer.mark())
        return await take(buffer, 2)

    rules, counts, _ = play(tmp_path / "s.db", scenario, most_bytes=250_000, drop_oldest=True)
    assert (["2", "3"], 2) == (rules, counts["spool full"])


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"garbage" * 1000)

    async def nothing(buffer: DiskQueue) -> None:
        pass

    _, _, told = play(tmp_path / "s.db", nothing)
    assert 1 == len(told)
