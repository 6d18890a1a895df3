"""`mozu fields`: the fields that rules and outputs may name."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import click
import orjson

from mozu.core.cli import options
from mozu.core.cli.known import known_fields, known_plugins
from mozu.core.cli.terminal import table, width
from mozu.core.language.rules.suggest import closest
from mozu.core.model.fields import Argument, Field
from mozu.core.model.value_types import JsonObject

_ARGUMENTS: Final = {
    Argument.NONE: "",
    Argument.INDEX_OPTIONAL: "[NUMBER]?",
    Argument.INDEX: "[NUMBER]",
    Argument.KEY_OPTIONAL: "[KEY]?",
    Argument.KEY: "[KEY]",
    Argument.DOTTED: ".NAME",
    Argument.DOTTED_OR_INDEX: ".NAME or [NUMBER]",
    Argument.DOTTED_OPTIONAL: ".NAME?",
    Argument.KEY_OR_DOTTED: "[KEY] or .KEY",
}
"""Argument → how it is written after the name."""


@click.command(
    epilog="""\b
Examples:
  mozu fields                    every field
  mozu fields proc.              those whose name contains `proc.`
  mozu fields 'fd.*name'         those whose name fits the pattern
  mozu fields --source k8s_audit
  mozu fields nginx -p nginx     those that the plugin nginx brings
  mozu fields --json

`[NUMBER]` and the like is what may follow the name; with `?` it may be left out."""
)
@click.argument("pattern", required=False)
@click.option("--source", metavar="NAME", help="Only the fields that events of this source have, such as syscall.")
@options.configuration
@options.as_json
@options.verbose
def command(
    pattern: str | None,
    source: str | None,
    path: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """List the fields that rules and outputs may name, with their types and meanings.

    PATTERN is a part of the name, or with * and ? a pattern for the whole of it.
    """
    registry = known_plugins(path, overrides)
    every = known_fields(registry)
    fields = [field for field in every if _fits(field, pattern) and _has(field, source)]
    if as_json:
        click.echo(orjson.dumps([_as_data(field) for field in fields], option=orjson.OPT_INDENT_2).decode())
    elif fields:
        click.echo(table(("FIELD", "TYPE", "MEANING"), map(_row, fields), width()))
    else:
        is_unloaded = any(one.plugin == pattern for several in registry.installed().values() for one in several)
        hint = f"; the plugin {pattern} is installed and not loaded: add -p {pattern}" if is_unloaded else ""
        similar = closest(pattern or "", {field.name for field in every if _has(field, source)})
        click.echo(f"mozu: no field fits{hint or (similar and f'; {similar}')}", err=True)
    return 0 if fields else 1


def _fits(field: Field, pattern: str | None) -> bool:
    if pattern is None:
        return "hidden" not in field.traits
    if any(mark in pattern for mark in "*?"):
        return fnmatchcase(field.name, pattern)
    return pattern in field.name


def _has(field: Field, source: str | None) -> bool:
    return source is None or source in field.sources or "*" in field.sources


def _row(field: Field) -> tuple[str, str, str]:
    kind = f"list of {field.type.value}" if field.is_list else field.type.value
    text = f"{field.doc} Not available: {field.unavailable}" if field.unavailable else field.doc
    return f"{field.name}{_ARGUMENTS[field.argument]}", kind, text


def _as_data(field: Field) -> JsonObject:
    return {
        "name": field.name,
        "type": field.type.value,
        "list": field.is_list,
        "argument": field.argument.value,
        "description": field.doc,
        "sources": sorted(field.sources),
        "needs": sorted(field.needs or ()),
        "traits": sorted(field.traits),
        "unavailable": field.unavailable or None,
    }
