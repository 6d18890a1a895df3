"""`mozu rules list`, `show`, `explain` and `schema`: rules as the files have them, and as compiled; their shape."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import click
import msgspec
import orjson

from mozu.core.cli import attack, options, promote, pushdown
from mozu.core.cli.impaired_rules import ImpairedRules
from mozu.core.cli.known import known_fields
from mozu.core.cli.rule_families import ENABLED, FamilyRow, family_rows
from mozu.core.cli.rules_artifact import commands as rules_artifact
from mozu.core.cli.rules_artifact import follow, push
from mozu.core.cli.rules_diff import command as rules_diff
from mozu.core.cli.rules_in_force import ConfiguredRules, IdleRule, configured_rules, rules_in_force
from mozu.core.cli.terminal import paragraph, safe, table, width
from mozu.core.errors import RulesError
from mozu.core.language.rules import ItemDescription, RulesDescription, describe_rules, rules_schema
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.config import Config
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.configure import configure
from mozu.core.runtime.registry import Registry

_LONGEST: Final = 30
"""Number of items from which on an explanation for people shortens a list."""


@click.group(no_args_is_help=True)
def command() -> None:
    """List rules, show, explain or promote one, compare two sets, map them to ATT&CK, print their JSON Schema, or
    exchange them with a registry."""


command.add_command(promote.command)
command.add_command(attack.command)
command.add_command(rules_diff.command)
command.add_command(rules_artifact.pull_command)
command.add_command(rules_artifact.verify_command)
command.add_command(rules_artifact.versions_command)
command.add_command(rules_artifact.rollback_command)
command.add_command(push.command)
command.add_command(follow.command)


@command.command(
    "list",
    epilog="""\b
