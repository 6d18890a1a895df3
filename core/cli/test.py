"""`mozu test`: runs the tests of rules."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.cli.terminal import safe
from mozu.core.common.own_file import write_own
from mozu.core.errors import MozuError
from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.outcome import OutcomeKind, TestOutcome
from mozu.core.rule_tests.reader import SOURCES
from mozu.core.rule_tests.report import coverage_summary, outcome_lines, summary, uncovered_lines
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.daemon_log import set_up
from mozu.core.runtime.registry import Registry

_BAD: Final = frozenset({OutcomeKind.FAILED, OutcomeKind.ERROR})


@click.command(
    epilog="""\b
Examples:
  mozu test                              every *_test.yaml in this directory and below
  mozu test rules/web_test.yaml -k shell only tests whose name holds `shell`
  mozu test rules --coverage             and which arms of conditions no test has seen
  mozu test rules --min-coverage 95 --junit report.xml
  mozu test rules --watch                again after each change
  mozu test my_test.yaml -r /etc/falco/falco_rules.yaml -r my_rules.yaml

Exit code 1: a test failed or could not be run, or less is covered than --min-coverage asks for. Tests that this
machine cannot run (an act under eBPF without its privileges) are skipped, and said to be."""
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "-r", "--rules", multiple=True, metavar="PATH",
    help="A rule file, or a directory of them, instead of those that test files are about. May be repeated.",
)
@click.option(
    "-k", "pattern", default="", metavar="TEXT", help="Only tests whose name holds TEXT; `*` stands for any text."
)
@click.option(
    "--coverage", "show_coverage", is_flag=True, help="List the arms of conditions that were not seen true and false."
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail where fewer of the arms were seen true and false.",
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write JUnit XML to this file."
)
@click.option(
    "--under",
    type=click.Choice(SOURCES),
    default=SOURCES[0],
    show_default=True,
    help="What acts run under that do not say.",
)
@click.option("--watch", is_flag=True, help="Run again whenever a test or rule file changes, until interrupted.")
@options.config_file
@options.plugin_list
@options.verbose
def command(
    paths: tuple[Path, ...],
    rules: tuple[str, ...],
    pattern: str,
    show_coverage: bool,
    min_coverage: float | None,
    junit: Path | None,
    under: str,
    watch: bool,
    path: Path | None,
    plugins: tuple[str, ...],
    verbose: bool,
) -> int:
    """Run the tests of rules: files *_test.yaml, by default those in this directory and below."""
    set_up(LogSettings(level="debug" if verbose else "error"))
    from mozu.core.rule_tests.live_run import LiveRun
    from mozu.core.rule_tests.plugins import builtin_plugins_and, fields_of
    from mozu.core.rule_tests.suite import Plan, Suite, find

    def registry() -> Registry:
        return builtin_plugins_and(plugins) if path is None else known_plugins(path, options.as_overrides(plugins))

    fields, live = fields_of(registry()), LiveRun(registry)
    plan = Plan(rules, under, pattern)

    def run() -> tuple[int, set[Path]]:
        suite = Suite(fields, live, plan)
        began, outcomes = time.perf_counter(), list[TestOutcome]()
        files = find(paths or (Path(),))
        for outcome in suite.run(files):
            outcomes.append(outcome)
            for line in outcome_lines(outcome):
                click.echo(safe(line))
        _report(outcomes, suite.coverage, time.perf_counter() - began, show_coverage=show_coverage)
        if junit is not None:
            _write(junit, outcomes, suite.coverage)
        return _code(outcomes, suite.coverage, min_coverage), {*files, *suite.files}

    if watch:
        from mozu.core.cli.repeated import repeat

        return repeat(run, paths or (Path(),))
    return run()[0]


def _report(outcomes: Sequence[TestOutcome], coverage: Coverage, seconds: float, *, show_coverage: bool) -> None:
    if show_coverage:
        for line in uncovered_lines(coverage):
            click.echo(safe(line))
    click.echo(summary(outcomes, seconds))
    if coverage.rules:
        click.echo(coverage_summary(coverage))


def _code(outcomes: Sequence[TestOutcome], coverage: Coverage, least: float | None) -> int:
    if not outcomes:
        click.echo("mozu: no tests were found; they are in files whose names end with _test.yaml", err=True)
        return 1
    if least is not None and coverage.percent < least:
        text = f"{coverage.percent:.1f} % of the arms are covered, and --min-coverage asks for {least:g} %"
        click.echo(f"mozu: {text}", err=True)
        return 1
    return int(any(outcome.kind in _BAD for outcome in outcomes))


def _write(file: Path, outcomes: Sequence[TestOutcome], coverage: Coverage) -> None:
    from mozu.core.rule_tests.junit import junit

    try:
        write_own(file, junit(outcomes, coverage).encode())
    except OSError as error:
        raise MozuError(f"{file} cannot be written: {error.strerror}") from error
