"""The log of mozu itself: its formats, its destinations, its levels."""

import json
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.daemon_log import JsonForm, PlainForm, TextForm, set_up

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    set_up(LogSettings())
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    path = tmp_path / "log.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        made.setblocking(False)
        yield path, made


def record(text: str, *, level: int = logging.WARNING, error: BaseException | None = None) -> logging.LogRecord:
    info: Any = None if error is None else (type(error), error, None)
    return logging.LogRecord("mozu.sink.siem", level, "f", 1, text, (), info)


def test_the_plain_form_has_the_message_and_what_is_worse_than_information() -> None:
    assert "mozu: warning: gone" == PlainForm().format(record("gone"))
    assert "mozu: there" == PlainForm().format(record("there", level=logging.INFO))


def test_the_text_form_has_time_level_and_component() -> None:
    assert re.fullmatch(rf"{TIME} warning sink\.siem: gone", TextForm().format(record("gone")))


def test_the_json_form_is_an_object_a_line() -> None:
    line = JsonForm().format(record("gone", error=ValueError("a\nb")))

    assert "\n" not in line
    tree = json.loads(line)
    assert ("warning", "sink.siem", "gone") == (tree["level"], tree["component"], tree["message"])
    assert "ValueError" in tree["traceback"]


@pytest.mark.parametrize("form", [PlainForm, TextForm, JsonForm])
def test_no_message_can_make_a_line_or_control_a_terminal(form: type[logging.Formatter]) -> None:
    line = form().format(record("a\nmozu: error: forged\x1b[2J\x9b\u202e"))

    assert not re.search("[\n\x1b\x9b\u202e]", line)


def test_levels_hold_for_components_and_the_longest_name_wins(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSettings(level="warning", levels={"sink": "error", "sink.siem": "debug"}))
    for name in ("sink.siem", "sink.other", "engine"):
        logging.getLogger(f"mozu.{name}").debug("debug of %s", name)
        logging.getLogger(f"mozu.{name}").warning("warning of %s", name)

    shown = capsys.readouterr().err
    assert ["debug of sink.siem", "warning of sink.siem", "warning of engine"] == re.findall(r"\w+ of [\w.]+", shown)


def test_other_levels_take_the_place_of_those_before(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSettings(levels={"sink.siem": "debug"}))
    set_up(LogSettings())
    logging.getLogger("mozu.sink.siem").debug("not shown")

    assert "" == capsys.readouterr().err


def test_the_syslog_daemon_gets_facility_severity_and_name(daemon: tuple[Path, socket.socket]) -> None:
    path, made = daemon
    set_up(LogSettings(to="syslog", socket=path))
    logging.getLogger("mozu.engine").error("broken")

    assert re.fullmatch(rb"<27>mozu\[\d+\]: error: broken", made.recv(4096))


def test_the_journal_gets_fields(daemon: tuple[Path, socket.socket]) -> None:
    path, made = daemon
    set_up(LogSettings(to="journald", socket=path))
    logging.getLogger("mozu.sink.siem").warning("a\nPRIORITY=0")

    fields = dict(line.split(b"=", 1) for line in made.recv(4096).splitlines())
    assert (b"4", b"mozu", b"sink.siem") == (
        fields[b"PRIORITY"], fields[b"SYSLOG_IDENTIFIER"], fields[b"MOZU_COMPONENT"],
    )  # fmt: skip
    assert rb"a\u000aPRIORITY=0" == fields[b"MESSAGE"]


def test_what_the_daemon_does_not_take_goes_to_stderr_without_waiting(
    daemon: tuple[Path, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    path, made = daemon
    set_up(LogSettings(to="journald", socket=path))
    for number in range(2000):  # more than the socket can hold
        logging.getLogger("mozu.engine").warning("message %d", number)

    taken = 0
    try:
        while made.recv(4096):
            taken += 1
    except BlockingIOError:
        pass
    assert 0 < taken
    assert 2000 == taken + len(re.findall("message", capsys.readouterr().err))


def test_a_daemon_that_comes_later_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "late.sock"
    set_up(LogSettings(to="syslog", socket=path))
    logging.getLogger("mozu.engine").warning("before")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        logging.getLogger("mozu.engine").warning("after")
        assert b"after" in made.recv(4096)

    assert "mozu: warning: before\n" == capsys.readouterr().err


def test_a_name_that_no_component_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no name of a component"):
        LogSettings(levels={"sink siem": "debug"})
