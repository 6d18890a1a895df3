"""`mozu replay`: runs recordings through the rules, instead of the live machine."""

import json
from functools import partial
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.common.alert_output import reserved
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config import Config
from mozu.core.runtime.config import read as read_config
from mozu.core.runtime.configure import configure
from mozu.core.runtime.daemon_log import set_up
from mozu.core.runtime.registry import Registry

_EVERY_ALERT = "alert_limiter.own_rate=0"


@click.command(
    epilog="""\b
Examples:
  mozu replay capture.scap                    what would the configured rules have said?
  mozu replay capture.scap -r my_rules.yaml --json
  mozu replay monday.jsonl.gz monday-2.jsonl.gz   recorded by mozu, in two parts"""
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@options.configuration
@options.rules
@options.alert_form
@options.stats
@options.record
@options.verbose
def command(
    files: tuple[Path, ...],
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    color: str,
    record: Path | None,
    stats: Path | None,
    verbose: bool,
) -> int:
    """Judge recordings (mozu's own, .scap) instead of the live machine.

    The sources of the configuration give way to the recordings, and nothing is looked up on this machine: what plugins
    said of an event is read from the recording. Those that the configuration names are loaded for their fields.
    """
    written, _ = read_config(path, overrides)
    plugins = options.as_overrides(_left_out(written))
    sources = [{"replay": {"files": [str(file) for file in files]}}]
    shown = (_EVERY_ALERT, f"sources={json.dumps(sources)}", "enrichers=[]", *overrides, *plugins)
    given = options.with_record(shown, record)
    if verbose:
        given = (*given, "log.level=debug")
    form = options.stdout_form(color, as_json=as_json)
    read = partial(configure, path, given, rules=rules, form=form)
    with reserved():  # before plugins are imported, which may print
        config, registry = read()
        set_up(config.log)
        from mozu.core.runtime.engine import run

        return run(config, registry, duration=None, stats=stats, read=read)


def _left_out(config: Config) -> list[str]:
    """Plugins that only entries name which give way to the recordings: rules may ask for their fields."""
    installed = Registry().installed()
    entries = (*config.sources, *config.enrichers)
    return [one.name for one in entries if one.name not in BUILTINS[one.kind] and one.name in installed]
