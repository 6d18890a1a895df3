"""The run file: a run that died is reported once, a living one never, and a refused start forgets no death."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mozu.core.runtime.run_file import RunFile, RunRecord, instance
from tests.support.requirements import ROOT

LIVES = """
import sys, time
from pathlib import Path
from mozu.core.runtime.run_file import RunFile
file = RunFile.claim(Path(sys.argv[1]), "x")
file.begin("1.0")
file.sign()
print(len(file.ended), flush=True)
time.sleep(600)
"""


def another(folder: Path, program: str = LIVES, *, before: int = 0) -> "subprocess.Popen[str]":
    """Start a run in a process of its own, which finds `before` runs that ended without a stop."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert process.stdout is not None
    assert f"{before}\n" == process.stdout.readline()
    return process


STARTS = LIVES.replace('file.begin("1.0")\nfile.sign()\n', "")
"""LIVES without the record of its own beginning, as left by a kill during the start."""


def killed(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def claimed(folder: Path) -> RunFile:
    file = RunFile.claim(folder, "x")
    assert file is not None
    return file


def test_a_killed_run_is_reported_once_with_its_last_sign_of_life(tmp_path: Path) -> None:
    process = another(tmp_path)
    killed(process)
    file = claimed(tmp_path)
    (record,) = file.ended
    assert (process.pid, "1.0") == (record.pid, record.version)
    assert 0 < record.started < record.seen
    assert record.boot
    file.begin("1.0")
    file.end()
    assert [] == claimed(tmp_path).ended


def test_a_run_that_is_killed_during_its_start_forgets_nothing_of_the_one_before_it(tmp_path: Path) -> None:
    first = another(tmp_path)
    killed(first)
    for _ in range(2):
        killed(another(tmp_path, STARTS, before=1))
    assert [first.pid] == [record.pid for record in claimed(tmp_path).ended]


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    file = claimed(tmp_path)
    file.begin("1.0")
    file.end()
    assert [] == list(tmp_path.iterdir())


def test_two_runs_at_once_do_not_accuse_each_other_and_both_deaths_are_reported(tmp_path: Path) -> None:
    first = another(tmp_path)
    second = another(tmp_path)  # `another` asserts that the second run finds no dead run
    third = claimed(tmp_path)
    assert [] == third.ended
    third.release()
    killed(second)
    file = claimed(tmp_path)
    assert [second.pid] == [record.pid for record in file.ended]
    file.begin("1.0")
    killed(first)
    file.end()
    last = claimed(tmp_path)
    assert [first.pid] == [record.pid for record in last.ended]


def test_a_refused_start_keeps_the_report_for_a_later_one(tmp_path: Path) -> None:
    process = another(tmp_path)
    killed(process)
    claimed(tmp_path).release()
    assert [process.pid] == [record.pid for record in claimed(tmp_path).ended]


def test_all_dead_runs_are_reported_by_one_start(tmp_path: Path) -> None:
    runs = [another(tmp_path), another(tmp_path)]
    for process in runs:
        killed(process)
    file = claimed(tmp_path)
    assert {process.pid for process in runs} == {record.pid for record in file.ended}
    file.begin("1.0")
    assert 1 == len(list(tmp_path.iterdir()))
    file.end()


@pytest.mark.parametrize("content", [b"garbage", b'{"pid": "x"}', b"\xff" * 512])
def test_what_cannot_be_read_is_known_by_the_time_of_its_last_write(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.0").write_bytes(content)
    os.utime(tmp_path / "x.0", ns=(5_000_000_000, 5_000_000_000))
    assert [RunRecord(seen=5_000_000_000)] == claimed(tmp_path).ended


def test_a_file_that_never_held_a_record_accuses_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.0").touch()
    (tmp_path / "x.3").touch()
    file = claimed(tmp_path)
    assert ([], ["x.0"]) == (file.ended, [path.name for path in tmp_path.iterdir()])


def test_a_record_is_rewritten_in_place(tmp_path: Path) -> None:
    file = claimed(tmp_path)
    file.begin("1.0")
    before = (tmp_path / "x.0").stat()
    file.sign()
    after = (tmp_path / "x.0").stat()
    assert (before.st_ino, before.st_size, 512) == (after.st_ino, after.st_size, after.st_size)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x.0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"x\.0"):
        RunFile.claim(tmp_path, "x")


def test_configurations_are_distinguished_by_their_files() -> None:
    assert instance(["/etc/a.yaml"]) == instance(["/etc/a.yaml"])
    assert 3 == len({instance([]), instance(["/etc/a.yaml"]), instance(["/etc/a.yaml", "/etc/b.yaml"])})
