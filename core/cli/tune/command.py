"""The command `mozu tune`."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from getpass import getuser
from pathlib import Path
from typing import BinaryIO, Final

import click

from mozu.core.cli import options
from mozu.core.cli.alert_documents import alert_documents
from mozu.core.cli.known import known_fields, known_plugins
from mozu.core.cli.local_rules import LOCAL, LocalRules, write_whole
from mozu.core.cli.rules_in_force import ConfiguredRules, configured_rules
from mozu.core.cli.terminal import safe, table, width
from mozu.core.cli.tune.alerts import TunedAlert, of_rule
from mozu.core.cli.tune.effects import Positives
from mozu.core.cli.tune.proof import obstacles
from mozu.core.cli.tune.proposals import Patterns, Proposal, Variety, proposals
from mozu.core.cli.tune.sample import Samples
from mozu.core.cli.tune.writing import Review, exception_items, test_file, test_header, test_items
from mozu.core.errors import MozuError, RulesError
from mozu.core.language.rules import Rule
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.configure import configure
from mozu.core.runtime.daemon_log import set_up

_DAYS: Final = 90
"""Days until an exception expires, by default."""
_RULES: Final = 10
"""Rules that are listed."""
_LONGEST: Final = 60


@click.command(
    epilog="""\b
Examples:
  mozu tune alerts.jsonl                     the rules that raise most of these alerts
  mozu tune alerts.jsonl --rule "Tool run"   its fields, and exceptions, narrowest first, with what each would silence
  mozu tune alerts.jsonl --rule "Tool run" --accept 2 --reason "our backup" --expires 2027-03-31
  mozu tune --spool siem                     alerts that wait in a spool
  mozu spool peek siem --dead | mozu tune -  alerts of another program

