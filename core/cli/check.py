"""`mozu check`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from mozu.core.cli import options
from mozu.core.cli.known import configured_rules, known_fields, known_plugins
from mozu.core.cli.terminal import safe
from mozu.core.config import read
from mozu.core.registry import Registry
from mozu.core.rules import LoadResult, load


@click.command(
    epilog="""\b
Examples:
  mozu check my_rules.yaml           these files, in this order
  mozu check                         the configuration, and the rules that it names
  mozu check -c mozu.yaml --json     the same as JSON, in the shape of Falco's validation result

Exit code 1 tells that something is wrong. `mozu explain CODE` tells more about a code."""
)
@click.argument("rules", nargs=-1, metavar="[RULES]...")
@options.configuration
@options.as_json
@options.verbose
def command(rules: tuple[str, ...], path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Check rule files and directories in load order; without any, the configuration and the rules it names."""
    if rules:
        return _tell(load(rules, known_fields(known_plugins(path, overrides))), as_json=as_json)
    config, problems = read(path, overrides)
    registry = Registry()
    registry.check(config, problems)
    if problems:
        return _refuse(problems.lines(), as_json=as_json)
    found = load(configured_rules(config, registry), known_fields(registry))
    if not as_json:
        click.echo(f"{safe(', '.join(config.files)) or 'the default configuration'}: Ok")
    return _tell(found, as_json=as_json, more={"configuration": {"successful": True, "problems": []}})


def _tell(found: LoadResult, *, as_json: bool, more: dict[str, Any] | None = None) -> int:
    if as_json:
        _print({**(more or {}), **found.report.as_dict()})
    else:
        rules = found.rules
        click.echo(safe(found.report.verbose(), keep_lines=True))
        click.echo(f"{len(rules.rules)} rules, {len(rules.macros)} macros, {len(rules.lists)} lists")
    return 0 if found.ok else 1


def _refuse(problems: Sequence[str], *, as_json: bool) -> int:
    if as_json:
        _print({"configuration": {"successful": False, "problems": problems}, "falco_load_results": []})
    else:
        for problem in problems:
            click.echo(safe(problem))
        click.echo("The configuration is not right, so its rules were not looked at.")
    return 1


def _print(data: dict[str, Any]) -> None:
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
