"""Alerts on the standard output: whole lines to the descriptor that the sink was built with, and to no other file."""

import os
import pty
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from mozu.core.errors import SinkClosed
from mozu.core.testing import alert, records
from mozu.plugins.sinks.stdout import StdoutSink

TEXTS = ("first", "second")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        os.close(descriptor)


def test_each_record_is_a_line(pipe: tuple[int, int]) -> None:
    StdoutSink(pipe[1]).deliver(made := records(*map(alert, TEXTS)))
    assert b"".join(one.body + b"\n" for one in made) == os.read(pipe[0], 1 << 16)


def test_on_a_terminal_equal_lines_that_follow_each_other_are_counted() -> None:
    reading, writing = pty.openpty()
    bodies = [b"10:00:00 WARN A", b"10:00:01 WARN A", b"10:00:01 WARN A", b"10:00:02 NOTE B", b"10:00:03 WARN A"]
    made = records(*(alert("A rule") for _ in bodies))
    StdoutSink(writing).deliver([replace(one, body=body) for one, body in zip(made, bodies, strict=True)])
    lines = ["10:00:00 WARN A", "         … 2 more like this", "10:00:02 NOTE B", "10:00:03 WARN A"]
    assert lines == os.read(reading, 1 << 16).decode().split("\r\n")[:-1]
    os.close(reading)
    os.close(writing)


def test_a_reader_that_has_gone_closes_the_sink() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb", buffering=0) as file, closing(file), pytest.raises(SinkClosed):
        StdoutSink(writing).deliver(records(*map(alert, TEXTS)))


def test_nothing_is_written_to_a_file_that_took_the_descriptors_number(pipe: tuple[int, int], tmp_path: Path) -> None:
    sink = StdoutSink(pipe[1])
    with (tmp_path / "of a plugin").open("wb") as file:
        os.dup2(file.fileno(), pipe[1])
        with pytest.raises(OSError, match="closed by a plugin or a library in this process"):
            sink.deliver(records(*map(alert, TEXTS)))
    assert b"" == (tmp_path / "of a plugin").read_bytes()


def test_a_descriptor_that_was_closed_fails_the_delivery() -> None:
    reading, writing = os.pipe()
    sink = StdoutSink(writing)
    os.close(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        sink.deliver(records(*map(alert, TEXTS)))
    os.close(reading)
