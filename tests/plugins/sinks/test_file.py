"""Lines in a file: only whole ones, and every line that was acknowledged."""

import errno
import fcntl
import gzip
import json
import logging
import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mozu.core.common import own_file
from mozu.core.runtime.loop import run
from mozu.core.testing import alert, check_sink, context, records
from mozu.plugins.sinks.file import FileSettings, FileSink
from mozu.plugins.sinks.file.rotation import RotatedFiles
from tests.support.hostile import hostile_alerts
from tests.support.requirements import ROOT, program, require
from tests.support.split import needs_live

KILLS = 200 if os.environ.get("MOZU_FUZZ") == "full" else 8


def sink(path: Path, **settings: Any) -> FileSink:
    return FileSink(FileSettings(path=path, **settings), context("file"))


def lines(*paths: Path) -> list[str]:
    """Return every line of these files; fail if a line is incomplete."""
    found = []
    for path in paths:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert raw == b"" or raw.endswith(b"\n"), f"{path} ends in half a line"
        found += raw.decode().splitlines()
    return found


def rules(*paths: Path) -> list[str]:
    return [json.loads(line)["rule"] for line in lines(*paths)]


def aside(path: Path) -> list[Path]:
    return sorted(file for file in path.parent.iterdir() if file.name.startswith(f"{path.name}."))


def test_the_sink_keeps_the_contract(tmp_path: Path) -> None:
    run(check_sink(sink(tmp_path / "alerts"), blocking=True))


def test_each_alert_is_one_line_whatever_it_says(tmp_path: Path) -> None:
    batch = records(*hostile_alerts(1000))
    under_test = sink(tmp_path / "alerts")
    under_test.deliver(batch)
    under_test.stop()
    assert [item.body.decode() for item in batch] == (tmp_path / "alerts").read_text().split("\n")[:-1]


def test_a_body_of_several_lines_becomes_one(tmp_path: Path) -> None:
    (item,) = records(alert())
    item.body = b"one\r\ntwo"
    under_test = sink(tmp_path / "alerts")
    under_test.deliver([item])
    under_test.stop()
    assert lines(tmp_path / "alerts") == ["one\\u000d\\u000atwo"]


def test_file_and_directories_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a/b/alerts"
    under_test = sink(path)
    under_test.deliver(records(alert()))
    under_test.stop()
    assert [0o700, 0o700, 0o600] == [file.stat().st_mode & 0o777 for file in (path.parents[1], path.parent, path)]


def test_the_mode_is_as_configured_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    before = os.umask(0o077)
    try:
        under_test = sink(path, mode="0640")
        under_test.deliver(records(alert()))
        under_test.stop()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("fsync", "expected"), [("batch", 3), ("never", 0), (3600.0, 1)])
def test_batches_are_forced_to_the_disk_as_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: str | float, expected: int
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    under_test = sink(tmp_path / "alerts", fsync=fsync)
    for _ in range(3):
        under_test.deliver(records(alert()))
    under_test.stop()
    assert len(synced) == expected


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path)
    under_test.deliver(records(alert("first")))
    path.rename(tmp_path / "moved")
    under_test.deliver(records(alert("second")))
    under_test.stop()
    assert (["first"], ["second"]) == (rules(tmp_path / "moved"), rules(path))


def test_reopening_lets_go_of_a_file_under_its_old_name(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path)
    under_test.deliver(records(alert("first")))
    os.link(path, tmp_path / "other")
    held = path.stat().st_ino
    under_test.reopen()
    under_test.deliver(records(alert("second")))
    under_test.stop()
    assert path.stat().st_ino == held
    assert rules(path) == ["first", "second"]


def test_a_directory_in_its_place_is_an_error_to_try_again(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is a directory; name a file in it"):
        sink(tmp_path).deliver(records(alert()))


def test_a_pipe_in_its_place_is_an_error_to_try_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):
        sink(tmp_path / "pipe").deliver(records(alert()))


