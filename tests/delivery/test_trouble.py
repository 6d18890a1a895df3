"""A destination that is down, a disk that is full, a spool that is damaged: nothing that was spooled is missing."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.delivery.site import Site
from tests.support.requirements import require

DOWN = 60.0 if os.environ.get("MOZU_CHAOS") == "full" else 3.0
NOTICES = 2
"""Count of alerts beside those of the source: `mozu started` and, once it has ended, `mozu stopped`."""


def numbers(site: Site) -> set[int]:
    return {number for _, number, _ in site.arrived()}


def wait_for(site: Site, size: int) -> None:
    deadline = time.monotonic() + 60
    while site.far_end.size() <= size:
        assert time.monotonic() < deadline, "nothing more arrives"
        time.sleep(0.01)


def left_behind(site: Site, count: int) -> None:
    """Run with a destination that is down, and kill mozu as soon as `count` alerts lie in its spool."""
    site.far_end.down.touch()
    process = site.begin(total=count)
    deadline = time.monotonic() + 60
    while not site.spool.exists() or site.last() < count + NOTICES:
        assert time.monotonic() < deadline
        time.sleep(0.05)  # the spool's file sends no event when it grows
    process.kill()
    process.communicate()


def test_a_destination_that_is_down_for_a_while_gets_everything_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    process = site.begin(total=3_000)
    wait_for(site, 0)
    site.far_end.down.touch()
    time.sleep(DOWN)
    site.far_end.down.unlink()
    sink = site.finish(process)
    found = [(one["mozu"]["sequence"], one["rule"]) for one in site.destination.documents()]
    order = [number for number, rule in found if rule == "number"]  # notices overtake a backlog
    turned = sum(later < earlier for earlier, later in pairwise(order))
    assert list(range(1, 3_003)) == sorted(number for number, _ in found), "with the notices of start and stop"
    assert turned <= 1, "two may change places in the moment in which the destination comes back"
    assert (3_002, 3_002, {}) == (sink["accepted"], sink["delivered"], sink["dropped"])


def test_a_run_whose_source_has_ended_waits_for_a_dead_destination_until_a_signal_comes(tmp_path: Path) -> None:
    """The stop deadline is later than `finish` waits."""
    site = Site(tmp_path)
    site.far_end.down.touch()
    process = site.begin(total=100)
    assert process.stderr is not None
    while "the sources have ended" not in (line := process.stderr.readline()):
        assert line, "it has ended"
    process.send_signal(signal.SIGTERM)
    sink = site.finish(process)
    assert (100 + NOTICES, 100 + NOTICES, {}) == (sink["accepted"], sink["spooled"], sink["dropped"])


def test_what_a_dead_destination_left_in_the_spool_is_delivered_by_the_next_run(tmp_path: Path) -> None:
    site = Site(tmp_path)
    left_behind(site, 500)
    site.far_end.down.unlink()
    sink = site.finish(site.begin(total=0))
    notices = 3  # the death of the run before, start, stop
    assert (set(range(1, 503 + notices)), 502) == (numbers(site), sink["found"])


def test_what_has_just_come_overtakes_a_backlog_where_the_configuration_says_so(tmp_path: Path) -> None:
    site = Site(tmp_path, backlog="live_first")
    left_behind(site, 20_000)
    site.far_end.down.unlink()
    sink = site.finish(site.begin(total=50))
    order = [number for _, number, _ in site.arrived()]
    assert order.index(20_010) < order.index(20_000)
    assert (list(range(1, 20_056)), 20_055) == (sorted(order), sink["delivered"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    require(os.geteuid() == 0, "mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def free(disk: Path) -> int:
    """Return the free bytes of the disk."""
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def test_a_full_disk_costs_what_it_cannot_hold_and_every_loss_is_counted(tmp_path: Path, small_disk: Path) -> None:
    site = Site(tmp_path, path=small_disk / "spool.db")
    site.far_end.down.touch()
    process = site.begin(total=60_000)
    deadline = time.monotonic() + 120
    while free(small_disk) > 100_000:
        assert time.monotonic() < deadline, f"{free(small_disk)} bytes are still free"
        time.sleep(0.05)  # a disk sends no event when it fills
    time.sleep(1)  # alerts go on coming while the disk is full
    site.far_end.down.unlink()
    sink = site.finish(process)
    assert sink["accepted"] == sink["delivered"] + sum(sink["dropped"].values()) + sink["dead_lettered"]
    assert sink["dropped"]["disk full"] > 0
    assert sink["delivered"] == len(numbers(site))


def test_a_truncated_spool_is_reported_and_delivery_goes_on_under_a_new_epoch(tmp_path: Path) -> None:
    site = Site(tmp_path)
    left_behind(site, 2_000)
    Path(f"{site.spool}-wal").unlink(missing_ok=True)
    whole = site.spool.read_bytes()
    site.spool.write_bytes(whole[: len(whole) * 2 // 3])
    site.far_end.down.unlink()
    sink = site.finish(site.begin(total=10))
    assert 1 == len({epoch for epoch, _, _ in site.arrived()})
    assert sink["delivered"] == len(numbers(site))
    assert 11 <= sink["delivered"], "ten alerts and the notice of the damage"
