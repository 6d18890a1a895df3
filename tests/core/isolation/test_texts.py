"""Texts of components have a bounded length in all output of mozu."""

import logging

import pytest

from mozu.core.errors import PluginError
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.texts import LONGEST, shortened, text_of
from mozu.core.metrics import Metrics
from mozu.core.runtime.daemon_log import JsonForm, PlainForm, TextForm
from mozu.core.runtime.plugin_checks import Origin, guarded
from tests.core.runtime.test_daemon_log import record

HUGE = 5_000_000
ROOM = 200
"""Number of characters besides the text: names, places, the whole length."""


def test_a_text_that_is_cut_says_how_long_it_was() -> None:
    assert shortened("x" * 10, 3) == "xxx… (10 characters)"
    assert shortened("x" * 10, 10) == "x" * 10


def test_an_exception_of_megabytes_is_logged_with_its_beginning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), Isolated[object]("sink", "siem", object(), Metrics()).contained("deliver"):
        raise ValueError("x" * HUGE)
    (line,) = (one.getMessage() for one in caplog.records)
    assert len(line) < LONGEST + ROOM
    assert line.endswith(f"… ({HUGE} characters)")


@pytest.mark.parametrize("form", [PlainForm, TextForm, JsonForm])
def test_what_a_plugin_logs_itself_is_cut_too_and_so_is_its_traceback(form: type[logging.Formatter]) -> None:
    line = form().format(record("x" * HUGE, error=ValueError("y" * HUGE)))
    assert len(line) < 70_000


def test_a_plugin_that_raises_megabytes_when_it_is_imported_is_refused_in_one_sentence() -> None:
    def load() -> None:
        raise ValueError("x" * HUGE)

    with pytest.raises(PluginError) as refused:
        guarded(Origin("acme", "acme", "mozu-acme", "1.0"), "its import", load)
    assert len(str(refused.value)) < LONGEST + ROOM


def test_an_exception_without_a_text_or_with_one_that_cannot_be_had_is_named_by_its_class() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit(0)

    assert (text_of(ValueError()), text_of(Mute()), text_of(SystemExit(3))) == ("ValueError", "Mute", "SystemExit: 3")
