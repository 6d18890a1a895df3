"""Options that several commands share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from mozu.core.cli.group import CommandState
from mozu.core.common.file_access import why_not_made

F = TypeVar("F", bound=Callable[..., object])


def _set_verbose(context: click.Context, parameter: click.Parameter, value: object) -> bool:
    state = context.find_object(CommandState)
    if value and state is not None:
        state.verbose = True
    return bool(value)


def verbose(function: F) -> F:
    """`-v`: parameter `verbose`."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        is_eager=True,
        callback=_set_verbose,
        help="Log more, and show tracebacks of errors.",
    )(function)


def configuration(function: F) -> F:
    """`-c` and `-o`: parameters `path` and `overrides`."""
    override = click.option(
        "-o",
        "--option",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set one value of the configuration, such as sinks.stdout.format=json. May be repeated.",
    )
    path = click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The configuration, by default /etc/mozu/mozu.yaml if there is one; config.d/*.yaml beside it follow.",
    )
    return path(override(function))


def rules(function: F) -> F:
    """`-r`: parameter `rules`."""
    return click.option(
        "-r",
        "--rules",
        multiple=True,
        metavar="PATH",
        help="A rule file, or a directory of them, instead of the configured ones. May be repeated.",
    )(function)


def record(function: F) -> F:
    """`--record`: parameter `record`."""
    return click.option(
        "--record",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Record every event into this file (.jsonl.gz), for `mozu replay`. None is overwritten.",
    )(function)


def with_record(overrides: tuple[str, ...], file: Path | None) -> tuple[str, ...]:
    """Overrides, with the file of `--record` where one is given."""
    return overrides if file is None else (*overrides, f"record.file={json.dumps(str(file))}")


def _check_writable(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Said before a run, at whose end the file is written. click looks at files that exist already."""
    if value is not None and not value.exists() and (reason := why_not_made(value)) is not None:
        raise click.BadParameter(reason)
    return value


def stats(function: F) -> F:
    """`--stats`: parameter `stats`."""
    return click.option(
        "--stats",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        callback=_check_writable,
        metavar="FILE",
        help="Write the final counters to this file, as JSON.",
    )(function)


def as_json(function: F) -> F:
    """`--json`: parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