def test_half_a_line_of_a_writer_that_was_killed_is_taken_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "alerts"
    path.write_text('{"rule": "whole"}\n{"rule": "ha')
    with caplog.at_level(logging.WARNING):
        under_test = sink(path)
        under_test.deliver(records(alert("next")))
        under_test.stop()
    assert rules(path) == ["whole", "next"]
    assert "ended in a partial line of 12 bytes, which is removed" in caplog.text


def test_a_file_without_any_line_end_is_not_destroyed(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("precious")
    under_test = sink(path)
    under_test.deliver(records(alert("next")))
    under_test.stop()
    assert path.read_text().startswith("precious\n{")


def test_a_lock_that_another_process_keeps_is_an_error_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mozu.plugins.sinks.file.appender._LOCK_TIMEOUT", 0.1)
    path = tmp_path / "alerts"
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        under_test = sink(path)
        with pytest.raises(TimeoutError, match="has held the lock of"):
            under_test.deliver(records(alert()))
        under_test.stop()


# --- the disk is full


@pytest.fixture
@needs_live
def small_disk(tmp_path: Path) -> Iterator[Path]:
    require(os.geteuid() == 0, "mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run([program("mount"), "-t", "tmpfs", "-o", "size=128k", "none", str(folder)], check=True)
    yield folder
    subprocess.run([program("umount"), str(folder)], check=True)


@pytest.mark.live
def test_a_full_disk_leaves_only_whole_lines_and_what_was_refused_can_be_written_again(small_disk: Path) -> None:
    path, ballast = small_disk / "alerts", small_disk / "ballast"
    ballast.write_bytes(b"\0" * 70_000)
    batches = [records(*(alert(f"{start + number}", "x" * 300) for number in range(20))) for start in range(0, 200, 20)]
    under_test = sink(path)
    written = 0
    refused: int | None = None
    for batch in batches:
        try:
            under_test.deliver(batch)
        except OSError as error:
            refused = error.errno
            break
        written += len(batch)
    assert refused == errno.ENOSPC
    assert 0 < written < 200
    assert written == len(rules(path))
    ballast.unlink()
    for batch in batches[written // 20 :][:3]:
        under_test.deliver(batch)
    under_test.stop()
    assert [str(number) for number in range(written + 60)] == rules(path)


# --- put aside


def test_a_file_is_put_aside_before_it_gets_too_long(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path, rotate={"size": 2000, "keep": 100})
    for number in range(20):
        under_test.deliver(records(alert(str(number))))
    under_test.stop()
    files = [*aside(path), path]
    assert max(file.stat().st_size for file in files) <= 2000
    assert [str(number) for number in range(20)] == rules(*files)


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path, rotate={"size": 1, "keep": 2})
    for number in range(6):
        under_test.deliver(records(alert(str(number))))
    under_test.stop()
    assert rules(*aside(path), path) == ["3", "4", "5"]


def test_none_goes_before_there_are_more_than_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path, rotate={"size": 1, "keep": 5})
    for number in range(5):
        under_test.deliver(records(alert(str(number))))
    under_test.stop()
    assert rules(*aside(path), path) == ["0", "1", "2", "3", "4"]


def test_other_files_beside_it_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    for name in ("alerts.bak", "alerts.20200101T000000.000000Z.txt", "xalerts.20200101T000000.000000Z"):
        (tmp_path / name).touch()
    under_test = sink(path, rotate={"size": 1, "keep": 0})
    for _ in range(3):
        under_test.deliver(records(alert()))
    under_test.stop()
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(("every", "age", "expected"), [("hour", 3600, 1), ("day", 86400, 1), (None, 86400, 0)])
def test_a_new_hour_or_day_begins_a_new_file(tmp_path: Path, every: str | None, age: int, expected: int) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path, rotate={"every": every})
    under_test.deliver(records(alert("old")))
    before = time.time() - age
    os.utime(path, (before, before))
    under_test.deliver(records(alert("new")))
    under_test.stop()
    assert len(aside(path)) == expected
    assert rules(*aside(path), path) == ["old", "new"]


