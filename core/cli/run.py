"""`mozu run`: the engine, until it is stopped."""

from functools import partial
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.common.alert_output import reserved
from mozu.core.runtime.configure import configure
from mozu.core.runtime.daemon_log import set_up


@click.command(
    epilog="""\b
Examples:
  mozu run                                    the configured sources, rules and sinks
  mozu run -r /etc/falco/falco_rules.yaml     other rules
  mozu run --json | jq .rule                  alerts as JSON, one a line
  mozu run --duration 60 --stats stats.json   one minute, then the counters as JSON
  mozu run --record monday.jsonl.gz           every event, for `mozu replay`
  mozu run -o sinks.stdout.format=json -o log.level=debug
  mozu run --check                            what would watch, and which capabilities that takes

Stop it with Ctrl-C: sources stop first, what is in flight is delivered, and the counters appear."""
)
@options.configuration
@options.rules
@options.alert_form
@click.option(
    "--duration", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop after this many seconds."
)
@click.option(
    "--check", is_flag=True, help="Start nothing: say which source would watch, and which capabilities are needed, "
    "which are missing, and what does not work without each. With --json as JSON."
)
@options.stats
@options.record
@options.verbose
def command(
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    color: str,
    record: Path | None,
    duration: float | None,
    check: bool,
    stats: Path | None,
    verbose: bool,
) -> int:
    """Watch, judge, and deliver alerts until stopped."""
    given = options.with_record(overrides, record)
    if verbose:
        given = (*given, "log.level=debug")
    form = options.stdout_form(color, as_json=as_json)
    read = partial(configure, path, given, rules=rules, form=None if check else form)
    with reserved():  # before plugins are imported, which may print
        config, registry = read()
        if not check:
            set_up(config.log)
            from mozu.core.runtime.engine import run  # once the configuration is known to be good: it takes a while

            return run(config, registry, duration=duration, stats=stats, announces=True, read=read)
    from mozu.core.cli.machine import report  # imports what few runs need

    return report(config, registry, as_json=as_json)
