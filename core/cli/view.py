"""`mozu view`: alerts as a page for a browser."""

from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.alert_documents import alert_documents
from mozu.core.cli.alert_page import alert_page
from mozu.core.common.own_file import write_own
from mozu.core.errors import MozuError
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.daemon_log import set_up


@click.command(
    epilog="""\b
Examples:
  mozu view --export page.html alerts.jsonl           what a sink of the format json has written
  mozu view --export page.html --spool siem           alerts that wait in a spool
  mozu replay monday.scap --json | mozu view --export page.html -
  mozu trace --report html:page.html -- make test     the same page of a build

The page needs no server and loads nothing from elsewhere. It holds what the alerts say, so send it to whom you would
send them.

Exit code 1: there is no alert, or the page cannot be written."""
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--export", "page", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Write this page."
)
@click.option("--spool", "sink", metavar="SINK", help="Read the alerts that wait in the spool of this sink.")
@click.option("-n", "most", default=100_000, show_default=True, help="Read at most so many alerts.")
@options.configuration
@options.verbose
def command(
    files: tuple[Path, ...], page: Path, sink: str | None, most: int, path: Path | None, overrides: tuple[str, ...],
    verbose: bool,
) -> int:  # fmt: skip
    """Write alerts into one page, with filters, the story of each alert and what to ask about it."""
    set_up(LogSettings(level="debug" if verbose else "error"))
    if not files and sink is None:
        raise click.UsageError("name a file of alerts in the format json, `-` for the standard input, or --spool SINK")
    found = list(alert_documents(files, sink, most, path, overrides))
    alerts = [document for document in found if document is not None]
    if other := len(found) - len(alerts):
        click.echo(f"mozu: {other} lines are no alerts in the format json, and are not shown", err=True)
    if not alerts:
        raise MozuError("there are no alerts in the format json")
    try:
        write_own(page, alert_page(alerts))
    except OSError as error:
        raise MozuError(f"the page {page} cannot be written: {error.strerror}") from error
    click.echo(f"{page}: {len(alerts)} alerts")
    return 0