Exit code 1: there is no alert, or the exception would silence a test or recording (`--despite-tests`)."""
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--spool", "sink", metavar="SINK", help="Read the alerts that wait in the spool of this sink.")
@click.option("-n", "most", default=100_000, show_default=True, help="Read at most so many alerts.")
@click.option("--rule", "name", metavar="RULE", help="Propose exceptions for this rule.")
@click.option("--recording", "recordings", multiple=True, metavar="FILE",
    type=click.Path(path_type=Path),
    help="A recording whose alerts must stay, such as one of an attack. May be repeated.",
)  # fmt: skip
@click.option("--accept", "number", type=click.IntRange(1), metavar="NUMBER", help="Write this proposal.")
@click.option("--reason", metavar="TEXT", help="Why the alerts are no cause for concern; --accept needs it.")
@click.option("--author", metavar="NAME", help="Who decides it; by default the user.")
@click.option("--expires", metavar="DAY|never", help=f"The last day, by default {_DAYS} days from now.")
@click.option("--despite-tests", is_flag=True, help="Write it although it silences tests or recordings.")
@click.option(
    "--to", "local", type=click.Path(path_type=Path), default=LOCAL, show_default=True, metavar="FILE",
    help="The rule file to write; the configuration loads it. Tests go into FILE_test.yaml beside it.",
)  # fmt: skip
@options.configuration
@options.rules
@options.verbose
def command(
    files: tuple[Path, ...],
    sink: str | None,
    most: int,
    name: str | None,
    recordings: tuple[Path, ...],
    number: int | None,
    reason: str | None,
    author: str | None,
    expires: str | None,
    despite_tests: bool,
    local: Path,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    verbose: bool,
) -> int:
    """Find the rules that raise most alerts, and silence what is known to be harmless by exceptions that are tested and
    that expire."""
    set_up(LogSettings(level="debug" if verbose else "error"))
    if (number is None) != (reason is None) or (number is not None and name is None):
        raise click.UsageError("--accept needs --rule and --reason, and --reason needs --accept")
    review = None if reason is None else _review(reason, author, expires)
    alerts = _alerts(files, sink, most, path, overrides)
    if name is None:
        _show_rules(alerts)
        return 0
    config, registry = configure(path, overrides, rules=rules)
    configured, rule = _rule(configured_rules(config, registry, known_fields(registry)), name)
    of_rule = [alert for alert in alerts if alert.rule == name]
    if not of_rule:
        raise MozuError(f"none of the {len(alerts)} alerts is of the rule {name!r}")
    live = LiveRun(partial(known_plugins, path, overrides))
    positives = Positives(configured, rule, live)
    for recording in recordings:
        positives.add_recording(recording, f"the recording {recording}")
    patterns = Patterns(of_rule)
    found = proposals(of_rule, patterns)
    silenced = [positives.silenced_by(one) for one in found]
    if number is None or review is None:
        _show_rule(len(of_rule), patterns.varieties(), found, silenced)
        _show_untried(positives)
        return 0
    if number > len(found):
        raise click.UsageError(f"there are {len(found)} proposals for the rule {name!r}, not {number}")
    if silenced[number - 1] and not despite_tests:
        raise MozuError(f"proposal {number} would silence {'; '.join(silenced[number - 1])}; --despite-tests writes it")
    _write(LocalRules(configured, local), configured, rule, found[number - 1], of_rule, positives, review, live)
    return 0


def _review(reason: str, author: str | None, expires: str | None) -> Review:
    today = date.today()
    try:
        last = today + timedelta(_DAYS) if expires is None else _day(expires)
    except ValueError:
        raise click.UsageError(f"--expires {expires!r} is no day; write it as 2027-03-31, or `never`") from None
    return Review(author or os.environ.get("SUDO_USER") or getuser(), today, reason, last)


def _day(text: str) -> date | None:
    return None if text == "never" else date.fromisoformat(text)


def _alerts(
    files: Iterable[Path], sink: str | None, most: int, path: Path | None, overrides: Sequence[str]
) -> list[TunedAlert]:
    """Return the alerts of all files and the spool. Raises MozuError if there is none."""
    found: list[TunedAlert] = []
    other = 0
    for document in alert_documents(files, sink, most, path, overrides):
        alert = None if document is None else of_rule(document)
        if alert is None:
            other += 1
        else:
            found.append(alert)
    if other:
        click.echo(f"mozu: {other} lines are no alerts of rules in the format json, and do not count", err=True)
    if not found:
        raise MozuError("there are no alerts of rules; name a file of alerts in the format json, `-` or --spool SINK")
    return found


def _opened(file: Path) -> BinaryIO:
    try:
        return sys.stdin.buffer if str(file) == "-" else file.open("rb")
    except OSError as error:
        raise MozuError(f"{file} cannot be read: {error.strerror}") from error


def _rule(loads: Sequence[ConfiguredRules], name: str) -> tuple[ConfiguredRules, Rule]:
    for one in loads:
        if not one.loaded.ok:
            raise RulesError(one.loaded.report.refusal())
        rule = one.loaded.rules.rule(name)
        if rule is not None:
            return one, rule
    known = [rule.name for one in loads for rule in one.loaded.rules.rules]
    raise click.UsageError(f"no rule is called {name!r}{suggestion(name, known)}")


def _show_rules(alerts: Sequence[TunedAlert]) -> None:
    counts = Counter(alert.rule for alert in alerts)
    rows = [(name, str(count), f"{count / len(alerts):.0%}") for name, count in counts.most_common(_RULES)]
    click.echo(table(("RULE", "ALERTS", "SHARE"), rows, width()))
    click.echo(f"\n{len(alerts)} alerts of {len(counts)} rules; `--rule RULE` proposes exceptions")


def _show_rule(
    alerts: int,
    fields: Sequence[Variety],
    found: Sequence[Proposal],
    silenced: Sequence[Sequence[str]],
) -> None:
    rows = []
    for about in fields:
        kind = "stable" if about.share == 1 else f"{about.values} values"
        rows.append((about.field, kind, f"{about.share:.0%}", about.commonest[:_LONGEST]))
    click.echo(table(("FIELD", "", "SHARE", "COMMONEST"), rows, width()))
    for number, (proposal, names) in enumerate(zip(found, silenced, strict=True), 1):
        click.echo(f"\n{number}. silences {proposal.silenced} of {alerts} alerts")
        for field, comp, text in proposal.tests:
            click.echo(safe(f"   {field} {comp} {text}"))
        for one in names:
            click.echo(safe(f"   ! it would silence {one}"))
    if not found:
        click.echo("\nno exception is proposed: the alerts have fewer than two fields that tell them from others")


def _show_untried(positives: Positives) -> None:
    if positives.untried:
        click.echo(f"not tried: {positives.untried} tests of the rule that run commands; `mozu test` runs them")


def _write(
    local: LocalRules,
    configured: ConfiguredRules,
    rule: Rule,
    proposal: Proposal,
    alerts: Sequence[TunedAlert],
    positives: Positives,
    review: Review,
    live: LiveRun,
) -> None:
    """Write the exception and its tests. Raises MozuError, with nothing written, if it cannot be tested."""
    name = _free_name(rule, review)
    items = exception_items(rule.name, name, proposal, review)
    after = local.loaded_with(items)
    changed = after.rules.rule(rule.name)
    if not after.ok or changed is None:
        raise RulesError(after.report.refusal())
    sample = Samples(rule, changed, configured.fields).find(proposal, alerts, positives.events)
    if sample is None:
        raise MozuError(
            f"the exception for the rule {rule.name!r} cannot be tested: neither an alert as printed nor an event of"
            " its tests with the alert's values is silenced by it alone; print more fields, or write a test that must"
            " match"
        )
    tests = test_file(local.file)
    try:
        before = tests.read_text(errors="surrogateescape")
    except FileNotFoundError:
        before = test_header(configured.settings.rules, local.file)
    except OSError as error:
        raise MozuError(f"{tests} cannot be read: {error.strerror}") from error
    after_tests = (before if before.endswith("\n") else f"{before}\n") + test_items(rule.name, name, sample)
    for reason in obstacles(local, items, after_tests, name, configured.fields, live):
        raise MozuError(f"nothing was written: the tests of the exception for the rule {rule.name!r} fail: {reason}")
    try:
        line = local.append(items)
        write_whole(tests, after_tests)
    except OSError as error:
        raise MozuError(f"{error.filename} cannot be written: {error.strerror}") from error
    click.echo(safe(f"{local.file}:{line}: the exception {name} of the rule {rule.name!r}; {tests}: two tests of it"))
    _show_untried(positives)
    click.echo("a running mozu follows at its next reload (SIGHUP)")


def _free_name(rule: Rule, review: Review) -> str:
    taken = {one.name for one in rule.exceptions}
    names: Callable[[int], str] = f"tuned_{review.today:%Y%m%d}_{{}}".format
    return next(name for number in range(1, len(taken) + 2) if (name := names(number)) not in taken)
