"""`mozu why`: the command line."""

import json
import logging
from pathlib import Path
from typing import Final
from uuid import UUID

import click
import orjson

from mozu.core.cli import options
from mozu.core.errors import MozuError
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.configure import configure
from mozu.core.runtime.daemon_log import set_up

_IDS: Final = (("uuid",), ("event", "id"), ("metadata", "uid"), ("id",))
"""Paths of the id in the formats of alerts."""


def _event(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Path, int | None] | None:
    """FILE or FILE:N; a file whose name ends so is that file."""
    if value is None:
        return None
    file, colon, number = value.rpartition(":")
    if colon and number.isascii() and number.isdigit() and not Path(value).exists():
        return Path(file), int(number)
    return Path(value), None


def _alert(context: click.Context, parameter: click.Parameter, value: str | None) -> UUID | None:
    """Return the id, given itself or in the alert as JSON, in a file or on the standard input."""
    if value is None:
        return None
    text = value
    if value == "-" or Path(value).is_file():
        with click.open_file(value, encoding="utf-8", errors="replace") as file:
            text = _id_of(file.readline())
    try:
        return UUID(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no id of an alert, nor a file with one as JSON") from None


def _id_of(line: str) -> str:
    """Return the id of an alert as JSON, in the formats that have one (docs/integrate/formats.md); else the text
    itself."""
    try:
        document = json.loads(line)
    except ValueError:
        return line.strip()
    for steps in _IDS:
        found = document
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found
    return ""


@click.command(
    epilog="""\b
Examples:
  mozu why "Password database read by an unexpected program" --event monday.jsonl.gz:4711
  mozu why "Password database read by an unexpected program" --event capture.scap   its matches, or what comes nearest
  mozu why "Password database read by an unexpected program" --act "cat /etc/shadow"
  mozu why "Password database read by an unexpected program" --act "cat /etc/hosts" --under ebpf
  mozu why --alert alert.json --event monday.jsonl.gz             the event and the rule of an alert
  mozu why my_rule -r my_rules.yaml --event capture.scap:12 --json

\b
N is the event's number, evt.num. In the tree `>` marks the clauses that decided.
Exit code 1: there is no such event, alert or rule."""
)
@click.argument("rule", required=False)
@click.option(
    "--event", callback=_event, metavar="FILE[:N]", help="Event N of a recording (mozu's own, .scap). Without N: every "
    "match, or the event that comes nearest.",
)
@click.option(
    "--alert", callback=_alert, metavar="ID",
    help="The event of an alert: its id, or a file with the alert as JSON (-: the standard input). Without --event it "
    "is looked for in the recordings that the configuration makes. Without RULE: the rule of the alert.",
)
@click.option("--act", metavar="COMMAND", help="Run this by the shell, traced, and look at what it does.")
@click.option(
    "--under", type=click.Choice(["ptrace", "ebpf"]), default="ptrace", show_default=True,
    help="What the command of --act runs under. ebpf (as root) also shows what the kernel filter discarded in fact.",
)
@options.configuration
@options.rules
@options.as_json
@options.verbose
def command(
    rule: str | None,
    event: tuple[Path, int | None] | None,
    alert: UUID | None,
    act: str | None,
    under: str,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Show why RULE matches an event, or not: each clause of its condition, whether it is true, and what it read; and
    why it was never asked, where that is so."""
    file, number = event or (None, None)
    _require(rule, event=event is not None, number=number is not None, alert=alert is not None, act=act is not None)
    set_up(LogSettings(level="debug" if verbose else "warning"))
    if not verbose:
        logging.getLogger("mozu.engine.delays").setLevel(logging.ERROR)  # nothing waits for this run
    config, registry = configure(path, overrides, rules=rules)
    from mozu.core.cli.why import run  # with the engine, which takes a while to import
    from mozu.core.cli.why.report import print_findings

    given = () if act is None else ("sh", "-c", act)
    question = run.Question(rule or "", file, number, alert, given, under)
    found = run.answer(question, config, registry)
    if not found.explanations:
        raise MozuError(run.nothing(question, found, config))
    if as_json:
        click.echo(orjson.dumps(found.as_dict(), option=orjson.OPT_INDENT_2))
    else:
        print_findings(found)
    return 0


def _require(rule: str | None, *, event: bool, number: bool, alert: bool, act: bool) -> None:
    if act and (event or alert):
        raise click.UsageError("give --act or --event and --alert, not both")
    if not (act or event or alert):
        raise click.UsageError("give the event: --event FILE[:N], --alert ID or --act COMMAND")
    if alert and number:
        raise click.UsageError("give --alert ID --event FILE without a number: the alert has it")
    if rule is None and not alert:
        raise click.UsageError("give the name of the RULE; only an alert has one of its own")
