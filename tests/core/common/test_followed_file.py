"""Every line of a file that is rotated arrives exactly once, in order, with stops in between."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from mozu.core.common import followed_file
from mozu.core.common.followed_file import FollowedFile
from mozu.core.common.line_file import FilePosition

LONGEST = 4096


class Follower:
    """A follower of a file that can be stopped, and killed before it has stored its positions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self.gaps: list[str] = []
        self.too_long = 0
        self._stored = b"[]"
        self._acknowledged = 0
        self._file = self._opened()

    def _opened(self) -> FollowedFile:
        saved = msgspec.json.decode(self._stored, type=list[FilePosition])
        return FollowedFile(self.path, saved, LONGEST, self.gaps.append, self._count)

    def _count(self) -> None:
        self.too_long += 1

    def read(self) -> None:
        """Read all available lines, and store the positions."""
        while lines := self._file.read():
            self.lines += [line.decode() for line in lines]
        self._stored = msgspec.json.encode(self._file.positions)
        self._acknowledged = len(self.lines)

    def restart(self) -> None:
        self._file.close()
        self._file = self._opened()

    def kill(self) -> None:
        """Read a part, and end before the positions are stored: a restart reads that part again."""
        self.lines += [line.decode() for line in self._file.read()]
        del self.lines[self._acknowledged :]
        self.restart()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def rename(log: Path) -> None:
    for number in range(60, 0, -1):
        older = log.with_name(f"audit.log.{number}")
        if older.exists():
            older.rename(log.with_name(f"audit.log.{number + 1}"))
    log.rename(log.with_name("audit.log.1"))
    log.touch()


def rename_as_the_api_server_does(log: Path) -> None:
    number = len(list(log.parent.iterdir()))
    log.rename(log.with_name(f"audit-2026-12-02T14-13-{number:02}.000.log"))


def copy_and_truncate(log: Path) -> None:
    for number in range(60, 0, -1):
        older = log.with_name(f"audit.log.{number}")
        if older.exists():
            older.rename(log.with_name(f"audit.log.{number + 1}"))
    shutil.copyfile(log, log.with_name("audit.log.1"))
    os.truncate(log, 0)


def replace_by_a_copy(log: Path) -> None:
    new = log.with_name("copy")
    shutil.copyfile(log, new)
    new.replace(log)


ROTATIONS = (rename, rename_as_the_api_server_does, copy_and_truncate)
each_rotation = pytest.mark.parametrize("rotate", [*ROTATIONS, replace_by_a_copy])


@each_rotation
@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_lines_before_and_after_a_rotation_arrive_once(
    log: Path, rotate: Callable[[Path], None], is_running: bool
) -> None:
    append(log, "one", "two")
    follower = Follower(log)
    follower.read()
    append(log, "three")  # still unread at the rotation
    rotate(log)
    append(log, "four")
    if not is_running:
        follower.restart()
    follower.read()
    assert ["one", "two", "three", "four"] == follower.lines
    assert [] == follower.gaps


@pytest.mark.parametrize("rotate", [rename, rename_as_the_api_server_does])
@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_files_that_came_and_went_between_two_looks_are_read(
    log: Path, rotate: Callable[[Path], None], is_running: bool
) -> None:
    append(log, "one")
    follower = Follower(log)
    follower.read()
    for line in ("two", "three", "four"):
        rotate(log)
        append(log, line)
    if not is_running:
        follower.restart()
    follower.read()
    assert ["one", "two", "three", "four"] == follower.lines


def test_a_file_whose_predecessor_was_removed_while_mozu_was_stopped_is_read_and_the_gap_reported(log: Path) -> None:
    append(log, "one")
    follower = Follower(log)
    follower.read()
    rename(log)
    append(log, "two")
    rename(log)
    append(log, "three")
    log.with_name("audit.log.2").unlink()
    follower.restart()
    follower.read()
    assert ["one", "two", "three"] == follower.lines
    (gap,) = follower.gaps
    assert "the file that it was is gone" in gap


def test_a_truncation_without_a_copy_is_reported(log: Path) -> None:
    append(log, "one", "two")
    follower = Follower(log)
    follower.read()
    os.truncate(log, 0)
    append(log, "three is longer than both")
    follower.read()
    assert ["one", "two", "three is longer than both"] == follower.lines
    (gap,) = follower.gaps
    assert "was truncated, and there is no copy" in gap


def test_a_hole_left_by_a_writer_that_keeps_its_offset_costs_no_line(log: Path) -> None:
    with log.open("wb", buffering=0) as writer:
        writer.write(b"x" * 3000 + b"\n")
        follower = Follower(log)
        follower.read()
        writer.seek(10 << 20)
        writer.write(b"before\n")
        os.truncate(log, 0)
        writer.write(b"after\n")
        follower.read()
    assert "after" == follower.lines[-1]
    assert [f"{log} was truncated, and there is no copy: lines since the last read may be lost"] == follower.gaps


