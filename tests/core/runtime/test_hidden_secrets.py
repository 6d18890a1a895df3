"""Secrets of settings are masked by stars in every text of a plugin."""

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from mozu.core.api import Context, Kind, Secret, Settings, SinkDeclaration, hookimpl
from mozu.core.cli.terminal import error_text
from mozu.core.errors import MozuError, PluginError
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.texts import LONGEST, text_of
from mozu.core.metrics import Metrics
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.daemon_log import JournalHandler, JsonForm, PlainForm, SyslogHandler, TextForm
from mozu.core.runtime.registry import Registry

TOKEN = "s3cret/to ken'\\n"
KEY = "-----BEGIN-----\nabcdef\n-----END-----"
LEAKS = [TOKEN, "s3cret", "to ken", "to%20ken", KEY, "abcdef"]


class LoginSettings(Settings):
    token: Secret = Field(description="A token.")
    more: dict[str, Secret] = Field({}, description="More.")


class Plugin:
    """A plugin with secrets in its settings."""

    @staticmethod
    @hookimpl
    def mozu_components() -> SinkDeclaration[LoginSettings]:
        return SinkDeclaration(name="acme", build=build, settings=LoginSettings, summary="A sink.")


def build(settings: LoginSettings, context: Context) -> Any:
    raise ValueError(settings.token.get_secret_value())


@pytest.fixture
def configured() -> Registry:
    registry = Registry()
    registry.add("acme", Plugin())
    node = node_of({"token": TOKEN, "more": {"key": KEY}}, Mark("f", 1, 1))
    registry.settings(Entry(kind=Kind.SINK, name="acme", id="acme", settings={}, node=node))
    return registry


TEXTS = [
    f"login with {TOKEN} refused",
    f"{TOKEN!r}",
    "https://x.example/?token=s3cret%2Fto%20ken%27%5Cn",
    f"the key {KEY}",
    "x" * (LONGEST - 3) + TOKEN,
]


def leaked(text: str) -> list[str]:
    return [one for one in LEAKS if one in text]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_in_an_exception_is_stars_wherever_its_text_goes(text: str) -> None:
    said = [text_of(ValueError(text)), error_text(PluginError("acme", text)), error_text(MozuError(text))]
    said.append(Isolated[object]("sink", "acme", object(), Metrics()).described(OSError(text)))
    assert [leaked(one) for one in said] == [[]] * 4


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_in_a_log_line_or_a_traceback_is_stars(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("mozu.sink.acme", logging.ERROR, "f", 1, text, (), sys.exc_info())
    lines = [form().format(record) for form in (PlainForm, TextForm, JsonForm)]
    for handler in (SyslogHandler(Path("/nowhere")), JournalHandler(Path("/nowhere"))):
        handler.setFormatter(PlainForm())
        lines.append(handler.datagram(record).decode("utf-8", "replace"))
    assert [leaked(line) for line in lines] == [[]] * 5


def test_nothing_is_hidden_that_is_in_no_setting() -> None:
    assert text_of(ValueError(TEXTS[0])) == TEXTS[0]
