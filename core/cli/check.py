"""`mozu check`: validate rule files, or the configuration and the rules that it names."""

from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from mozu.core.api import Evaluator
from mozu.core.cli import options
from mozu.core.cli.known import configured_rules, known_fields, known_plugins, warn
from mozu.core.cli.terminal import safe
from mozu.core.filter.demand import union
from mozu.core.language.rules import LoadResult, load
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config, read
from mozu.core.runtime.preflight import built_parts
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unfed_sources import configured_sources, unfed_sources
from mozu.core.runtime.unfilled_fields import unfilled_fields


@click.command(
    epilog="""\b
Examples:
  mozu check my_rules.yaml           these files, in this order
  mozu check                         the configuration, the rules that it names, and what a start would find here
  mozu check -c mozu.yaml --json     the same as JSON, in the shape of Falco's validation result
  mozu check -c mozu.yaml --for-another-machine   nothing of this one is looked at

Exit code 1: `mozu run` would refuse to start. What it would start with and try again (a file that it may not write, a
socket where nothing listens) is a warning; `mozu sinks check` tries the destinations, too. `mozu explain CODE` explains
a code."""
)
@click.argument("rules", nargs=-1, metavar="[RULES]...")
@click.option(
    "--for-another-machine",
    "elsewhere",
    is_flag=True,
    help="The configuration is for another machine: look at files, sockets and ports of none.",
)
@options.configuration
@options.as_json
@options.verbose
def command(
    rules: tuple[str, ...],
    elsewhere: bool,
    path: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Check rule files and directories in load order; without any, whether mozu would start with the configuration."""
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
    warnings: list[str] = []
    if found.ok:
        refusals, warnings = _findings(config, registry, fields, elsewhere=elsewhere)
        if refusals:
            return _report_problems(refusals, as_json=as_json)
    for text in () if as_json else warnings:
        click.echo(f"mozu: warning: {safe(text)}", err=True)
    if not as_json:
        click.echo(f"{safe(', '.join(config.files)) or 'the default configuration'}: Ok")
    about: JsonObject = {"successful": True, "problems": [], "warnings": warnings}
    return _report(found, {"configuration": about, **found.report.as_dict()}, as_json=as_json)


def _findings(
    config: Config, registry: Registry, fields: FieldRegistry, *, elsewhere: bool
) -> tuple[list[str], list[str]]:
    """What would refuse a start (components that cannot be built, whatever the machine, among it), and the rest."""
    start, found = built_parts(config, registry, fields)
    if not elsewhere:
        found += start.findings(beside_itself=True)
    refusals = [str(one) for one in found if one.obstacle.refuses]
    evaluators = [component for _, component in start.components if isinstance(component, Evaluator)]
    idle = [
        *unfed_sources(configured_sources(config, registry), union(one.demand() for one in evaluators)),
        *unfilled_fields(config, registry, fields, evaluators),
    ]
    return refusals, [*(str(one) for one in found if not one.obstacle.refuses), *idle]


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
