"""`mozu sources`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import orjson

from mozu.core.api.hookspecs import Capability
from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.cli.terminal import table, width
from mozu.core.runtime.config import Kind
from mozu.core.runtime.registry import Plugin

_GIVEN: Final = Capability("what it is given", seen=True, why="nothing of this machine is needed")


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
    sources = [plugin for plugin in registry.plugins() if plugin.kind == Kind.SOURCE]
    found = {plugin.declaration.name: _capabilities(plugin) for plugin in sources}
    if as_json:
        click.echo(orjson.dumps(_as_data(found), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(table(("SOURCE", "WHAT", "SEEN", "WHY"), _rows(found), width()))


def _capabilities(plugin: Plugin) -> Sequence[Capability]:
    look = plugin.declaration.capabilities
    return (_GIVEN,) if look is None else list(look())


def _rows(found: dict[str, Sequence[Capability]]) -> Iterator[Sequence[str]]:
    for name, capabilities in found.items():
        for capability in capabilities:
            yield name, capability.what, "yes" if capability.seen else "no", capability.why


def _as_data(found: dict[str, Sequence[Capability]]) -> dict[str, object]:
    return {
        "sources": [
            {
                "name": name,
                "capabilities": [{"what": one.what, "seen": one.seen, "why": one.why} for one in capabilities],
            }
            for name, capabilities in found.items()
        ]
    }
