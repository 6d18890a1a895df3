"""Audit logs are followed: each line is judged once, positions outlive a stop, and losses are reported."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mozu.core.api import Context, Demand
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import check_source, context
from mozu.plugins.sources.k8s_audit.source import K8sAuditSource
from tests.support.k8s_audit import PATIENCE, event, playing, settings_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def append(path: Path, *numbers: int) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(event(number)) + "\n" for number in numbers)


def rewrite(path: Path) -> None:
    path.write_text(f"no json\n{{}}\n{'x' * 3000}\n{json.dumps(event(3))}\n")


def ids(*numbers: int) -> list[str]:
    return [f"id-{number}" for number in numbers]


def follow(used: Context, log: Path, count: int, act: Callable[[], None] = lambda: None) -> list[str]:
    """Return the auditIDs of a run that ends when it has seen `count` events."""

    async def main() -> list[str]:
        async with playing(used=used, files=[log]) as play:
            act()
            await play.until(count)
        return play.seen

    return run_loop(main())


def test_the_source_keeps_its_contract(log: Path) -> None:
    append(log, 1)
    run_loop(check_source(lambda: K8sAuditSource(settings_of(files=[log]), context())))


def test_lines_that_were_there_and_lines_that_come_are_read(log: Path, tmp_path: Path) -> None:
    append(log, 1, 2)
    assert ids(1, 2, 3) == follow(context(), log, 3, lambda: append(log, 3))


def test_a_file_that_does_not_exist_yet_is_read_once_it_does(log: Path) -> None:
    assert ids(1) == follow(context(), log, 1, lambda: append(log, 1))


def test_a_restart_goes_on_behind_the_last_acknowledged_line(log: Path, tmp_path: Path) -> None:
    append(log, 1, 2)
    used = context(state_path=tmp_path / "state")
    assert ids(1, 2) == follow(used, log, 2)
    append(log, 3)
    log.rename(log.with_name("audit-2026-12-02T14-13-33.000.log"))
    append(log, 4)
    assert ids(3, 4) == follow(used, log, 2)


def test_lines_of_a_batch_that_was_not_acknowledged_come_again_with_their_numbers(log: Path, tmp_path: Path) -> None:
    append(log, 1, 2)
    used = context(state_path=tmp_path / "state")

    async def main() -> list[list[int]]:
        numbers = []
        for _ in range(2):
            source = K8sAuditSource(settings_of(files=[log]), used)
            await source.start(Demand())
            async with asyncio.timeout(PATIENCE):
                batches = source.batches()
                numbers.append([one.num for one in await anext(batches)])
            await source.stop()
            await batches.aclose()  # type: ignore[attr-defined]  # it is a generator
        return numbers

    before, after = run_loop(main())
    assert before == after
    assert 2 == len({*before})


def test_a_line_that_was_copied_into_another_file_is_judged_once(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    append(log, 1, 2)
    append(other, 2, 3)

    async def main() -> None:
        async with playing(files=[log, other]) as play:
            await play.until(3)
            assert sorted(play.seen) == ids(1, 2, 3)

    run_loop(main())


def test_a_loss_is_reported_and_lines_that_are_no_events_are_counted(log: Path) -> None:
    async def main() -> None:
        append(log, 1, 2)
        async with playing(files=[log], max_bytes=2048) as play:
            await play.until(2)
            rewrite(log)
            await play.until(3)
            (gap,) = play.source.take_gaps()
            assert "was truncated, and there is no copy" in gap
            assert [] == list(play.source.take_gaps())
            assert {"no JSON": 1, "no audit event": 1, "too large": 1} == play.metrics("k8s_audit_refused_total")

    run_loop(main())


def test_positions_that_are_damaged_are_reported_and_the_file_is_read_from_its_beginning(
    log: Path, tmp_path: Path
) -> None:
    used = context(state_path=tmp_path / "state")
    append(log, 1)
    follow(used, log, 1)
    (tmp_path / "state" / "positions.json").write_text("{")

    async def main() -> None:
        async with playing(used=used, files=[log]) as play:
            await play.until(1)
            assert ids(1) == play.seen
            (gap,) = play.source.take_gaps()
            assert "positions.json is damaged" in gap

    run_loop(main())


def test_a_state_directory_that_cannot_be_written_stops_nothing(log: Path, tmp_path: Path) -> None:
    used = context(state_path=tmp_path / "state")

    async def main() -> None:
        append(log, 1)
        async with playing(used=used, files=[log], settling=False) as play:
            await play.until(1)
            (tmp_path / "state" / "positions.new").mkdir()
            play.settling.set()
            append(log, 2)
            await play.until(2)
            assert ids(1, 2) == play.seen

    run_loop(main())


def test_a_path_that_mozu_cannot_read_is_an_obstacle(tmp_path: Path) -> None:
    source = K8sAuditSource(settings_of(files=[tmp_path / "absent" / "audit.log"]), context())
    (obstacle,) = source.obstacles()
    assert obstacle.refuses
    assert "cannot be read: name a file, in a directory that exists" in obstacle.reason


_STDIN = """
import asyncio
from tests.support.k8s_audit import playing
async def main():
    async with playing(files=["-"], max_bytes=2048) as play:
        await play.until(3)
        print(*play.seen, play.metrics("k8s_audit_refused_total"))
asyncio.run(main())
"""


def test_the_standard_input_is_read_to_its_end_and_the_last_line_needs_none() -> None:
    lines = [json.dumps(event(1)), "x" * 5_000_000, json.dumps(event(2)), "", json.dumps(event(3))]
    done = subprocess.run(
        [sys.executable, "-c", _STDIN], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True
    )
    assert "id-1 id-2 id-3 {'too large': 1}\n" == done.stdout
