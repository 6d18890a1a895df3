"""Files: rotation into parts of bounded size, reported losses, captures around alerts."""

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, Template
from mozu.core.recording import CapturePlan, Captures, FullRecording, RecordingFiles, RecordingWriter
from mozu.core.recording.section import Chunk, RecordingInfo, Section
from mozu.core.recording.writer import _MAX_QUEUED
from mozu.core.state import StateMachine
from tests.core.recording.making import fields, read

NS = 1_000_000_000


def section() -> Section:
    about = RecordingInfo(source="s", origin="o", writer="w", names=fields().lookups)
    return Section(about, 0, StateMachine(procfs=None).snapshot(), live=False)


def chunk(of: Section, number: int, time: int = 0, size: int = 0) -> Chunk:
    made = Chunk(of)
    made.parts = [f'["close","ii",{number},{time},5,5,0,3,[0,3]]\n'.encode()]
    made.size, made.count, made.time = size or len(made.parts[0]), 1, time
    return made


def numbers(path: Path) -> list[int]:
    return [event.num for event in read(gzip.decompress(path.read_bytes())) if event.type == "close"]


def alert(time: int, capture: int | None = 0) -> Alert:
    return Alert(
        rule="r", priority=Severity.NOTICE, source="syscall", time=time, template=Template(("",), ()), values={},
        event_num=7, capture=capture,
    )  # fmt: skip


