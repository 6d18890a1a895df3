"""The output of `mozu run --check`: which source would watch, for which rules the kernel would kill, and the
capabilities that the configuration uses."""

from collections.abc import Iterator, Sequence

import click
import orjson

from mozu.core.cli.check_warnings import logged_warnings
from mozu.core.cli.known import known_fields
from mozu.core.cli.terminal import safe, table, width
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config
from mozu.core.runtime.machine_check import KillAnswer, MachineAnswer, SourceAnswer, check_machine
from mozu.core.runtime.preflight import Finding, built_parts
from mozu.core.runtime.registry import Registry


def report(config: Config, registry: Registry, *, as_json: bool) -> int:
    """Print the report; return 1 if a source and all its alternatives cannot start, else 0."""
    fields = known_fields(registry)
    found = check_machine(config, registry, fields)
    with logged_warnings():  # what components say when they are built: `mozu check` shows it
        start, findings = built_parts(config, registry, fields)
        findings += start.findings(beside_itself=True)
    if as_json:
        click.echo(orjson.dumps(_as_data(found, findings), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("\n".join(_as_text(found, findings)))
    return 0 if _can_start(found, findings) else 1


def _can_start(found: MachineAnswer, findings: Sequence[Finding]) -> bool:
    return found.can_start and not any(one.obstacle.refuses for one in findings)


def _as_text(found: MachineAnswer, findings: Sequence[Finding]) -> Iterator[str]:
    for name, alternatives in found.sources.items():
        yield from (safe(line) for line in _source_lines(name, alternatives))
    yield from (safe(_kill_line(one)) for one in found.kills)
    yield from (safe(f"{'mozu would not start' if one.obstacle.refuses else 'warning'}: {one}") for one in findings)
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


def _kill_line(one: KillAnswer) -> str:
    title = f"responder {one.responder}: {one.rule!r}"
    if one.action == "deny":
        denied = f"the kernel denies {', '.join(one.types)}"
        return f"{title}: {f'nothing is denied: {one.reason}' if one.reason else denied}"
    if not one.types:
        return f"{title}: mozu kills, not the kernel: {one.reason}"
    at = f"{title}: the kernel kills at {', '.join(one.types)}"
    return at if not one.reason else f"{at}; mozu does at others: {one.reason}"


def _as_data(found: MachineAnswer, findings: Sequence[Finding]) -> JsonObject:
    return {
        "can_start": _can_start(found, findings),
        "obstacles": [
            {"subject": one.subject, "reason": one.obstacle.reason, "refuses": one.obstacle.refuses}
            for one in findings
        ],
        "sources": [
            {"id": name, "alternatives": [{"plugin": one.plugin, "problem": one.problem} for one in alternatives]}
            for name, alternatives in found.sources.items()
        ],
        "kernel_kills": [
            {
                "responder": one.responder, "rule": one.rule, "action": one.action, "types": list(one.types),
                "reason": one.reason,
            }
            for one in found.kills
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
