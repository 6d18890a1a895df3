"""`mozu plugin new`: write a package that is a plugin of some kind."""

from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.plugin.scaffold import KINDS, NAME, files
from mozu.core.errors import MozuError
from mozu.core.runtime.builtin_plugins import BUILTINS


@click.group(name="plugin")
def command() -> None:
    """Begin a plugin of your own."""


def _name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if NAME.fullmatch(value) is None:
        raise click.BadParameter(f"{value!r} is no name: lower-case letters, digits and _, such as acme_geo")
    if any(value in table for table in BUILTINS.values()):
        raise click.BadParameter(f"mozu has a plugin {value!r} of its own")
    return value


@command.command(
    "new",
    epilog="""\b
Examples:
  mozu plugin new source nginx        makes mozu-nginx/: code, a test for each promise, CI, README
  mozu plugin new sink pager --into ~/src

\b
Then, in that folder:
  pip install -e '.[dev]' && ruff check . && mypy && pytest
  mozu plugins check nginx""",
)
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name", callback=_name)
@click.option(
    "--into", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("."), show_default=True,
    help="Where the folder is made.",
)
@options.verbose
def new(kind: str, name: str, into: Path, verbose: bool) -> None:
    """Write a plugin that works and whose tests pass: change it into yours."""
    folder = into / f"mozu-{name.replace('_', '-')}"
    if folder.exists():
        raise MozuError(f"{folder} is there already; take another name, or another folder with --into")
    try:
        for path, text in files(kind, name):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    except OSError as error:
        text = f"{error.filename} cannot be written: {error.strerror}; name another folder with --into"
        raise MozuError(text) from error
    click.echo(f"{folder} has a plugin that works, of the kind {kind}. Next:")
    last = "mozu test src" if kind == "rules" else f"mozu plugins check {name}"
    click.echo(f"  cd {folder} && pip install -e '.[dev]' && pytest && {last}")
