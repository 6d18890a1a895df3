"""`mozu PLUGIN COMMAND`: commands that a plugin brings (`commands` of its declaration)."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from mozu.core.api import Kind
from mozu.core.api.declarations import AnyDeclaration
from mozu.core.api.extensions import CommandsDeclaration
from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.runtime.builtin_plugins import BUILTIN_COMMANDS, BUILTINS
from mozu.core.runtime.config import read
from mozu.core.runtime.registry import Registry


def plugin_command(name: str) -> click.Group | None:
    """The command of the plugin of this name; None where there is none, or it brings no commands.

    A third party's plugin is found by the name of its entry point, or if the default configuration names it. Raises
    PluginError where it cannot be loaded.
    """
    registry = _registry(name)
    for one in registry.extensions:
        if isinstance(one.declaration, CommandsDeclaration) and one.declaration.name == name:
            return _with(click.Group(name, help=one.declaration.summary), one.declaration.commands)
    found = [one.declaration for one in registry.plugins() if one.declaration.name == name]
    declaration = next((one for one in found if one.commands is not None), None)
    return None if declaration is None else _group(declaration)


def _registry(name: str) -> Registry:
    registry = Registry()
    if name in BUILTIN_COMMANDS:
        for kind, table in BUILTINS.items():
            if name in table:
                registry.plugin(kind, name)
    elif name in registry.installed():
        registry.load(name)
    else:
        return known_plugins(None, ())
    return registry


def _group(declaration: AnyDeclaration) -> click.Group:
    @click.group(name=declaration.name, help=BUILTIN_COMMANDS.get(declaration.name, declaration.summary))
    @options.configuration
    @options.verbose
    @click.pass_context
    def command(context: click.Context, path: Path | None, overrides: tuple[str, ...], verbose: bool) -> None:
        config, problems = read(path, overrides)
        problems.check()
        registry = Registry()
        entries = [one for entry in config.sources for _, one in registry.sources(entry)]
        entries += [one for one in config.entries() if one.kind is not Kind.SOURCE]
        named = [one for one in entries if (one.kind, one.name) == (declaration.kind, declaration.name)]
        context.obj = registry.settings(named[0]) if named else declaration.settings()

    assert declaration.commands is not None
    return _with(command, declaration.commands)


def _with(group: click.Group, commands: Callable[[], Mapping[str, click.Command]]) -> click.Group:
    for name, one in commands().items():
        group.add_command(one, name)
    return group
