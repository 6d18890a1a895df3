"""`mozu import`: converts a configuration of Falco, and of falcosidekick, with an account of every key."""

import os
from collections import Counter
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.terminal import safe, table, width
from mozu.core.runtime.falco_import.importing import Imported, import_falco


@click.command(
    epilog="""\b
Examples:
  mozu import /etc/falco/falco.yaml -o mozu.yaml
  mozu import falco.yaml --sidekick sidekick.yaml -o mozu.yaml && mozu check -c mozu.yaml
  mozu import falco.yaml               print it, and say on stderr what became of each key

Exit code 1: a file cannot be read. 2: there are keys that neither Falco nor falcosidekick has, or none of the rule
files exists here."""
)
@click.argument("falco", type=click.Path(path_type=Path), metavar="FALCO.YAML")
@click.option("--sidekick", type=click.Path(path_type=Path), metavar="FILE", help="falcosidekick's configuration.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where mozu's goes, for its owner alone; a file that exists is not replaced. By default the standard output.",
)
@options.verbose
def command(falco: Path, sidekick: Path | None, output: Path | None, verbose: bool) -> int:
    """Translate a configuration of Falco, and say of every key what became of it."""
    found = import_falco(falco, sidekick)
    if output is None:
        click.echo(found.yaml(), nl=False)
    else:
        _write(output, found.yaml())
    click.echo(_account(found), err=True)
    return 2 if not found.has_rules or any(fate.verdict == "unknown" for _, fate in found.fates) else 0


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{path} exists already; name another file, or remove it") from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _account(found: Imported) -> str:
    rows = [(fate.key, fate.verdict, fate.text) for _, fate in found.fates]
    counts = Counter(verdict for _, verdict, _ in rows)
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    notes = [f"! {safe(note)}" for note in found.notes]
    heads = ("key", "", "what becomes of it")
    return "\n".join([table(heads, rows, width()), "", f"{len(rows)} keys: {summary}", *notes])
