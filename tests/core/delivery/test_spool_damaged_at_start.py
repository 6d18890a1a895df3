"""A spool damaged while no mozu had it open: every number is delivered, or announced and counted as dropped; none is
given twice.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mozu.core.delivery.alert_queue import SPOOL_DAMAGED, DroppedRange
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.spool import Spool, SpoolUnusable
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play
from tests.support.packing import packed

COUNT = 2_000
PAGE = 4_096


class Found(NamedTuple):
    """The contents of a spool as a start reads them; one more alert is put, and two are delivered before the stop."""

    epoch: str
    rules: dict[int, str]
    """Number → unique rule of the alert, of all alerts that are given out."""
    dropped: list[DroppedRange]
    waiting: int
    counts: dict[str, float]
    damage: str

    @property
    def lost(self) -> list[int]:
        """Return the numbers that are announced as lost by damage."""
        return [number for one in self.dropped for number in range(one.first, one.last + 1)]


def fill(path: Path, count: int = COUNT, *, acknowledged: int = 0, copy_to: Path | None = None) -> str:
    """Put `count` alerts named by their numbers; return the epoch. `copy_to`: a directory for what a killed process
    would leave.
    """

    async def scenario(queue: DiskQueue) -> str:
        for number in range(1, count + 1):
            queue.put(packed(alert(f"rule {number}", name="x" * 300)))
            if number % 490 == 0:
                await queue.wait_persisted(number)
        await queue.wait_persisted(count)
        if acknowledged:
            given: list[int] = []
            while len(given) < acknowledged:
                given += [number for number, _ in await queue.get(acknowledged - len(given))]
            await queue.ack(given, [], [])
        if copy_to is not None:
            await asyncio.to_thread(shutil.copytree, path.parent, copy_to)
        return queue.epoch

    return str(play(path, scenario)[0])


def start(path: Path) -> Found:
    async def scenario(queue: DiskQueue) -> tuple[str, dict[int, str], list[DroppedRange], int]:
        dropped = queue.take_dropped()
        waiting = queue.waiting()
        queue.put(packed(alert("one more")))
        await queue.wait_persisted(1)
        rules: dict[int, str] = {}
        while found := await queue.get(500, wait=False):
            rules.update((number, item.form.rule) for number, item in found)
        await queue.ack(sorted(rules)[:2], [], [])
        return queue.epoch, rules, dropped, waiting

    (epoch, rules, dropped, waiting), counts, damage = play(path, scenario)
    return Found(epoch, rules, dropped, waiting, counts, damage)


def check(found: Found, first: int = 1) -> None:
    """Check the receiver's proof from number `first` on, and the ledger."""
    assert sorted([*found.rules, *found.lost]) == list(range(first, COUNT + 2))
    assert {one.reason for one in found.dropped} <= {SPOOL_DAMAGED}
    assert all(rule == f"rule {number}" for number, rule in found.rules.items() if number <= COUNT)
    assert found.rules[COUNT + 1] == "one more"
    assert len(found.lost) == found.counts["spool damaged"]
    assert found.counts["spool_found_records_total"] == found.waiting + len(found.lost)
    delivered, left = min(2, len(found.rules)), found.counts["spool_left_records_total"]
    assert found.counts["spool_found_records_total"] + 1 == delivered + len(found.lost) + left


def leaves(path: Path) -> list[int]:
    """Return offsets of the pages that hold rows of alerts: table leaves have the type 13."""
    raw = path.read_bytes()
    return [at for at in range(PAGE, len(raw), PAGE) if raw[at] == 13 and b"x" * 100 in raw[at : at + PAGE]]