def test_a_replaced_file_with_a_new_inode_of_the_same_number_is_read_from_its_beginning(log: Path) -> None:
    append(log, "one", "two")
    follower = Follower(log)
    follower.read()
    follower._file.close()
    log.unlink()  # the next file may get the same inode number
    append(log, "three")
    follower.restart()
    follower.read()
    assert ["one", "two", "three"] == follower.lines
    assert 1 == len(follower.gaps)


def test_a_renamed_file_is_read_on_while_its_writer_has_it_open(log: Path) -> None:
    with log.open("w", buffering=1) as writer:
        writer.write("one\n")
        follower = Follower(log)
        follower.read()
        log.rename(log.with_name("audit.log.1"))
        follower.read()
        writer.write("two\n")
        follower.read()
        assert ["one", "two"] == follower.lines  # the new file is not there yet
    append(log, "three")
    follower.read()
    assert ["one", "two", "three"] == follower.lines


def test_the_rest_of_a_renamed_file_without_an_end_of_line_is_read_once_its_writer_has_gone(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("one\ntwo")
    follower = Follower(log)
    follower.read()
    assert ["one"] == follower.lines
    rename(log)
    append(log, "three")
    monkeypatch.setattr(followed_file, "_GRACE", -1.0)
    follower.read()
    assert ["one", "two", "three"] == follower.lines
    follower.restart()
    rename(log)
    append(log, "four")
    follower.read()
    assert ["one", "two", "three", "four"] == follower.lines


def test_a_line_in_parts_is_read_when_it_is_whole(log: Path) -> None:
    log.write_text("half")
    follower = Follower(log)
    follower.read()
    assert [] == follower.lines
    append(log, " and half")
    follower.read()
    assert ["half and half"] == follower.lines


def test_a_line_that_is_too_long_is_left_out_and_counted_once(log: Path) -> None:
    append(log, "before", "x" * (3 << 20), "after", "y" * (LONGEST + 1), "end")
    follower = Follower(log)
    follower.read()
    assert ["before", "after", "end"] == follower.lines
    assert 2 == follower.too_long


def test_a_rotated_file_with_a_line_that_is_too_long_is_read_to_its_end(log: Path) -> None:
    append(log, "one")
    follower = Follower(log)
    follower.read()
    rename(log)
    append(log, "x" * (3 << 20), "two")
    rename(log)
    append(log, "three")
    follower.read()
    assert ["one", "two", "three"] == follower.lines


def test_other_logs_beside_the_file_are_not_taken_for_rotated_ones(log: Path) -> None:
    append(log, "one")
    follower = Follower(log)
    follower.read()
    for other in ("audit-2.log", "audit.log.gz", "audit-node1.log", "auditor.log.1"):
        append(log.with_name(other), "of another log")
    rename(log)
    append(log, "two")
    follower.read()
    assert ["one", "two"] == follower.lines


def test_a_file_that_cannot_be_read_is_reported_once_and_read_later(log: Path) -> None:
    log.mkdir()
    follower = Follower(log)
    follower.read()
    follower.read()
    assert [f"{log} cannot be read (it is no regular file); mozu goes on once it can"] == follower.gaps
    log.rmdir()
    append(log, "one")
    follower.read()
    assert ["one"] == follower.lines


@pytest.mark.parametrize("seed", range(40))
def test_any_order_of_writes_reads_rotations_stops_and_kills_gives_every_line_once(log: Path, seed: int) -> None:
    """Choose a truncation only after its copy, and one means of rotation: logrotate has one for each file."""
    choose = random.Random(seed)
    rotate = choose.choice(ROTATIONS)
    written = 0
    log.touch()
    follower = Follower(log)
    follower.read()
    for _ in range(60):
        act = choose.randrange(10)
        if act < 5 or not log.exists() or not log.stat().st_size:
            count = choose.randrange(1, 5)
            append(
                log, *(f"line {number} " + "." * choose.randrange(300) for number in range(written, written + count))
            )
            written += count
        elif act == 5:
            if rotate is copy_and_truncate:
                follower.read()  # two truncations between two looks look like one
            rotate(log)
        elif act == 6:
            follower.restart()
        elif act == 7:
            follower.kill()
        else:
            follower.read()
    append(log, f"line {written}")
    written += 1
    follower.read()
    assert [*range(written)] == [int(line.split()[1]) for line in follower.lines]
    assert [] == follower.gaps
