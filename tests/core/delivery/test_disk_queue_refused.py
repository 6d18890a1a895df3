"""While its file refuses writes, a queue drops or waits, and reports afterwards what it dropped."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from mozu.core.delivery import spool_file
from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.drop_log import DroppedPositions
from mozu.core.delivery.spool import Spool, SpoolFull, SpoolLocked, SpoolRefused, SpoolUnwritable
from mozu.core.testing import alert, virtual_clock
from tests.core.delivery.disk_queues import Here, play, take
from tests.support.packing import packed

T = TypeVar("T")


@pytest.fixture(autouse=True)
def on_a_virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the tests on a virtual clock, without the spool's thread."""
    monkeypatch.setattr(spool_file, "WorkerThread", Here)
    monkeypatch.setattr(asyncio, "run", virtual_clock.run)


def refuse(queue: DiskQueue, refusals: Iterator[SpoolRefused | None]) -> None:
    """Set the file's answer to each piece of work in turn; None if it is done."""
    run = queue._file.run

    async def refusing(work: Callable[[Spool], T]) -> T:
        refused = next(refusals, None)
        if refused is not None:
            raise refused
        return await run(work)

    queue._file.run = refusing  # type: ignore[method-assign]  # for the rest of the scenario


def test_alerts_wait_for_a_locked_file_which_is_tried_five_times_a_second(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> tuple[float, list[str], list[DroppedRange]]:
        refuse(queue, iter([SpoolLocked("locked")] * 3))
        begun = asyncio.get_running_loop().time()
        queue.put(packed(alert("a")))
        await queue.wait_persisted(1)
        return asyncio.get_running_loop().time() - begun, await take(queue, 1), queue.take_dropped()

    found, _, _ = play(tmp_path / "s.db", scenario)
    assert (pytest.approx(0.6, abs=0.01), ["a"], []) == found


def test_numbers_of_what_a_disk_did_not_take_are_used_up_before_the_next_alert_that_it_takes(tmp_path: Path) -> None:
    broken = SpoolUnwritable("the disk fails")
    notice = replace(alert("notice"), source="internal")

    async def scenario(queue: DiskQueue) -> tuple[Any, ...]:
        works = [broken]
        refuse(queue, iter(lambda: works[0] if works else None, object()))
        for many in (2, 1):  # the second time, some numbers are owed already
            for _ in range(many):
                queue.put(packed(alert("lost")))
            await queue.wait_persisted(queue.position())
        problems = queue.take_problems()
        works.clear()
        queue.put(packed(notice))
        queue.put(packed(alert("kept")))
        await queue.wait_persisted(5)
        numbers = [number for number, _ in await queue.get(9)]
        return problems, numbers, queue.take_dropped(), list(queue.drop_log.between(0, 9))

    (problems, numbers, dropped, positions), counts, _ = play(tmp_path / "s.db", scenario)
    assert ["the disk fails; alerts of this sink are dropped until it takes them again"] == problems
    assert ([4, 5], [DroppedRange(1, 3, "the disk fails")]) == (numbers, dropped)
    assert [DroppedPositions(1, 3, "spool unwritable")] == positions
    assert (3, 5, 2) == (
        counts["spool unwritable"], counts["sink_alerts_accepted_total"], counts["spool_left_records_total"]
    )  # fmt: skip


def test_a_disk_that_fails_again_after_it_has_taken_an_alert_is_a_problem_again(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[int]:
        found, works = [], list[SpoolRefused]()
        refuse(queue, iter(lambda: works[0] if works else None, object()))
        for fails in (True, True, False, True):
            works[:] = [SpoolUnwritable("the disk fails")] if fails else []
            queue.put(packed(alert()))
            await queue.wait_persisted(queue.position())
            found.append(len(queue.take_problems()))
        return found

    assert [1, 0, 0, 1] == play(tmp_path / "s.db", scenario)[0]


def test_what_a_notice_announced_that_the_disk_did_not_take_is_announced_again(tmp_path: Path) -> None:
    notice = replace(alert("notice"), source="internal")

    async def scenario(queue: DiskQueue) -> list[list[tuple[int, int]]]:
        found, works, dropped = list[list[tuple[int, int]]](), list[SpoolRefused](), list[DroppedRange]()
        refuse(queue, iter(lambda: works[0] if works else None, object()))
        for one, fails in ((alert(), True), (alert(), False), (notice, True), (alert(), False)):
            works[:] = [SpoolUnwritable("the disk fails")] if fails else []
            queue.put(packed(one))
            if one is notice:
                queue.announced(dropped)
            await queue.wait_persisted(queue.position())
            dropped = queue.take_dropped()
            found.append([(numbers.first, numbers.last) for numbers in dropped])
        return found

    assert [[], [(1, 1)], [], [(1, 1), (3, 3)]] == play(tmp_path / "s.db", scenario)[0]


@pytest.mark.parametrize(
    ("sources", "stored", "dropped"),
    [(["internal"], [], 1), (["syscall"], [], 1), (["syscall", "internal"], ["internal"], 1)],
)
def test_what_a_full_spool_does_not_take_is_tried_again_without_alerts_where_it_has_notices_among_them(
    tmp_path: Path, sources: list[str], stored: list[str], dropped: int
) -> None:
    async def scenario(queue: DiskQueue) -> list[str]:
        refuse(queue, iter([SpoolFull("full"), *([None] if len(sources) > 1 else []), SpoolFull("full")]))
        for source in sources:
            queue.put(packed(replace(alert(), source=source)))
        await queue.wait_persisted(queue.position())
        return [one.form.source for _, one in await queue.get(9, wait=False)]

    found, counts, _ = play(tmp_path / "s.db", scenario)
    assert (stored, dropped) == (found, counts["spool full"])


def test_a_file_that_cannot_be_read_now_is_read_later(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[list[int]]:
        for _ in range(2):
            queue.put(packed(alert()))
        await queue.wait_persisted(2)
        queue.shrink()
        refuse(queue, iter([SpoolLocked("locked")]))
        return [[number for number, _ in await queue.get(9, wait=False)] for _ in range(3)]

    assert [[], [1, 2], []] == play(tmp_path / "s.db", scenario)[0]


@pytest.mark.parametrize(("refusals", "left"), [(0, 1), (2, 1), (3, 1)])
def test_what_was_acknowledged_and_is_still_in_the_file_is_not_counted_as_left(
    tmp_path: Path, refusals: int, left: int
) -> None:
    """Let the file refuse the acknowledgement, then again at the stop, then a last look."""

    async def scenario(queue: DiskQueue) -> None:
        for _ in range(3):
            queue.put(packed(alert()))
        await take(queue, 3)
        refuse(queue, iter([SpoolLocked("locked")] * refusals))
        await queue.ack([1], [(2, "refused")], [])

    assert left == play(tmp_path / "s.db", scenario)[1]["spool_left_records_total"]
