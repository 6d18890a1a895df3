"""`mozu spool`: alerts that wait on disk, and dead letters."""

from pathlib import Path

import click
import orjson

from mozu.core.cli import options
from mozu.core.cli.spools import opened_spool, spooled_sinks
from mozu.core.cli.terminal import table, width
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.packed_alert import unpack
from mozu.core.model.value_types import JsonObject


@click.group(name="spool")
def command() -> None:
    """Look into the spools of the configured sinks; mozu may be running."""


@command.command(
    epilog="""\b
Examples:
  mozu spool status              every sink that has a spool
  mozu spool status --json"""
)
@options.configuration
@options.as_json
@options.verbose
def status(path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool) -> None:
    """Show how much waits, which numbers were assigned, and how many dead letters there are."""
    rows: list[JsonObject] = []
    for entry in spooled_sinks(path, overrides, None):
        with opened_spool(entry) as opened:
            found = opened.status()
            rows.append({"sink": entry.id, **{name: getattr(found, name) for name in found.__struct_fields__}})
    if as_json:
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    heads = ("SINK", "WAITING", "OLDEST", "LAST", "DEAD", "BYTES", "EPOCH")
    keys = ("sink", "waiting", "oldest", "last", "dead", "bytes", "epoch")
    click.echo(table(heads, [tuple(str(row[key]) for key in keys) for row in rows], width()))


@command.command(
    epilog="""\b
Examples:
  mozu spool peek siem           the first ten alerts that wait for the sink siem, as JSON lines
  mozu spool peek siem --dead    its dead letters, each with its reason"""
)
@click.argument("sink")
@click.option("--dead", is_flag=True, help="Dead letters instead of what waits.")
@click.option("-n", "most", default=10, show_default=True, help="At most so many.")
@options.configuration
@options.verbose
def peek(
    sink: str, dead: bool, most: int, path: Path | None, overrides: tuple[str, ...], verbose: bool
) -> None:
    """Print what waits for a sink, or could not be delivered to it; nothing is changed."""
    encoder = FalcoJson()
    for entry in spooled_sinks(path, overrides, sink):
        with opened_spool(entry) as opened:
            if not dead:
                for number, alert in opened.peek(most):
                    _line({"sequence": number, "alert": encoder.document(unpack(alert))})
                continue
            for letter in opened.dead(most=most):
                about: JsonObject = {"sequence": letter.sequence, "attempts": letter.attempts, "reason": letter.reason}
                _line({**about, "time": letter.time, "alert": encoder.document(letter.alert)})


def _line(document: JsonObject) -> None:
    click.echo(orjson.dumps(document).decode())
