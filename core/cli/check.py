"""`mozu check`: validate rule files, or the configuration and the rules that it names."""

from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from mozu.core.api import Evaluator
from mozu.core.cli import options
from mozu.core.cli.check_warnings import CheckWarning, CheckWarnings, logged_warnings
from mozu.core.cli.known import known_fields, known_plugins
from mozu.core.cli.rules_in_force import ConfiguredRules, configured_rules
from mozu.core.cli.terminal import safe
from mozu.core.language.rules import Report, RuleSet, load
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config, read
from mozu.core.runtime.preflight import built_parts
from mozu.core.runtime.registry import Registry


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
        return _report(found.report, [found.rules], found.report.as_dict(), as_json=as_json)
    config, problems = read(path, overrides)
    registry = Registry()
    registry.check(config, problems)
    if problems:
        return _report_problems(problems.lines(), as_json=as_json)
    fields = known_fields(registry)
    loads = configured_rules(config, registry, fields)
    report = Report()
    for one in loads:
        report.include(one.loaded.report)
    doubts: list[CheckWarning] = []
    if report.ok:
        refusals, doubts = _findings(config, registry, fields, loads, elsewhere=elsewhere)
        if refusals:
            return _report_problems(refusals, as_json=as_json)
    if not as_json:
        for doubt in doubts:
            click.echo(f"mozu: warning: {safe(str(doubt))}", err=True)
        click.echo(f"{safe(', '.join(config.files)) or 'the default configuration'}: Ok")
    about: JsonObject = {"successful": True, "problems": [], "warnings": [doubt.as_dict() for doubt in doubts]}
    verdict: JsonObject = {"configuration": about, **report.as_dict()}
    return _report(report, [one.loaded.rules for one in loads], verdict, as_json=as_json)


def _findings(
    config: Config, registry: Registry, fields: FieldRegistry, loads: Sequence[ConfiguredRules], *, elsewhere: bool
) -> tuple[list[str], list[CheckWarning]]:
    """What would refuse a start (components that cannot be built, whatever the machine, among it), and the rest."""
    with logged_warnings() as logged:
        start, found = built_parts(config, registry, fields)
        if not elsewhere:
            found += start.findings(beside_itself=True)
    evaluators = [component for _, component in start.components if isinstance(component, Evaluator)]
    warnings = CheckWarnings(config, registry, loads)
    doubts = [
        *warnings.of_plugins(),
        *warnings.of_start(one for one in found if not one.obstacle.refuses),
        *warnings.of_selections(),
        *warnings.of_idle_rules(fields, evaluators),
        *warnings.of_unacted_sources(),
    ]
    return [str(one) for one in found if one.obstacle.refuses], [*doubts, *warnings.of_log(logged, doubts)]


def _report(report: Report, rules: Sequence[RuleSet], verdict: JsonObject, *, as_json: bool) -> int:
    if as_json:
        _print(verdict)
    else:
        click.echo(safe(report.verbose(), keep_lines=True))
        number_of_rules = sum(len(one.rules) for one in rules)
        macros, lists = sum(len(one.macros) for one in rules), sum(len(one.lists) for one in rules)
        click.echo(f"{number_of_rules} rules, {macros} macros, {lists} lists")
    return 0 if report.ok else 1


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
