"""What `mozu run --check` prints: which source would watch, and the capabilities that the configuration uses."""

from collections.abc import Iterator, Sequence

import click
import orjson

from mozu.core.cli.terminal import safe, table, width
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config
from mozu.core.runtime.machine_check import MachineAnswer, SourceAnswer, check_machine
from mozu.core.runtime.registry import Registry


def report(config: Config, registry: Registry, *, as_json: bool) -> int:
    """Print it; 1 where a source cannot start, nor any that could take its place."""
    found = check_machine(config, registry)
    if as_json:
        click.echo(orjson.dumps(_as_data(found), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("\n".join(_as_text(found)))
    return 0 if found.can_start else 1


def _as_text(found: MachineAnswer) -> Iterator[str]:
    for name, alternatives in found.sources.items():
        yield from (safe(line) for line in _source_lines(name, alternatives))
    rows = [
        (one.privilege.capability, "yes" if one.held else "no", one.component, one.privilege.purpose,
         one.privilege.without)
        for one in found.privileges
    ]  # fmt: skip
    if rows:
        yield ""
        yield table(("CAPABILITY", "HELD", "USED BY", "TO", "WITHOUT IT"), rows, width())
    else:
        yield "No capability is needed."


def _source_lines(name: str, alternatives: Sequence[SourceAnswer]) -> Iterator[str]:
    for one in alternatives:
        title = f"source {name}" + ("" if one.plugin == name else f": {one.plugin}")
        if one.problem is None:
            yield f"{title} can start"
            return
        yield f"{title} cannot start: {one.problem}"


def _as_data(found: MachineAnswer) -> JsonObject:
    return {
        "can_start": found.can_start,
        "sources": [
            {"id": name, "alternatives": [{"plugin": one.plugin, "problem": one.problem} for one in alternatives]}
            for name, alternatives in found.sources.items()
        ],
        "capabilities": [
            {
                "capability": one.privilege.capability,
                "held": one.held,
                "component": one.component,
                "required": one.privilege.required,
                "purpose": one.privilege.purpose,
                "without": one.privilege.without,
            }
            for one in found.privileges
        ],
    }
