"""Commands of plugins that fail: the message names the plugin and its distribution, and an exit code is kept."""

import signal
from collections.abc import Callable, Mapping
from typing import Any

import click
import pytest

from mozu.core.api import CommandsDeclaration, Settings, SinkDeclaration, hookimpl
from mozu.core.api.hookspecs import Brought
from mozu.core.cli import invoke, plugin_commands
from mozu.core.runtime.registry import Registry

Commands = Callable[[], Mapping[str, click.Command]]
Install = Callable[[Commands], None]


class Brings:
    """A plugin with commands, of a sink or of none."""

    def __init__(self, commands: Commands, *, of_sink: bool) -> None:
        self._commands, self._of_sink = commands, of_sink

    @hookimpl
    def mozu_components(self) -> Brought:
        if self._of_sink:
            return SinkDeclaration[Any](
                name="acme",
                summary="S.",
                settings=Settings,
                build=lambda settings, context: None,  # type: ignore[arg-type,return-value]  # is not built
                commands=self._commands,
            )
        return CommandsDeclaration(name="acme", summary="Commands.", commands=self._commands)


@pytest.fixture(params=[False, True], ids=["commands alone", "commands of a sink"])
def install(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(commands: Commands) -> None:
        registry = Registry()
        registry.add("mozu-acme", Brings(commands, of_sink=request.param))
        monkeypatch.setattr(plugin_commands, "_registry", lambda name: registry)

    return install


def raising(error: BaseException) -> Commands:
    @click.command()
    def go() -> None:
        raise error

    return lambda: {"go": go}


def test_a_command_that_raises_is_named_with_its_plugin(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(raising(KeyError("port")))
    assert 1 == invoke(["acme", "go"])
    error = capsys.readouterr().err
    assert error.startswith("mozu: plugin 'mozu-acme': mozu-acme ")
    assert "its command `acme go` raised KeyError: 'port'; `mozu acme -v …` shows where" in error
    assert "Traceback" not in error


def test_its_traceback_is_shown_with_verbose(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(raising(KeyError("port")))
    assert 1 == invoke(["acme", "-v", "go"])
    assert "in go\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "code", "text"), [(7, 7, ""), (None, 0, ""), ("no disk", 1, "no disk\n"), (0, 0, "")]
)
def test_an_exit_code_of_its_own_is_kept_and_its_text_printed(
    install: Install, capsys: pytest.CaptureFixture[str], given: int | str | None, code: int, text: str
) -> None:
    install(raising(SystemExit(given)))
    assert (code, text) == (invoke(["acme", "go"]), capsys.readouterr().err)


def test_clicks_own_errors_and_interrupts_are_as_in_other_commands(install: Install) -> None:
    install(raising(click.UsageError("no")))
    assert 2 == invoke(["acme", "go"])
    install(raising(KeyboardInterrupt()))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore SIGINT
    try:
        assert 130 == invoke(["acme", "go"])
    finally:
        signal.signal(signal.SIGINT, before)


def _broken() -> Mapping[str, click.Command]:
    raise RuntimeError("no module")


@pytest.mark.parametrize(
    ("commands", "text"),
    [
        (_broken, "its `commands` raised RuntimeError: no module"),
        (lambda: {"go": print}, "its `commands` give for 'go' a builtin_function_or_method, which is no click command"),
        (lambda: ["go"], "its `commands` must give a mapping from names to click commands, not list"),
    ],
)
def test_commands_that_are_none_are_refused_with_the_plugin_s_name(
    install: Install, capsys: pytest.CaptureFixture[str], commands: Any, text: str
) -> None:
    install(commands)
    assert 1 == invoke(["acme", "go"])
    error = capsys.readouterr().err
    assert error.startswith("mozu: plugin 'mozu-acme': mozu-acme ")
    assert text in error
