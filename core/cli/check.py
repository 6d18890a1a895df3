"""`mozu check`: validate rule files, or the configuration and the rules that it names."""

import logging
from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from mozu.core.api import Context, EvaluatorDeclaration
from mozu.core.cli import options
from mozu.core.cli.known import configured_rules, known_fields, known_plugins, warn
from mozu.core.cli.terminal import safe
from mozu.core.errors import PluginError, RulesError
from mozu.core.language.rules import LoadResult, load
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config, read
from mozu.core.runtime.registry import Registry


@click.command(
    epilog="""\b
Examples:
  mozu check my_rules.yaml           these files, in this order
  mozu check                         the configuration, and the rules that it names
  mozu check -c mozu.yaml --json     the same as JSON, in the shape of Falco's validation result

Exit code 1: something is wrong. `mozu explain CODE` explains a code."""
)
@click.argument("rules", nargs=-1, metavar="[RULES]...")
@options.configuration
@options.as_json
@options.verbose
def command(rules: tuple[str, ...], path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Check rule files and directories in load order; without any, the configuration and the rules it names."""
    if rules:
        found = load(rules, known_fields(known_plugins(path, overrides)))
        return _report(found, found.report.as_dict(), as_json=as_json)
    config, problems = read(path, overrides)
    registry = Registry()
    registry.check(config, problems)
    warn(registry)
    if problems:
        return _report_problems(problems.lines(), as_json=as_json)
    fields = known_fields(registry)
    found = load(configured_rules(config, registry), fields)
    more = _refusals(config, registry, fields) if found.ok else []
    if more:
        return _report_problems(more, as_json=as_json)
    if not as_json:
        click.echo(f"{safe(', '.join(config.files)) or 'the default configuration'}: Ok")
    verdict: JsonObject = {"configuration": {"successful": True, "problems": []}, **found.report.as_dict()}
    return _report(found, verdict, as_json=as_json)


def _refusals(config: Config, registry: Registry, fields: FieldRegistry) -> list[str]:
    """What evaluators say against their settings when they are built: additions to outputs, third parties' rules."""
    found = []
    for declaration, entry in registry.declarations(EvaluatorDeclaration, config.evaluators):
        log = logging.getLogger(f"mozu.{entry.id}")
        context = Context(id=entry.id, log=log, metrics=Metrics(), fields=fields, offline=True)
        try:
            registry.build(declaration, entry, context)
        except (RulesError, PluginError) as error:
            found.append(f"evaluator {entry.id}: {error}")
    return found


def _report(found: LoadResult, verdict: JsonObject, *, as_json: bool) -> int:
    if as_json:
        _print(verdict)
    else:
        rules = found.rules
        click.echo(safe(found.report.verbose(), keep_lines=True))
        click.echo(f"{len(rules.rules)} rules, {len(rules.macros)} macros, {len(rules.lists)} lists")
    return 0 if found.ok else 1


def _report_problems(problems: Sequence[str], *, as_json: bool) -> int:
    if as_json:
        _print({"configuration": {"successful": False, "problems": problems}, "falco_load_results": []})
    else:
        for problem in problems:
            click.echo(safe(problem, keep_lines=True))
        count = len(problems)
        click.echo(f"The configuration has {count} {'mistake' if count == 1 else 'mistakes'}.")
    return 1


def _print(data: JsonObject) -> None:
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
