"""`mozu check`: validate rule files, or the configuration and the rules that it names."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
import orjson

from mozu.core.api import Evaluator
from mozu.core.cli import options
from mozu.core.cli.check_formats import FORMATS
from mozu.core.cli.check_warnings import CheckWarning, CheckWarnings, logged_warnings
from mozu.core.cli.known import known_fields, known_plugins
from mozu.core.cli.rules_in_force import ConfiguredRules, configured_rules
from mozu.core.cli.terminal import safe
from mozu.core.language.rules import Report, RuleSet, left_out, load, review
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
  mozu check --strict --format github rules/      in CI: every finding annotates its line and fails the job

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
@click.option(
    "--strict", is_flag=True, help="Report advice as well, and end with exit code 1 for any finding in rules."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *FORMATS]),
    default="text",
    show_default=True,
    help="Print findings in rules as text, as JSON (as --json), as SARIF 2.1.0, or as annotations of GitHub.",
)
@options.configuration
@options.as_json
@options.verbose
def command(
    rules: tuple[str, ...],
    elsewhere: bool,
    strict: bool,
    form: str,
    path: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Check rule files and directories in load order; without any, whether mozu would start with the configuration."""
    as_json = as_json or form == "json"
    if rules:
        fields = known_fields(known_plugins(path, overrides))
        found = load(rules, fields)
        found.report.extend(review(found.rules, fields, strict=strict))
        return _report(found.report, [found.rules], None, as_json=as_json, strict=strict, form=form)
    config, problems = read(path, overrides)
    registry = Registry()
    registry.check(config, problems)
    if problems:
        return _report_problems(problems.lines(), as_json=as_json)
    fields = known_fields(registry)
    loads = configured_rules(config, registry, fields)
    report = Report()
    for one in loads:
        first = one.settings.rule_matching == "first"
        one.loaded.report.extend(review(one.loaded.rules, one.fields, one.alerting(), first=first, strict=strict))
        report.include(one.loaded.report)
    doubts: list[CheckWarning] = []
    notes = [f"evaluator {one.entry.id}: {text}" for one in loads if (text := left_out(one.settings.rules))]
    if report.ok:
        refusals, doubts = _findings(config, registry, fields, loads, elsewhere=elsewhere)
        if refusals:
            return _report_problems(refusals, as_json=as_json)
    if not as_json and form not in FORMATS:
        for doubt in doubts:
            click.echo(f"mozu: warning: {safe(str(doubt))}", err=True)
        click.echo(f"{safe(', '.join(config.files)) or 'the default configuration'}: Ok")
        for note in notes:
            click.echo(f"mozu: note: {safe(note)}", err=True)
    warnings = [doubt.as_dict() for doubt in doubts]
    about: JsonObject = {"successful": True, "problems": [], "warnings": warnings, "notes": notes}
    found_rules = [one.loaded.rules for one in loads]
    return _report(report, found_rules, about, as_json=as_json, strict=strict, form=form)


def _findings(
    config: Config, registry: Registry, fields: FieldRegistry, loads: Sequence[ConfiguredRules], *, elsewhere: bool
) -> tuple[list[str], list[CheckWarning]]:
    """Return the findings that would refuse a start (including components that cannot be built on any machine), and the
    warnings."""
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
        *warnings.of_exceptions(date.today()),
        *warnings.of_idle_rules(fields, evaluators),
        *warnings.of_unacted_sources(),
    ]
    return [str(one) for one in found if one.obstacle.refuses], [*doubts, *warnings.of_log(logged, doubts)]


def _report(
    report: Report, rules: Sequence[RuleSet], about: JsonObject | None, *, as_json: bool, strict: bool, form: str
) -> int:
    """Print the findings; `about` is what was found in the configuration, if there is one."""
    problems = list(report.problems())
    if form in FORMATS:
        click.echo(FORMATS[form](problems))
    elif as_json:
        _print({**({} if about is None else {"configuration": about}), **report.as_dict()})
    else:
        click.echo(safe(report.verbose(), keep_lines=True))
        number_of_rules = sum(len(one.rules) for one in rules)
        macros, lists = sum(len(one.macros) for one in rules), sum(len(one.lists) for one in rules)
        click.echo(f"{number_of_rules} rules, {macros} macros, {lists} lists")
    return 0 if report.ok and not (strict and problems) else 1


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
