"""`mozu events`: the types of system calls and of what else the kernel reports, with their parameters."""

from fnmatch import fnmatchcase

import click
import orjson

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.cli import options
from mozu.core.cli.terminal import table, width
from mozu.core.model.syscalls import EventType, Param, event_types, flag_table
from mozu.core.model.value_types import Json, JsonObject

_KINDS = ("syscall", "tracepoint")


@click.command(
    epilog="""\b
Examples:
  mozu events                    every event type that `evt.type` may be
  mozu events open               those whose name contains `open`
  mozu events 'set*id'           those whose name fits the pattern
  mozu events --json

LIVE says whether mozu's own sources give it; what they do not comes from recordings only."""
)
@click.argument("pattern", required=False)
@options.as_json
@options.verbose
def command(pattern: str | None, as_json: bool, verbose: bool) -> int:
    """List the event types that rules may name in `evt.type`, with the parameters of `evt.arg`.

    PATTERN is a part of the name, or with * and ? a pattern for the whole of it.
    """
    found = [kind for _, kind in sorted(event_types().items()) if kind.kind in _KINDS and _fits(kind.name, pattern)]
    if as_json:
        click.echo(orjson.dumps([_as_data(kind) for kind in found], option=orjson.OPT_INDENT_2).decode())
    elif found:
        click.echo(table(("EVENT", "CATEGORY", "LIVE", "PARAMETERS"), map(_row, found), width()))
    else:
        click.echo("mozu: no event type fits", err=True)
    return 0 if found else 1


def _fits(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    is_pattern = any(character in pattern for character in "*?[")
    return fnmatchcase(name, pattern) if is_pattern else pattern in name


def _row(kind: EventType) -> tuple[str, str, str, str]:
    params = ", ".join(f"{param.name} ({param.type})" for param in kind.params)
    return kind.name, kind.category, "yes" if kind.name in SYSCALL_SPECS else "no", params


def _as_data(kind: EventType) -> JsonObject:
    params: list[Json] = [_param(param) for param in kind.params]
    return {
        "name": kind.name, "kind": kind.kind, "category": kind.category, "calls": list(kind.calls),
        "live": kind.name in SYSCALL_SPECS, "own_params": kind.own_params, "params": params,
    }  # fmt: skip


def _param(param: Param) -> JsonObject:
    names: list[Json] = [name for name, _ in flag_table(param.table)] if param.table else []
    return {"name": param.name, "type": param.type, **({"names": names} if names else {})}