def overwrite(path: Path, offsets: list[int]) -> None:
    with path.open("r+b") as file:
        for at in offsets:
            file.seek(at)
            file.write(b"\xff" * PAGE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "s.db"


def test_pages_that_were_overwritten_cost_their_alerts_which_are_announced_and_counted(path: Path) -> None:
    epoch = fill(path)
    pages = leaves(path)
    overwrite(path, pages[7 : 7 + 25])
    found = start(path)
    check(found)
    assert epoch == found.epoch
    assert 25 <= len(found.lost) < 500
    assert f"{COUNT - len(found.lost)} alerts were taken over, {len(found.lost)} could not be read" in found.damage


def test_pages_here_and_there_cost_no_other_alert(path: Path) -> None:
    fill(path, acknowledged=700)
    pages = leaves(path)
    overwrite(path, [*pages[::9], pages[-1]])
    found = start(path)
    check(found, first=701)
    assert len(found.dropped) > 5
    assert min(found.lost) > 700, "what was acknowledged is not announced"


def test_a_log_that_was_cut_costs_the_newest_alerts_which_are_announced_and_whose_numbers_are_not_given_again(
    path: Path, tmp_path: Path
) -> None:
    """Check with an undamaged database that lacks the contents of the log."""
    fill(path, copy_to=tmp_path / "killed")
    killed = tmp_path / "killed" / path.name
    log = killed.with_name(f"{killed.name}-wal")
    log.write_bytes(log.read_bytes()[:PAGE] + b"\xff" * PAGE)
    found = start(killed)
    check(found)
    assert found.lost == list(range(min(found.lost), COUNT + 1))
    assert "has lost its newest transactions" in found.damage


def test_an_older_copy_of_the_file_lacks_what_came_after_it(path: Path, tmp_path: Path) -> None:
    fill(path, COUNT // 2)
    shutil.copy(path, tmp_path / "older.db")

    async def more(queue: DiskQueue) -> None:
        for number in range(COUNT // 2 + 1, COUNT + 1):
            queue.put(packed(alert(f"rule {number}")))

    play(path, more)
    shutil.copy(tmp_path / "older.db", path)
    found = start(path)
    check(found)
    assert found.dropped == [DroppedRange(COUNT // 2 + 1, COUNT, SPOOL_DAMAGED)]


def test_a_file_that_was_deleted_between_two_runs_has_lost_what_waited_in_it(path: Path) -> None:
    epoch = fill(path, acknowledged=1_000)
    path.unlink()
    found = start(path)
    check(found, first=1_001)
    assert (epoch, [DroppedRange(1_001, COUNT, SPOOL_DAMAGED)]) == (found.epoch, found.dropped)
    assert "is gone: 0 alerts were taken over, 1000 could not be read" in found.damage


def test_a_deleted_file_in_which_nothing_waited_is_no_loss_and_its_numbers_go_on(path: Path) -> None:
    epoch = fill(path, acknowledged=COUNT)
    path.unlink()
    found = start(path)
    check(found, first=COUNT + 1)
    assert (epoch, [], "") == (found.epoch, found.dropped, found.damage)


def damaged_at_the_beginning(path: Path) -> None:
    """Damage the schema, and with it every table."""
    overwrite(path, [0])


def swapped(path: Path) -> None:
    """Replace a leaf by another: its rows come twice, and their keys run backwards."""
    raw, pages = path.read_bytes(), leaves(path)
    with path.open("r+b") as file:
        file.seek(pages[10])
        file.write(raw[pages[40] : pages[40] + PAGE])


def garbled_bodies(path: Path) -> None:
    """Make some rows readable but meaningless, and one page unreadable."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE alerts SET body = x'c1' WHERE seq BETWEEN 30 AND 35")
    overwrite(path, leaves(path)[100:101])


def without_numbers(path: Path) -> None:
    """Damage the highest number and the epoch, which are in tables of one page each."""
    with closing(sqlite3.connect(path)) as db:
        pages = [db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
                 for name in ("sqlite_sequence", "meta")]  # fmt: skip
    overwrite(path, [(page - 1) * PAGE for page in pages])


@pytest.mark.parametrize("damage", [damaged_at_the_beginning, swapped, garbled_bodies, without_numbers])
def test_whatever_was_damaged_no_number_is_silent_and_none_is_given_twice(
    path: Path, damage: Callable[[Path], Any]
) -> None:
    epoch = fill(path)
    damage(path)
    found = start(path)
    check(found)
    assert epoch == found.epoch


def test_without_anything_known_beside_the_file_a_file_whose_numbers_are_lost_begins_another_epoch(path: Path) -> None:
    epoch = fill(path)
    without_numbers(path)
    path.with_name(f"{path.name}.owed").unlink()
    assert epoch != start(path).epoch


def test_what_is_known_beside_the_file_is_not_believed_where_it_was_damaged_itself(path: Path) -> None:
    fill(path, acknowledged=10)
    owed = path.with_name(f"{path.name}.owed")
    owed.write_bytes(owed.read_bytes().replace(b'"last":2000', b'"last":9000'))
    found = start(path)
    assert ([], "") == (found.dropped, found.damage)
    check(found, first=11)


def test_a_look_into_a_damaged_spool_changes_nothing(path: Path) -> None:
    fill(path)
    overwrite(path, leaves(path)[3:5])
    before = path.read_bytes()
    with pytest.raises(SpoolUnusable, match="it is damaged, and the next start of mozu repairs it"):
        Spool(path, repairs=False)
    assert (before, []) == (path.read_bytes(), [*path.parent.glob("*damaged*")])
