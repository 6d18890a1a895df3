"""The audit log: several processes append to it, and a later change is detected."""

import os
from pathlib import Path

import pytest

from mozu.core.respond.audit_log import ActStage, AuditEntry, AuditLog


def entry(number: int, stage: ActStage = ActStage.DONE) -> AuditEntry:
    return AuditEntry(time=number, stage=stage, act=f"alert{number}/kill", rule="rule", text="kill process 7 (cat)")


def test_what_is_appended_is_read_back_whole_and_once(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "responses/audit.jsonl")
    log.append(entry(1))
    log.append(entry(2))
    found = log.new()
    assert [(one.act, one.alert, one.responder, one.by) for one in found] == [
        ("alert1/kill", "alert1", "kill", os.getpid()), ("alert2/kill", "alert2", "kill", os.getpid()),
    ]  # fmt: skip
    assert log.new() == []
    log.close()


def test_two_writers_make_one_chain(tmp_path: Path) -> None:
    one, other = AuditLog(tmp_path / "audit"), AuditLog(tmp_path / "audit")
    for number in range(6):
        (one if number % 2 else other).append(entry(number))
    assert one.broken_at() is None
    assert [found.time for found in other.new()] == list(range(6))
    one.close()
    other.close()


def test_a_line_that_is_changed_or_taken_out_breaks_the_chain(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    for number in range(4):
        log.append(entry(number))
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:1] + lines[2:]))
    assert log.broken_at() == 2
    log.path.write_bytes(b"".join([lines[0].replace(b"cat", b"dog"), *lines[1:]]))
    assert log.broken_at() == 2
    log.close()


def test_hostile_text_makes_no_line_of_its_own(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.append(AuditEntry(time=1, stage=ActStage.DONE, text='x\n{"time": 2}\udcff', detail={"a": "\udc80\n"}))
    assert [one.time for one in log.new()] == [1]
    assert log.path.read_bytes().count(b"\n") == 1
    log.close()


def test_the_log_is_for_its_owner_alone_and_no_link_is_followed(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "responses/audit")
    assert (log.path.stat().st_mode & 0o777, log.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    log.close()
    (tmp_path / "link").symlink_to(log.path)
    with pytest.raises(OSError, match="symbolic links"):
        AuditLog(tmp_path / "link")


def rotate(log: AuditLog) -> None:
    """Rename the log as logrotate does."""
    log.path.rename(f"{log.path}.1")


def test_after_a_rotation_every_writer_goes_on_in_one_new_file_and_one_chain(tmp_path: Path) -> None:
    one, other = AuditLog(tmp_path / "audit"), AuditLog(tmp_path / "audit")
    one.append(entry(0))
    rotate(one)
    for number in range(1, 4):
        (one if number % 2 else other).append(entry(number))

    assert (1, 3) == tuple(len((tmp_path / name).read_bytes().splitlines()) for name in ("audit.1", "audit"))
    assert one.broken_at() is None
    assert [list(range(4))] * 2 == [[found.time for found in log.new()] for log in (one, other)]
    one.close()
    other.close()


def test_what_was_rotated_away_is_known_to_the_next_run(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.append(entry(0))
    rotate(log)
    log.append(entry(1))
    log.close()
    later = AuditLog(tmp_path / "audit")

    assert [0, 1] == [found.time for found in later.new()]
    later.close()


def test_a_first_line_that_does_not_follow_the_rotated_file_breaks_the_chain(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    for number in range(4):
        log.append(entry(number))
        if number == 1:
            rotate(log)
    whole = log.broken_at()
    log.path.write_bytes(log.path.read_bytes().splitlines(keepends=True)[1])

    assert (None, 1) == (whole, log.broken_at())
    log.close()


def test_a_full_disk_is_an_error_that_leaves_no_half_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = AuditLog(tmp_path / "audit"), os.write
    log.append(entry(1))
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:20]))
    with pytest.raises(OSError, match="No space left"):
        log.append(entry(2))
    monkeypatch.undo()
    log.append(entry(3))
    assert [found.time for found in log.new()] == [1, 3]
    assert log.broken_at() is None
    log.close()
