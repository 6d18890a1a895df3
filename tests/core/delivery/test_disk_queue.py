"""The durable queue: what survives, what is dropped and reported, in which order."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.delivery import spool_file
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.delivery.spool import Spool
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play, take
from tests.support.packing import packed, room


def test_what_was_not_acknowledged_is_there_again_after_a_restart(tmp_path: Path) -> None:
    async def first(queue: DiskQueue) -> None:
        queue.put(packed(alert("arrived")))
        queue.put(packed(alert("given out")))
        await take(queue, 2)
        await queue.ack([1], [], [2])

    async def second(queue: DiskQueue) -> list[str]:
        return await take(queue, 1)

    play(tmp_path / "s.db", first)
    rules, counts, _ = play(tmp_path / "s.db", second)
    assert (["given out"], 1) == (rules, counts["spool_found_records_total"])


def test_an_alert_is_persisted_when_it_is_on_disk(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> int:
        for _ in range(10):
            queue.put(packed(alert()))
        await queue.wait_persisted(queue.position())
        return queue.in_memory()

    left, _, _ = play(tmp_path / "s.db", scenario)
    assert 0 == left


def test_the_age_of_the_oldest_alert_is_a_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_file, "_WATCH_INTERVAL", 0.0)
    item = alert()
    item.time = 1_000_000_000

    async def scenario(queue: DiskQueue) -> None:
        queue.put(packed(item))
        await queue.wait_persisted(queue.position())
        spool = queue._file._spool
        assert spool is not None
        while spool.oldest is None:
            await asyncio.sleep(0)

    _, counts, _ = play(tmp_path / "s.db", scenario)
    assert counts["spool_oldest_seconds"] > 1e9


def test_what_is_committed_during_the_last_read_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(queue: DiskQueue) -> list[str]:
        ahead = queue._read_ahead
        look = ahead.next

        async def slow(most: int) -> list[tuple[int, PackedAlert]]:
            taken = await look(most)
            monkeypatch.setattr(ahead, "next", look)
            queue.put(packed(alert("last")))
            queue.close()
            await queue.wait_persisted(queue.position())
            return taken

        monkeypatch.setattr(ahead, "next", slow)
        return [item.form.rule for _, item in await queue.get(10)]

    rules, _, _ = play(tmp_path / "s.db", scenario)
    assert ["last"] == rules


def test_a_full_queue_drops_the_newest_counts_them_and_reports_their_numbers(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[tuple[int, int]]:
        for _ in range(5):
            queue.put(packed(alert()))
        await queue.wait_persisted(queue.position())
        queue.put(packed(alert()))
        await queue.wait_persisted(queue.position())
        return [(one.first, one.last) for one in queue.take_dropped()]

    dropped, counts, _ = play(tmp_path / "s.db", scenario, capacity=room(3))
    assert ([(4, 5)], 2, 4) == (dropped, counts["queue full"], counts["spool_left_records_total"])


def test_a_full_spool_drops_the_newest(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[tuple[int, int]]:
        for number in range(4):
            queue.put(packed(alert(str(number), name="x" * 100_000)))
            await queue.wait_persisted(queue.position())
        return [(one.first, one.last) for one in queue.take_dropped()]

    dropped, counts, _ = play(tmp_path / "s.db", scenario, max_bytes=250_000)
    assert ([(3, 4)], 2) == (dropped, counts["spool full"])


def test_the_positions_that_a_full_spool_dropped_are_remembered_for_those_who_wait_for_them(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[tuple[int, int]]:
        for number in range(4):
            queue.put(packed(alert(str(number), name="x" * 100_000)))
            await queue.wait_persisted(queue.position())
        return [(one.first, one.last) for one in queue.drop_log.between(0, 100)]

    assert [(3, 4)] == play(tmp_path / "s.db", scenario, max_bytes=250_000)[0]


def test_or_the_oldest_where_that_is_the_policy(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[str]:
        for number in range(4):
            queue.put(packed(alert(str(number), name="x" * 100_000)))
            await queue.wait_persisted(queue.position())
        return await take(queue, 2)

    rules, counts, _ = play(tmp_path / "s.db", scenario, max_bytes=250_000, drop_oldest=True)
    assert (["2", "3"], 2) == (rules, counts["spool full"])


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"garbage" * 1000)

    async def nothing(queue: DiskQueue) -> None:
        pass

    _, _, damage = play(tmp_path / "s.db", nothing)
    assert "is damaged" in damage


def test_a_page_that_goes_bad_while_running_is_reported_and_delivery_goes_on(tmp_path: Path) -> None:
    """Check that `sqlite3.DatabaseError` stays in the queue: the rest of the file continues under its own numbers."""
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> tuple[list[int], list[str], list[int]]:
        for _ in range(50):
            for _ in range(100):
                queue.put(packed(alert(text="x" * 400)))
            await queue.wait_persisted(queue.position())
        spool = queue._file._spool
        assert spool is not None
        await queue._file._thread.run(lambda: spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        raw = path.read_bytes()
        leaf = [at for at in range(4096, len(raw), 4096) if raw[at] == 13][-3]
        with path.open("r+b") as file:
            file.seek(leaf)
            file.write(b"\xff" * 4096)
        await queue._file._thread.run(lambda: spool._db.execute("PRAGMA shrink_memory").fetchall())
        taken: list[int] = []
        while some := await queue.get(500, wait=False):
            taken += [number for number, _ in some]
            await queue.ack([number for number, _ in some], [], [])
        queue.put(packed(alert("after")))
        await queue.wait_persisted(queue.position())
        return taken, queue.take_problems(), [number for number, _ in await queue.get(10)]

    (taken, problems, after), _, _ = play(path, scenario)
    assert sorted(set(taken)) == taken, "none twice, none out of order"
    assert 4_900 < len(taken) <= 5_000
    assert [5_001] == after
    assert 1 == len(problems)
    assert "is malformed" in problems[0]


def test_a_spool_that_is_deleted_while_running_is_noticed_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def first(queue: DiskQueue) -> list[str]:
        for _ in range(10):
            queue.put(packed(alert("kept")))
        await queue.wait_persisted(queue.position())
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink()
        async with asyncio.timeout(30):
            while not (problems := queue.take_problems()):
                await asyncio.sleep(0.01)
        return problems

    async def second(queue: DiskQueue) -> list[str]:
        return await take(queue, 10)

    problems, _, _ = play(path, first)
    assert "is not in its place any more" in problems[0]
    assert (["kept"] * 10) == play(path, second)[0]


def test_a_full_spool_drops_what_is_less_severe_for_what_is_worse_and_announces_exactly_that(tmp_path: Path) -> None:
    def sized(rule: str, priority: Severity) -> Alert:
        made = alert(rule, name="x" * 50_000)
        made.priority = priority
        return made

    async def scenario(queue: DiskQueue) -> tuple[list[str], list[tuple[int, int]]]:
        for number in range(4):
            queue.put(packed(sized(f"noise {number}", Severity.DEBUG)))
            await queue.wait_persisted(queue.position())
        given = await take(queue, 1)  # in delivery: may arrive, and must not be announced as lost
        for rule in ("first", "second"):
            queue.put(packed(sized(rule, Severity.CRITICAL)))
            await queue.wait_persisted(queue.position())
        return given, [(one.first, one.last) for one in queue.take_dropped()]

    (given, dropped), counts, _ = play(tmp_path / "s.db", scenario, max_bytes=230_000)
    spool = Spool(tmp_path / "s.db")
    left = [(number, one.form.rule) for number, one in spool.read(0, 100)]
    spool.close()
    gone = {number for first, last in dropped for number in range(first, last + 1)}
    assert (["noise 0"], True) == (given, 1 not in gone)
    assert {"first", "second"} <= {rule for _, rule in left}
    assert (set(), set(range(1, 7))) == (gone & {number for number, _ in left}, gone | {number for number, _ in left})
    assert counts["spool full"] == len(gone)


def test_the_oldest_that_is_being_delivered_is_not_dropped_nor_announced(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[tuple[int, int]]:
        for number in range(2):
            queue.put(packed(alert(str(number), name="x" * 100_000)))
            await queue.wait_persisted(queue.position())
        await take(queue, 1)
        queue.put(packed(alert("2", name="x" * 100_000)))
        await queue.wait_persisted(queue.position())
        return [(one.first, one.last) for one in queue.take_dropped()]

    dropped, _, _ = play(tmp_path / "s.db", scenario, max_bytes=250_000, drop_oldest=True)
    assert [(2, 2)] == dropped


@pytest.mark.parametrize("suffixes", [("",), ("-wal",), ("-shm",), ("", "-wal", "-shm", ".owed")])
def test_files_that_are_deleted_are_made_anew_with_all_that_was_in_them(
    tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> list[str]:
        for number in range(10):
            queue.put(packed(alert(str(number))))
        await queue.wait_persisted(queue.position())
        for suffix in suffixes:
            path.with_name(path.name + suffix).unlink()
        while not all(path.with_name(path.name + suffix).exists() for suffix in suffixes):
            await asyncio.sleep(0.05)  # the queue looks once a second
        queue.put(packed(alert("after")))
        await queue.wait_persisted(queue.position())
        with closing(Spool(path)) as other:  # another process reads the same rows
            return [item.form.rule for _, item in other.read(0, 100)]

    rules, _, _ = play(path, scenario)
    assert [*map(str, range(10)), "after"] == rules


def loud(rule: str, process: int, count: int) -> list[Alert]:
    """Return critical alerts of one rule and process."""
    values: dict[str, Any] = {"name": "x" * 400, "proc.pid": process}
    return [replace(alert(rule, **values), priority=Severity.CRITICAL) for _ in range(count)]


def test_a_noisy_rule_takes_no_room_in_a_full_spool_from_a_quiet_one_of_the_same_priority(tmp_path: Path) -> None:
    """Check the same for a noisy process and another process of one rule."""

    async def scenario(queue: DiskQueue) -> tuple[list[str], list[Any]]:
        flood = [loud("noisy", 1, 10) for _ in range(40)]  # in batches that fit, until no batch does
        for batch in (*flood, loud("quiet", 2, 3), loud("noisy", 3, 3), loud("noisy", 1, 50)):
            for item in batch:
                queue.put(packed(item))
            await queue.wait_persisted(queue.position())
        taken: list[Alert] = []
        while some := await queue.get(500, wait=False):
            taken += [unpack(item) for _, item in some]
        return [item.rule for item in taken], [item.values["proc.pid"] for item in taken if item.rule == "noisy"]

    (rules, processes), counts, _ = play(tmp_path / "s.db", scenario, max_bytes=1 << 16)
    assert (3, 3) == (rules.count("quiet"), processes.count(3))
    assert counts["spool full"] == 456 - len(rules) > 0


def test_what_was_dropped_and_not_announced_is_announced_by_the_next_run(tmp_path: Path) -> None:
    async def full(queue: DiskQueue) -> None:
        for item in loud("noisy", 1, 400):
            queue.put(packed(item))
        await queue.wait_persisted(queue.position())

    async def next_run(queue: DiskQueue) -> int:
        return sum(one.last - one.first + 1 for one in queue.take_dropped())

    _, counts, _ = play(tmp_path / "s.db", full, max_bytes=1 << 16)
    announced, _, _ = play(tmp_path / "s.db", next_run, max_bytes=1 << 16)
    assert counts["spool full"] == announced > 0


@pytest.mark.parametrize("drop_oldest", [False, True])
def test_a_batch_that_is_larger_than_the_room_loses_what_is_too_much_and_its_quiet_rule_nothing(
    tmp_path: Path, drop_oldest: bool
) -> None:
    async def scenario(queue: DiskQueue) -> list[str]:
        for item in (*loud("noisy", 1, 500), *loud("quiet", 2, 1), *loud("noisy", 1, 500)):
            queue.put(packed(item))
        await queue.wait_persisted(queue.position())
        taken: list[Alert] = []
        while some := await queue.get(500, wait=False):
            taken += [unpack(item) for _, item in some]
        return [item.rule for item in taken]

    rules, counts, _ = play(tmp_path / "s.db", scenario, max_bytes=1 << 16, drop_oldest=drop_oldest)
    assert 1 == rules.count("quiet")
    assert 1_001 - counts["spool full"] == len(rules) > 50


def test_a_queue_that_was_never_opened_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> int:
        queue = DiskQueue(
            tmp_path / "s.db", 1 << 20, Metrics(), max_bytes=1 << 30, fsync=False, drop_oldest=False, live_first=False,
            spawn=lambda work, name: None,
        )  # fmt: skip
        return await queue.stop("the start failed")

    assert (0, False) == (asyncio.run(scenario()), (tmp_path / "s.db").exists())
