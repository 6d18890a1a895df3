"""`mozu responders`: responses in force and their undoing, the kill switch, the audit log."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from mozu.core.api import Context, ResponderDeclaration
from mozu.core.api.state_directory import state_path
from mozu.core.cli import options
from mozu.core.cli.terminal import safe
from mozu.core.common.owner_identity import owner_identity
from mozu.core.errors import MozuError
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.respond.act_records import AUDIT_FILE
from mozu.core.respond.audit_log import ActStage, AuditEntry, AuditLog
from mozu.core.respond.kernel_pins import has_pins, pins_of, remove_pins
from mozu.core.respond.kill_switch import KillSwitch
from mozu.core.respond.lasting_acts import undo
from mozu.core.respond.responses import OFF_FILE
from mozu.core.respond.standing import StandingActs
from mozu.core.runtime.config import Config
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.configure import configure
from mozu.core.runtime.daemon_log import set_up
from mozu.core.runtime.hosting.threads import on_thread
from mozu.core.runtime.loop import run
from mozu.core.runtime.registry import Registry


@click.group(name="responders")
def command() -> None:
    """See what was done about alerts, undo it, or switch it off."""


@command.command(name="list")
@click.option("--log", "whole", is_flag=True, help="The whole audit log, not only the acts that last.")
@options.configuration
@options.verbose
def list_acts(whole: bool, path: Path | None, overrides: tuple[str, ...], verbose: bool) -> int:
    """List the acts that last; with --log everything that was done or not done.

    Exit code 1: a line of the audit log was changed or taken out.
    """
    config, _ = configure(path, overrides)
    if KillSwitch(config.core.state_dir / OFF_FILE).is_off:
        click.echo("responses are switched off")
    if has_pins(pins_of(config.core.state_dir)):
        click.echo("the kernel's kills and denials go on when mozu is killed; `mozu responders off` ends them")
    with_log = _log_of(config)
    entries = with_log.new()
    standing = StandingActs()
    standing.add(entries)
    for entry in entries if whole else standing.acts.values():
        click.echo(_line(entry))
    if not (entries if whole else standing.acts):
        click.echo(_nothing(config, whole), err=True)
    broken = with_log.broken_at()
    with_log.close()
    if broken is not None:
        click.echo(f"the audit log {with_log.path} was changed: line {broken} does not follow the one before", err=True)
    return int(broken is not None)


@command.command(name="undo")
@click.argument("act")
@options.configuration
@options.verbose
def undo_act(act: str, path: Path | None, overrides: tuple[str, ...], verbose: bool) -> int:
    """Undo the act ACT, as `mozu responders list` names it (its beginning suffices)."""
    config, registry = configure(path, overrides)
    set_up(LogSettings(level="debug" if verbose else "info"))
    log = _log_of(config)
    standing = StandingActs()
    standing.add(log.new())
    found = [entry for name, entry in standing.acts.items() if name.startswith(act)]
    if len(found) != 1:
        log.close()
        what = "no act that lasts begins" if not found else f"{len(found)} acts that last begin"
        raise MozuError(f"{what} with {act!r}; `mozu responders list` names them")
    reason = run(undo(_responder(config, registry, found[0].responder), found[0]))
    stage = ActStage.UNDO_FAILED if reason else ActStage.UNDONE
    log.append(msgspec.structs.replace(found[0], stage=stage, time=time.time_ns(), reason=reason or "mozu responders"))
    log.close()
    click.echo(safe(f"{stage}: {found[0].text}{f': {reason}' if reason else ''}"))
    return int(bool(reason))


def _switch(name: str, text: str, change: Callable[[KillSwitch], None]) -> None:
    @command.command(name=name, help=text)
    @options.configuration
    @options.verbose
    def switch(path: Path | None, overrides: tuple[str, ...], verbose: bool) -> int:
        config, _ = configure(path, overrides)
        found = KillSwitch(config.core.state_dir / OFF_FILE)
        try:
            with owner_identity(found.path):
                change(found)
            if name == "off":
                remove_pins(pins_of(config.core.state_dir))
        except OSError as error:
            raise MozuError(f"{error.filename or found.path} cannot be changed: {error.strerror}") from error
        click.echo(f"responses are switched {name}")
        return 0


_switch("off", "Nothing is done about alerts from now on, until `mozu responders on`.", KillSwitch.off)
_switch("on", "Responders act again.", KillSwitch.on)


def _log_of(config: Config) -> AuditLog:
    path = config.core.state_dir / AUDIT_FILE
    try:
        with owner_identity(path):
            return AuditLog(path)
    except OSError as error:
        raise MozuError(f"the audit log {path} cannot be opened: {error.strerror}") from error


def _responder(config: Config, registry: Registry, name: str) -> Isolated:  # type: ignore[type-arg]  # of any responder
    entry = next((one for one in config.responders if one.id == name), None)
    if entry is None:
        raise MozuError(f"the responder {name} is not configured any more; put it back to undo what it did")
    ((declaration, _),) = registry.declarations(ResponderDeclaration, [entry])
    log, metrics = logging.getLogger(f"mozu.responder.{name}"), Metrics()
    state = state_path(config.core.state_dir, entry.kind, name)
    context = Context(id=name, log=log, metrics=metrics, fields=FieldRegistry(), state_path=state)
    built = on_thread(declaration.blocking, entry.kind, name, registry.build(declaration, entry, context))
    return Isolated(entry.kind.value, name, built, metrics)


def _nothing(config: Config, whole: bool) -> str:
    """Return a sentence on why nothing is listed."""
    if not config.responders:
        remedy = "add one to `responders` in the configuration, docs/operate/responders.md has examples"
        return f"no responder is configured: mozu raises alerts and acts on none of them; {remedy}"
    names = ", ".join(one.id for one in config.responders)
    what = "has done nothing so far" if whole else "has done nothing that lasts; --log lists every act"
    return safe(f"configured: {names}; mozu {what}")


def _line(entry: AuditEntry) -> str:
    when = datetime.fromtimestamp(entry.time / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    until = ""
    if entry.until and entry.stage is ActStage.DONE:
        until = f" until {datetime.fromtimestamp(entry.until / 1e9, UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"
    reason = f": {entry.reason}" if entry.reason else ""
    return safe(f"{when} {entry.act} {entry.stage}: {entry.text}{until} ({entry.rule}){reason}")
