"""`mozu sources`: what each source can see on this machine, and why it cannot see the rest."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
import orjson

from mozu.core.api import DataEventType, SourceDeclaration, Visibility
from mozu.core.api.declarations import AnySource
from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.cli.terminal import table, width

_GIVEN: Final = Visibility("what it is given", seen=True, why="nothing of this machine is needed")


@click.command(
    epilog="""\b
Examples:
  mozu sources            what this machine's kernel lets each source see, and why not
  mozu sources -p nginx   with what the plugin nginx brings: types of its events, and their versions
  mozu sources --json     the JSON Schema of such events, too
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
        click.echo(orjson.dumps(_as_data(sources, found), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(table(("SOURCE", "WHAT", "SEEN", "WHY"), _rows(found), width()))
        own = [(one.event_source, event.name, str(event.version), event.doc) for one in sources for event in one.events]
        if own:
            click.echo("\n" + table(("EVENT SOURCE", "TYPE", "VERSION", "MEANING"), own, width()))


def _visibility(declaration: AnySource) -> Sequence[Visibility]:
    return (_GIVEN,) if declaration.visibility is None else list(declaration.visibility())


def _rows(found: dict[str, Sequence[Visibility]]) -> Iterator[Sequence[str]]:
    for name, lines in found.items():
        for line in lines:
            yield name, line.what, "yes" if line.seen else "no", line.why


def _as_data(sources: Sequence[AnySource], found: dict[str, Sequence[Visibility]]) -> dict[str, object]:
    return {
        "sources": [
            {
                "name": one.name,
                "event_source": one.event_source,
                "visibility": [{"what": line.what, "seen": line.seen, "why": line.why} for line in found[one.name]],
                "events": [_event(event) for event in one.events],
            }
            for one in sources
        ]
    }


def _event(event: DataEventType) -> dict[str, object]:
    schema = None if event.data is None else msgspec.json.schema(event.data)
    return {"type": event.name, "version": event.version, "description": event.doc, "data": schema}