Examples:
  mozu rules list                          the configured rules
  mozu rules list -r my_rules.yaml 'Read*' those whose name fits, of other files
  mozu rules list --tag T1003 --json
  mozu rules list --available              mozu's own rules that are installed, in use or not""",
)
@click.argument("pattern", required=False)
@click.option("--tag", metavar="TAG", help="Only rules with this tag.")
@click.option(
    "--available", is_flag=True, help="List mozu's own rules that are installed, by families, and which are in use."
)
@options.configuration
@options.rules
@options.as_json
@options.verbose
def list_command(
    pattern: str | None,
    tag: str | None,
    available: bool,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """List rules with priority, source and tags, and which of them do not run, or read what no enricher fills. PATTERN
    is a part of the name, or with * and ? the whole of it."""
    config, registry = configure(path, overrides, rules=rules)
    fields = known_fields(registry)
    if available:
        return _list_families(family_rows(config, registry, fields), as_json=as_json)
    listed = [
        (rule, mode)
        for rule, mode in _with_mode(config, registry, fields)
        if _fits(str(rule["info"]["name"]), pattern) and (tag is None or tag in _tags(rule["info"]))
    ]
    found = [rule for rule, _ in listed]
    impaired = ImpairedRules(config, registry, fields)
    if as_json:
        _print([{**rule["info"], **_running(mode), **impaired.about(rule)} for rule, mode in listed])
    elif found:
        rows = (_row(rule["info"], mode, is_impaired=bool(impaired.fields(rule))) for rule, mode in listed)
        click.echo(table(("RULE", "PRIORITY", "SOURCE", "TAGS"), rows, width()))
        for text in impaired.sentences(found):
            click.echo(f"\n{paragraph(f'impaired: {text}', width(), '  ')}")
    else:
        click.echo("mozu: no rule fits", err=True)
    return 0 if found else 1


@command.command(
    "show",
    epilog="""\b
Examples:
  mozu rules show "Scheduled job changed"
  mozu rules show shell_binaries           macros and lists too""",
)
@click.argument("name")
@options.configuration
@options.rules
@options.as_json
@options.verbose
def show_command(
    name: str,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> None:
    """Show a rule, macro, list or shared exception as the files have it, all appended parts included."""
    config, registry = configure(path, overrides, rules=rules)
    kind, item = _find(_described(_loaded(config, registry, known_fields(registry))), name)
    if as_json:
        _print({"kind": kind, **item["info"]})
        return
    info = item["info"]
    click.echo(f"{kind} {safe(name)}  ({safe(str(info['file']))}:{info['line']})")
    _sections({key: value for key, value in info.items() if key not in ("name", "file", "line")})


@command.command(
    "explain",
    epilog="""\b
Examples:
  mozu rules explain "Scheduled job changed"
  mozu rules explain open_read --json      macros and lists too""",
)
@click.argument("name")
@options.configuration
@options.rules
@options.as_json
@options.verbose
def explain_command(
    name: str,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> None:
    """Show how a rule, macro, list or shared exception is understood: resolved condition, event types, fields, what
    it demands, what sources can filter of it, and whether they could kill for it in the kernel. Long lists are
    shortened; --json has all of them."""
    config, registry = configure(path, overrides, rules=rules)
    fields = known_fields(registry)
    loads = _loaded(config, registry, fields)
    longest = None if as_json else _LONGEST
    kind, item = _find(_described(loads, longest), name)
    filters: pushdown.Filters = {}
    acts: tuple[tuple[str, str], ...] = (("kill", "undecided"), ("deny", "undenied"))
    if kind == "rule":
        rule = next(rule for one in loads for rule in one.loaded.rules.rules if rule.name == name)
        sources = [source for entry in config.sources for source, _ in registry.sources(entry)]
        filters = pushdown.of_rule(rule, fields, sources, longest)
        acts = acts if rule.correlation is None else ()
    filtered = {"filtered_by": filters} if kind == "rule" else {}
    if as_json:
        _print({"kind": kind, "info": item["info"], "details": item["details"], **filtered})
        return
    click.echo(f"{kind} {safe(name)}  ({safe(str(item['info']['file']))}:{item['info']['line']})")
    _sections(_shortened({**item["details"], **({"tags": item["info"]["tags"]} if kind == "rule" else {})}))
    _sections({f"filtered by {source}": "\n".join(pushdown.lines(types)) for source, types in filters.items()})
    for act, why in acts:
        lines = {name: "\n".join(pushdown.act_lines(types, why)) for name, types in filters.items()}
        _sections({f"{act} in the kernel by {name}": text for name, text in lines.items()})


def _loaded(config: Config, registry: Registry, fields: FieldRegistry) -> list[ConfiguredRules]:
    """Return the rules of every evaluator `falco`. Raises RulesError with the report of files that cannot be used."""
    loads = configured_rules(config, registry, fields)
    for one in loads:
        if not one.loaded.ok:
            raise RulesError(one.loaded.report.refusal())
    return loads


def _described(loads: Iterable[ConfiguredRules], longest: int | None = None) -> list[RulesDescription]:
    return [describe_rules(one.loaded, one.fields, longest) for one in loads]


def _find(described: Sequence[RulesDescription], name: str) -> tuple[str, ItemDescription]:
    """Return (kind, description) of a rule, else a macro, else a list, else a shared exception of this name."""
    sections = (
        ("rule", [item for one in described for item in one["rules"]]),
        ("macro", [item for one in described for item in one["macros"]]),
        ("list", [item for one in described for item in one["lists"]]),
        ("exception", [item for one in described for item in one["exceptions"]]),
    )
    for kind, items in sections:
        for item in items:
            if item["info"]["name"] == name:
                return kind, item
    names = [str(item["info"]["name"]) for _, items in sections for item in items]
    hint = suggestion(name, names) or "; `mozu rules list` lists the rules"
    raise click.UsageError(f"no rule, macro, list or shared exception is called {name!r}{hint}")


def _list_families(rows: Sequence[FamilyRow], *, as_json: bool) -> int:
    if as_json:
        _print(msgspec.to_builtins(rows))
        return 0
    shown = [(row.family, str(row.rules), "in use" if row.used else "not in use") for row in rows]
    click.echo(table(("FAMILY", "RULES", ""), shown, width()))
    left = [row for row in rows if not row.used]
    if left and ENABLED.is_dir():
        text = f"switch one on: ln -s ../rules.available/{left[0].family} {ENABLED}/ && systemctl reload mozu"
    else:
        text = f"switch one on: name {left[0].file} below `rules` of the evaluator `falco`" if left else ""
    if text:
        click.echo(f"\n{paragraph(text, width(), '  ')}")
    return 0


def _fits(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    return fnmatchcase(name, pattern) if any(mark in pattern for mark in "*?") else pattern in name


def _tags(info: JsonObject) -> list[str]:
    tags = info["tags"]
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


@command.command(
    "schema",
    epilog="""\b
Example:
  mozu rules schema > rules.schema.json
and as the first line of a rule file, for editors with a YAML language server:
  # yaml-language-server: $schema=rules.schema.json""",
)
@options.verbose
def schema_command(verbose: bool) -> None:
    """Print the JSON Schema of rule files: their keys, and what may stand there. Conditions are for `mozu check`."""
    _print(rules_schema())


class _Mode(msgspec.Struct, frozen=True):
    """How a rule runs."""

    idle: IdleRule | None
    """Reason why it does not run; None if it does."""
    shadow: bool
    """True for a rule that runs in shadow mode."""


def _with_mode(config: Config, registry: Registry, fields: FieldRegistry) -> Iterator[tuple[ItemDescription, _Mode]]:
    """Yield every rule and how it runs; running rules come first, in the order of trial."""
    for force in rules_in_force(config, registry, fields):
        described = dict(
            zip(force.loaded.rules.rules, describe_rules(force.loaded, force.fields)["rules"], strict=True)
        )
        idle = [rule for rule in described if force.idle(rule) is not None]
        for rule in (*force.running, *idle):
            reason = force.idle(rule)
            yield described[rule], _Mode(reason, reason is None and rule.name in force.shadow)


def _running(mode: _Mode) -> JsonObject:
    """Return the keys for one rule, of which `shadow` replaces the word of its files: a selection may differ."""
    if mode.idle is not None:
        return {"runs": False, "idle": mode.idle.text}
    return {"runs": True, "shadow": mode.shadow}


def _row(info: JsonObject, mode: _Mode, *, is_impaired: bool) -> tuple[str, ...]:
    name = f"{info['name']}" if mode.idle is None else f"{info['name']} ({mode.idle.label})"
    name += " (shadow)" if mode.shadow else ""
    name += " (impaired)" if is_impaired else ""
    return name, str(info["priority"]), str(info["source"]), " ".join(_tags(info))


def _sections(entries: JsonObject) -> None:
    """Print each key with its value below it, without empty values."""
    limit = width()
    for key, value in entries.items():
        text = _text(value)
        if text:
            lines = text.strip("\n").split("\n")
            click.echo(f"\n{key.replace('_', ' ')}\n" + "\n".join(paragraph(line, limit, "  ") for line in lines))


def _shortened(entries: JsonObject) -> JsonObject:
    """Return the entries with the beginning of a long list of items, and the number of the others."""
    items = entries.get("items_compiled")
    if not isinstance(items, list) or len(items) <= _LONGEST:
        return entries
    return {**entries, "items_compiled": [*items[:_LONGEST], f"… {len(items) - _LONGEST:,} more"]}


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)


def _print(data: Json) -> None:
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
