"""`mozu sources`: what this machine lets each source see, and why not."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import orjson

from mozu.core.api import SourceDeclaration, Visibility
from mozu.core.api.declarations import AnySource
from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.cli.terminal import table, width

_GIVEN: Final = Visibility("what it is given", seen=True, why="nothing of this machine is needed")


@click.command(
    epilog="""\b
Examples:
  mozu sources            what this machine's kernel lets each source see, and why not
  mozu sources --json
  sudo mozu sources       as the user that mozu runs as: capabilities are this process's"""
)
@options.configuration
@options.as_json
@options.verbose
def command(path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool) -> None:
    """See what this machine lets mozu see, what not, and why. Nothing is started or attached."""
    registry = known_plugins(path, overrides)
    sources = [one.declaration for one in registry.plugins() if isinstance(one.declaration, SourceDeclaration)]
    found = {declaration.name: _visibility(declaration) for declaration in sources}
    if as_json:
        click.echo(orjson.dumps(_as_data(found), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(table(("SOURCE", "WHAT", "SEEN", "WHY"), _rows(found), width()))


def _visibility(declaration: AnySource) -> Sequence[Visibility]:
    return (_GIVEN,) if declaration.visibility is None else list(declaration.visibility())


def _rows(found: dict[str, Sequence[Visibility]]) -> Iterator[Sequence[str]]:
    for name, lines in found.items():
        for line in lines:
            yield name, line.what, "yes" if line.seen else "no", line.why


def _as_data(found: dict[str, Sequence[Visibility]]) -> dict[str, object]:
    return {
        "sources": [
            {"name": name, "visibility": [{"what": one.what, "seen": one.seen, "why": one.why} for one in lines]}
            for name, lines in found.items()
        ]
    }
