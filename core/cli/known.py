"""The plugins that listings show: every built-in, and third parties' plugins that the configuration names."""

from collections.abc import Sequence
from pathlib import Path

import click

from mozu.core.cli.terminal import safe
from mozu.core.delivery.encode import FORMATS
from mozu.core.errors import PluginError
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config import read
from mozu.core.runtime.registry import Registry


def known_plugins(path: Path | None, overrides: Sequence[str]) -> Registry:
    """Return a registry for listings. A plugin that cannot be loaded is reported on stderr and left out.

    Raises ConfigError if the configuration itself cannot be read; the settings in it do not matter here.
    """
    config, problems = read(path, overrides)
    problems.check()
    registry = Registry()
    named = [(kind, name) for kind, table in BUILTINS.items() for name in table]
    named += [(entry.kind, entry.name) for entry in config.entries()]
    failures: dict[str, None] = {}
    formats = [entry.format for entry in config.sinks if entry.format not in FORMATS]
    for name in (*config.plugins, *(name for name in formats if name in registry.installed())):
        try:
            registry.load(name)
        except PluginError as error:
            failures[str(error)] = None
    for kind, name in named:
        try:
            registry.plugin(kind, name)
        except PluginError as error:
            failures[str(error)] = None
    for text in failures:
        click.echo(f"mozu: warning: {safe(text)}", err=True)
    warn(registry)
    return registry


def warn(registry: Registry) -> None:
    """Print the registry's warnings about plugins that it has accepted, on stderr."""
    for text in registry.warnings:
        click.echo(f"mozu: warning: {safe(text)}", err=True)


def known_fields(registry: Registry) -> FieldRegistry:
    """Return the core's fields and those of every plugin loaded so far. Raises PluginError if two have one name."""
    from mozu.core.model.fields.builtin import builtin_fields  # hundreds of declarations, for few of the commands

    fields = FieldRegistry(builtin_fields())
    registry.add_fields(fields)
    return fields