def test_what_was_put_aside_is_compressed_and_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    under_test = sink(path, rotate={"size": 1, "keep": 3, "gzip": True})
    for number in range(6):
        under_test.deliver(records(alert(str(number))))
    under_test.stop()
    assert [".gz"] * 3 == [file.suffix for file in aside(path)]
    assert [0o600] * 3 == [file.stat().st_mode & 0o777 for file in aside(path)]
    assert rules(*aside(path), path) == ["2", "3", "4", "5"]


def test_a_compression_that_a_kill_interrupted_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    old = tmp_path / "alerts.20200101T000000.000000Z"
    old.write_text('{"rule": "old"}\n')
    (tmp_path / f"{old.name}.gz.part").write_bytes(b"half")
    RotatedFiles(path, keep=5, compress=True).compress_and_prune()
    assert [f"{old.name}.gz"] == [file.name for file in aside(path)]
    assert rules(*aside(path)) == ["old"]


def test_a_directory_that_is_still_to_be_made_holds_nothing_to_compress(tmp_path: Path) -> None:
    archive = RotatedFiles(tmp_path / "later/alerts", keep=5, compress=True)
    archive.compress_and_prune()
    assert archive.files() == []


# --- other processes, and kill -9


def writer(path: Path, first: int, count: int, batch: int, **settings: Any) -> "subprocess.Popen[str]":
    reported = json.dumps({"path": str(path), **settings})
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.file_writer", reported, str(first), str(count), str(batch)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_write_and_rotate_one_file_without_losing_a_line(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    rotate = {"size": 30_000, "keep": 1000, "gzip": True}
    processes = [writer(path, first, 1000, 10, fsync="never", rotate=rotate) for first in (0, 10_000)]
    for process in processes:
        process.communicate(timeout=60)
    assert [0, 0] == [process.returncode for process in processes]
    seen = sorted(int(rule) for rule in rules(*aside(path), path))
    assert [*range(1000), *range(10_000, 11_000)] == seen
    assert len(aside(path)) > 10


def test_after_kill_9_every_acknowledged_line_is_there_and_none_is_half(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    acknowledged: set[str] = set()
    chance = random.Random(7)
    for number in range(KILLS):
        process = writer(path, number * 1_000_000, 1_000_000, 50, rotate={"size": 200_000, "keep": 1000})
        assert process.stdout is not None
        most = chance.randrange(50, 2000)
        for _ in range(most):
            acknowledged.add(process.stdout.readline().strip())
        process.kill()
        acknowledged |= set(process.stdout.read().split("\n")[:-1])
        process.wait()
        process.stdout.close()
    under_test = sink(path)
    under_test.deliver(records(alert("last")))  # repairs a line that the last kill left incomplete
    under_test.stop()
    seen = rules(*aside(path), path)
    assert set(seen) >= acknowledged
    assert len(seen) == len(set(seen))


def test_a_link_that_another_user_has_planted_is_an_error_to_try_again_and_its_target_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, target = tmp_path / "shared", tmp_path / "target"
    target.write_text("as it was\n")
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "alerts").symlink_to(target)
    try:
        os.chown(shared / "alerts", 65_534, 65_534, follow_symlinks=False)
    except PermissionError:  # without CAP_CHOWN nothing can be made a stranger's
        monkeypatch.setattr(own_file, "_is_own", lambda status: not stat.S_ISLNK(status.st_mode))
    under_test = sink(shared / "alerts")
    with pytest.raises(PermissionError, match="alerts on the way is a symbolic link"):
        under_test.deliver(records(alert()))
    assert target.read_text() == "as it was\n"
    (shared / "alerts").unlink()
    under_test.deliver(records(alert()))
    assert len(lines(shared / "alerts")) == 1
