"""Options that several commands share."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

import click

from mozu.core.cli.group import CommandState
from mozu.core.cli.terminal import use_colours
from mozu.core.common.file_access import why_not_made
from mozu.core.runtime.config import JSON, StdoutForm

_PLUGINS: Final = "mozu.plugins"
"""Key of the values of `-p` in a command's context."""

_PLUGIN_HELP: Final = "Load the entry point NAME of an installed plugin, too: its fields, formats, events. Repeatable."

F = TypeVar("F", bound=Callable[..., object])


def _set_verbose(context: click.Context, parameter: click.Parameter, value: object) -> bool:
    state = context.find_object(CommandState)
    if value and state is not None:
        state.verbose = True
    return bool(value)


def verbose(function: F) -> F:
    """Add `-v`: parameter `verbose`."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        is_eager=True,
        callback=_set_verbose,
        help="Log more, and show tracebacks of errors.",
    )(function)


def configuration(function: F) -> F:
    """Add `-c` and `-o`: parameters `path` and `overrides`."""
    override = click.option(
        "-o",
        "--option",
        "overrides",
        multiple=True,
        callback=_load_too,
        metavar="KEY=VALUE",
        help="Set one value of the configuration, such as sinks.stdout.format=json. May be repeated.",
    )
    text = "The configuration, by default /etc/mozu/mozu.yaml if there is one; config.d/*.yaml beside it follow."
    return _config_file(text)(override(plugin_names(function)))


def config_file(function: F) -> F:
    """Add `-c` alone: parameter `path`. Without the option no configuration is read."""
    text = "A configuration, of which enrichers, evaluators and plugins count; config.d/*.yaml beside it follow."
    return _config_file(text)(function)


def _config_file(text: str) -> Callable[[F], F]:
    return click.option(
        "-c",
        "--config",
        "path",
        multiple=True,
        type=click.Path(path_type=Path),
        callback=_only_one,
        metavar="FILE",
        help=text,
    )


def _only_one(context: click.Context, parameter: click.Parameter, value: tuple[Path, ...]) -> Path | None:
    """Return the only value; raise BadParameter for several, because the last would silently hide the others."""
    if len(value) > 1:
        files = ", ".join(map(str, value))
        remedy = "put what differs into config.d beside one of them"
        raise click.BadParameter(f"given {len(value)} times ({files}); {remedy}")
    return value[0] if value else None


def plugin_list(function: F) -> F:
    """Add `-p` alone: parameter `plugins`."""
    return click.option("-p", "--plugin", "plugins", multiple=True, metavar="NAME", help=_PLUGIN_HELP)(function)


def _load_too(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of `-o`, and those of `-p` as overrides."""
    return (*value, *as_overrides(context.meta.get(_PLUGINS, ())))


def _note_plugins(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    context.meta[_PLUGINS] = value


def as_overrides(plugins: Iterable[str]) -> tuple[str, ...]:
    """Return overrides that load these entry points besides those that the configuration names."""
    names = list(plugins)
    return (f"plugins+={json.dumps(names)}",) if names else ()


def plugin_names(function: F) -> F:
    """Add `-p`, whose values become part of the parameter `overrides`."""
    return click.option(
        "-p",
        "--plugin",
        multiple=True,
        is_eager=True,
        expose_value=False,
        callback=_note_plugins,
        metavar="NAME",
        help=_PLUGIN_HELP,
    )(function)


def rules(function: F) -> F:
    """Add `-r`: parameter `rules`."""
    return click.option(
        "-r",
        "--rules",
        multiple=True,
        metavar="PATH",
        help="A rule file, or a directory of them, instead of the configured ones. May be repeated.",
    )(function)


def record(function: F) -> F:
    """Add `--record`: parameter `record`."""
    return click.option(
        "--record",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Record every event into this file (.jsonl.gz), for `mozu replay`. None is overwritten.",
    )(function)


def with_record(overrides: tuple[str, ...], file: Path | None) -> tuple[str, ...]:
    """Return the overrides, with the file of `--record` if one is given."""
    return overrides if file is None else (*overrides, f"record.file={json.dumps(str(file))}")


def _check_writable(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Said before a run, at whose end the file is written. click looks at files that exist already."""
    if value is not None and not value.exists() and (reason := why_not_made(value)) is not None:
        raise click.BadParameter(reason)
    return value


def stats(function: F) -> F:
    """Add `--stats`: parameter `stats`."""
    return click.option(
        "--stats",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        callback=_check_writable,
        metavar="FILE",
        help="Write the final counters to this file, as JSON.",
    )(function)


def alert_form(function: F) -> F:
    """`--json` and `--color`: parameters `as_json` and `color`, for `stdout_form`."""
    json = click.option("--json", "as_json", is_flag=True, help="Write alerts to the standard output as JSON.")
    choices = click.Choice(("auto", "always", "never"))
    text = "Colours of alerts on a terminal; `auto`: unless NO_COLOR is set."
    return json(click.option("--color", type=choices, default="auto", show_default=True, help=text)(function))


def stdout_form(color: str, *, as_json: bool) -> StdoutForm | None:
    """Return the format of the sink stdout: JSON, lines for a terminal, or None for the configured one."""
    if as_json:
        return JSON
    if not sys.stdout.isatty():
        return None
    return StdoutForm({"compact": {"terminal": True, "color": use_colours(color)}}, "--color", replaces=False)


def as_json(function: F) -> F:
    """Add `--json`: parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
