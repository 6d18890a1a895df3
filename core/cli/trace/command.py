"""`mozu trace`: the command line, and the exit code of the traced command."""

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Final

import click

from mozu.core.cli import options
from mozu.core.cli.terminal import safe
from mozu.core.common.alert_output import reserved
from mozu.core.common.own_file import write_own
from mozu.core.errors import ConfigError, MozuError
from mozu.core.language.rules import priority, priority_names
from mozu.core.model.alert import Severity
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.daemon_log import set_up

OWN_FAILURE: Final = 125
_SIGNALLED: Final = 128
_FORMATS: Final = ("junit", "sarif", "json", "html")


class _Misused(click.UsageError):
    exit_code = OWN_FAILURE


class _Command(click.Command):
    """A command whose own failures exit with 125, like those of timeout(1) and env(1)."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            raise _Misused(error.format_message(), error.ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo("\n".join(map(safe, error.problems)), err=True)
        except MozuError as error:
            click.echo(f"mozu: {safe(str(error), keep_lines=True)}", err=True)
        except Exception as error:  # noqa: BLE001 - top of a command whose exit code has a meaning
            if ctx.params.get("verbose"):
                traceback.print_exception(error, file=sys.stderr)
            click.echo(f"mozu: internal fault: {type(error).__name__}: {safe(str(error))}", err=True)
        return OWN_FAILURE


def _reports(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> list[tuple[str, Path]]:
    found = []
    for text in value:
        form, colon, path = text.partition(":")
        if form not in _FORMATS or not colon or not path:
            raise click.BadParameter(f"{text!r} is not FORMAT:FILE with one of the formats {', '.join(_FORMATS)}")
        found.append((form, Path(path)))
    return found


def _priority(context: click.Context, parameter: click.Parameter, value: str | None) -> Severity | None:
    """Return a priority in any spelling that rules use. Raises BadParameter."""
    found = None if value is None else priority(value)
    if value is not None and found is None:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(priority_names())}")
    return found


@click.command(
    cls=_Command,
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  mozu trace -- make test                         the rules for builds and tests, alerts on stderr
  mozu trace --fail-on warning -- make test       exit code 120 where one is raised
  mozu trace --report junit:mozu.xml -- pytest    alerts into a report
  mozu trace --learn allow.yaml -- make           what does this build do?
  mozu trace --allow allow.yaml -- make           what does it do that it did not do then?
  mozu trace --allow allow.yaml --deny -- make    what it did not do then, it cannot do
  mozu trace -c mozu.yaml -- make test            enrichers, evaluators and plugins of this file

\b
Exit code: the command's own; 128 and the signal that ended it; with --fail-on the code given by
--fail-code where an alert was raised; 125 where mozu itself failed, 126 where the command cannot be
run, 127 where it is not found. No privilege is needed.""",
)
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
@options.rules
@click.option(
    "--fail-on", callback=_priority, metavar="PRIORITY",
    help="Fail where an alert of this priority or above was raised.",
)
@click.option(
    "--fail-code", type=click.IntRange(1, 255), default=120, show_default=True, metavar="N",
    help="The exit code of such a failure.",
)
@click.option(
    "--report", "reports", multiple=True, callback=_reports, metavar="FORMAT:FILE",
    help="Write junit, sarif, json or html to a file instead of alerts to stderr. May be repeated.",
)
@click.option(
    "--learn", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write what the command did as an allow-list. Without -r no rules run.",
)
@click.option(
    "--allow", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Raise an alert for whatever this allow-list does not have. Without -r no rules run.",
)
@click.option(
    "--deny", is_flag=True,
    help="Calls that a rule with the response `deny` matches, and what --allow does not have, fail with EPERM.",
)
@options.config_file
@options.plugin_list
@options.record
@options.verbose
def command(
    command: tuple[str, ...],
    rules: tuple[str, ...],
    fail_on: Severity | None,
    fail_code: int,
    reports: list[tuple[str, Path]],
    learn: Path | None,
    allow: Path | None,
    deny: bool,
    path: Path | None,
    plugins: tuple[str, ...],
    record: Path | None,
    verbose: bool,
) -> int:
    """Run a command under rules: what its programs do is watched by tracing them."""
    set_up(LogSettings(level="debug" if verbose else "warning"))
    if not verbose:
        logging.getLogger("mozu.engine.delays").setLevel(logging.ERROR)  # the command waits, and nothing is lost
    from mozu.core.cli.trace import report as trace_report  # takes a while to import
    from mozu.core.cli.trace import run as trace_run
    from mozu.core.cli.trace.profile import read_list
    from mozu.core.delivery.encode.product import version

    allowed = None if allow is None else read_list(allow)
    standard = () if learn or allow or path else (trace_run.build_rules(),)
    plan = trace_run.TracePlan(
        command=command, rules=rules or standard, allowed=allowed, learning=learn is not None, deny=deny,
        show=not reports, record=record, path=path, plugins=plugins,
    )  # fmt: skip
    tree = os.getcwd()
    with reserved(for_command=True):
        result = trace_run.run(plan)
    if result is None:
        return OWN_FAILURE
    code = exit_code(result.status)
    if not result.started:
        return code
    outcome = trace_report.TraceOutcome(
        command, tree, code, result.seconds, result.rules, result.alerts, version(), result.hostname, result.began
    )
    trace_report.write(outcome, reports)
    if learn is not None and result.profile is not None:
        _write(learn, result.profile.text(command))
    most = trace_run.worst(result.alerts)
    if reports and result.alerts:
        names = ", ".join(str(path) for _, path in reports)
        click.echo(f"mozu: {len(result.alerts)} alerts; see {names}", err=True)
    return code if fail_on is None or most is None or most > fail_on else fail_code


def exit_code(status: int) -> int:
    """Return the exit code of a wait status as a shell does: the command's own, or 128 plus the signal's number."""
    return _SIGNALLED + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _write(path: Path, text: str) -> None:
    try:
        write_own(path, text.encode())
    except OSError as error:
        raise MozuError(f"the allow-list {path} cannot be written: {error.strerror}") from error