class Held:
    """Text for which the writer's thread must wait."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> Iterator[bytes]:
        self.begun.set()
        assert self.go.wait(60)
        yield b""


def test_a_recording_is_private_and_readable_while_it_grows(tmp_path: Path) -> None:
    path, reported = tmp_path / "a.jsonl.gz", list[Path]()
    whole = FullRecording(RecordingWriter(RecordingFiles(path), Metrics(), reported.append), Metrics())
    begun = section()
    for number in range(1, 4):
        whole.put(chunk(begun, number))
    whole.close(60)
    assert ([1, 2, 3], [path], 0o600) == (numbers(path), reported, path.stat().st_mode & 0o777)
    assert [] == whole.take_problems()


def test_parts_are_numbered_none_is_overwritten_and_the_oldest_go(tmp_path: Path) -> None:
    parts = RecordingFiles(tmp_path / "a.b.gz", keep=2)
    for expected in ("a.b.gz", "a-2.b.gz", "a-3.b.gz"):
        path, file = parts.open()
        file.close()
        assert expected == path.name
    assert ["a-2.b.gz", "a-3.b.gz"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_full_part_ends_where_the_next_section_begins(tmp_path: Path) -> None:
    writer = RecordingWriter(RecordingFiles(tmp_path / "a.gz"), Metrics(), lambda _: None)
    whole = FullRecording(writer, Metrics(), most_bytes=1)
    one, other = section(), section()
    whole.put(chunk(one, 1))
    while not whole.due():
        pass
    whole.put(chunk(one, 2))
    whole.put(chunk(other, 3))
    whole.close(60)
    assert ([1, 2], [3]) == (numbers(tmp_path / "a.gz"), numbers(tmp_path / "a-2.gz"))


def test_what_finds_no_room_is_lost_counted_and_marked_in_the_file(tmp_path: Path) -> None:
    writer, metrics = RecordingWriter(RecordingFiles(tmp_path / "a.gz"), Metrics(), lambda _: None), Metrics()
    whole, held = FullRecording(writer, metrics), Held()
    one, other = section(), section()
    whole.put(chunk(one, 1))
    assert writer.put(held, _MAX_QUEUED + 1)
    assert held.begun.wait(60)
    whole.put(chunk(one, 2))
    assert whole.due()
    whole.put(chunk(one, 3))
    held.go.set()
    writer.wait_capacity()
    whole.put(chunk(one, 4))
    whole.put(chunk(other, 5))
    assert not whole.due()
    whole.close(60)
    assert [1, 5] == numbers(tmp_path / "a.gz")
    assert b'"lost":3' in gzip.decompress((tmp_path / "a.gz").read_bytes())
    assert 3 == metrics.counter("recorded_events_lost_total").value
    assert ["3 events were not recorded, because the disk did not keep up"] == whole.take_problems()
    assert [] == whole.take_problems()


def test_a_file_that_cannot_be_written_ends_the_recording_and_is_reported_once(tmp_path: Path) -> None:
    whole = FullRecording(
        RecordingWriter(RecordingFiles(tmp_path / "no" / "a.gz"), Metrics(), lambda _: None), Metrics()
    )
    whole.put(chunk(section(), 1))
    whole.close(60)
    (problem,) = whole.take_problems()
    assert "recording has stopped" in problem
    assert "No such file or directory" in problem


def captured(tmp_path: Path) -> list[list[int]]:
    return [numbers(path) for path in sorted(tmp_path.iterdir())]


def test_a_capture_has_what_was_before_and_what_comes_after(tmp_path: Path) -> None:
    captures = Captures(CapturePlan(tmp_path / "c", after=2.0), False, Metrics())
    begun = section()
    for number in range(1, 4):
        captures.put(chunk(begun, number, number * NS))
    captures.alert(alert(3 * NS, None))
    captures.alert(alert(4 * NS))
    captures.put(chunk(begun, 4, 4 * NS))
    captures.alert(alert(5 * NS, 3000))
    for number in range(5, 12):
        captures.put(chunk(begun, number, number * NS))
    captures.close(60)
    assert [[1, 2, 3, 4, 5, 6, 7, 8, 9]] == captured(tmp_path)
    (path,) = tmp_path.iterdir()
    assert f"c_{4 * NS:020d}_{7:020d}.jsonl.gz" == path.name
    assert [] == captures.take_problems()


def test_a_capture_of_the_first_event_has_a_beginning(tmp_path: Path) -> None:
    captures = Captures(CapturePlan(tmp_path / "c", every_rule=True), False, Metrics())
    captures.alert(alert(1, None))
    captures.put(chunk(section(), 1, 1))
    captures.close(60)
    assert [[1]] == captured(tmp_path)


def test_the_look_back_is_bounded_in_bytes_and_begins_with_a_section(tmp_path: Path) -> None:
    captures = Captures(CapturePlan(tmp_path / "c", before=3600.0, memory=100), False, Metrics())
    one, other, third = section(), section(), section()
    captures.put(chunk(one, 1, 1, 60))
    assert captures.due()
    captures.put(chunk(other, 2, 2, 60))
    captures.put(chunk(other, 3, 3, 10))
    captures.put(chunk(third, 4, 4, 10))
    captures.alert(alert(4))
    captures.close(60)
    assert [[2, 3, 4]] == captured(tmp_path)


def test_a_capture_ends_at_its_greatest_size_and_says_so(tmp_path: Path) -> None:
    captures = Captures(CapturePlan(tmp_path / "c", most_bytes=1), False, Metrics())
    begun = section()
    captures.put(chunk(begun, 1, 1))
    captures.alert(alert(1))
    number, problems = 1, list[str]()
    while not problems:
        number += 1
        captures.put(chunk(begun, number, 2))
        problems = captures.take_problems()
    captures.close(60)
    assert ["a capture ended early: it has reached its greatest size"] == problems
    assert [list(range(1, number + 1))] == captured(tmp_path)


@pytest.mark.parametrize("kind", [Captures])
def test_a_capture_that_cannot_be_written_is_reported(kind: type[Captures], tmp_path: Path) -> None:
    captures = kind(CapturePlan(tmp_path / "no" / "c"), False, Metrics())
    captures.alert(alert(1))
    captures.put(chunk(section(), 1, 1))
    captures.close(60)
    (problem,) = captures.take_problems()
    assert "a capture has stopped" in problem


def test_a_disk_that_hangs_is_given_up_and_reported(tmp_path: Path) -> None:
    writer, held = RecordingWriter(RecordingFiles(tmp_path / "a.gz"), Metrics(), lambda _: None), Held()
    whole = FullRecording(writer, Metrics())
    assert writer.put(held, _MAX_QUEUED)
    assert held.begun.wait(60)
    assert not whole.wait_capacity()
    whole.close(0.01)
    held.go.set()
    assert ["recording has stopped: the disk did not take the end of it within 0 s"] == whole.take_problems()


def test_a_look_back_that_was_given_up_begins_again_with_the_next_section(tmp_path: Path) -> None:
    captures = Captures(CapturePlan(tmp_path / "c", before=3600.0), False, Metrics())
    one, other = section(), section()
    captures.put(chunk(one, 1, 1))
    captures.put(chunk(one, 2, 2))
    assert (2, 0) == (captures.shrink(), captures.shrink())
    assert captures.due()
    captures.put(chunk(one, 3, 3))  # unreadable without the chunks before
    captures.put(chunk(other, 4, 4))
    assert not captures.due()
    captures.alert(alert(4))
    assert 0 == captures.shrink()
    captures.close(60)
    assert [[4]] == captured(tmp_path)
