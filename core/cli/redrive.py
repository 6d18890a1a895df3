"""`mozu redrive`: puts dead letters back into the queue of their sink."""

import re
import time
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.spools import opened_spool, spooled_sinks
from mozu.core.cli.terminal import safe

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command(
    epilog="""\b
Examples:
  mozu redrive                   all dead letters of all sinks
  mozu redrive --sink siem --since 2h

A running mozu sends them within a second; otherwise the next run does. They keep their ids and get new numbers."""
)
@click.option("--sink", help="Only this sink.")
@click.option("--since", metavar="AGE", help="Only what was given up within this time: 30s, 10m, 2h, 7d.")
@options.configuration
@options.verbose
def command(
    sink: str | None, since: str | None, path: Path | None, overrides: tuple[str, ...], verbose: bool
) -> None:
    """Send dead letters again."""
    begin = 0 if since is None else time.time_ns() - _age(since) * 1_000_000_000
    for entry in spooled_sinks(path, overrides, sink):
        with opened_spool(entry) as opened:
            click.echo(f"{safe(entry.id)}: {opened.redrive(begin)} dead letters wait again")


def _age(text: str) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        raise click.UsageError(f"--since: {text!r} is not a number with s, m, h or d behind it (30s, 10m, 2h, 7d)")
    return int(match[1]) * _UNITS[match[2]]
