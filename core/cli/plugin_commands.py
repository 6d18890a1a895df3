"""`mozu PLUGIN COMMAND`: commands that a plugin brings (`commands` of its declaration).

An exception is the plugin's failure and names the plugin; an exit code (SystemExit) is kept.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import click
from click.exceptions import Exit

from mozu.core.api import Kind
from mozu.core.api.declarations import AnyDeclaration
from mozu.core.api.extensions import CommandsDeclaration
from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.errors import MozuError, PluginError
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.texts import text_of
from mozu.core.runtime.builtin_plugins import BUILTIN_COMMANDS, BUILTINS
from mozu.core.runtime.config import read
from mozu.core.runtime.plugin_checks import Origin, guarded
from mozu.core.runtime.registry import Registry


def plugin_command(name: str) -> click.Group | None:
    """Return the command of the plugin of this name; None if there is none, or if it brings no commands.

    A third party's plugin is found by the name of its entry point, or if the default configuration names it. Raises
    PluginError if it cannot be loaded.
    """
    registry = _registry(name)
    for one in registry.extensions:
        if isinstance(one.declaration, CommandsDeclaration) and one.declaration.name == name:
            return _with(_bare_group(one.declaration), one.declaration.commands, one.origin)
    named = (one for one in registry.plugins() if one.declaration.name == name)
    found = next((one for one in named if one.declaration.commands is not None), None)
    if found is None or found.declaration.commands is None:
        return None
    return _with(_group(found.declaration), found.declaration.commands, found.origin)


class _PluginGroup(click.Group):
    """The commands of one plugin."""

    origin: Origin

    def invoke(self, ctx: click.Context) -> object:
        """Invoke a command. Raises PluginError for any exception that is no deliberate end of a command."""
        try:
            result: object = super().invoke(ctx)
            return result
        except (click.ClickException, click.Abort, Exit, MozuError, BrokenPipeError):
            raise
        except SystemExit as end:
            raise Exit(_exit_code(end)) from end
        except BaseException as error:  # a third party's code: named
            if is_ours(error):
                raise
            command = f"{self.name} {ctx.invoked_subcommand or ''}".strip()
            what = f"{type(error).__name__}: {text_of(error)}"
            hint = f"`mozu {self.name} -v …` shows where; tell the authors of {self.origin.distribution}"
            raise PluginError(
                self.origin.plugin, f"{self.origin}: its command `{command}` raised {what}; {hint}"
            ) from error


def _exit_code(end: SystemExit) -> int:
    """Return the exit code as the interpreter would: a text is printed, and the code is 1."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    click.echo(str(end.code), err=True)
    return 1


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


def _bare_group(declaration: CommandsDeclaration) -> _PluginGroup:
    @click.group(cls=_PluginGroup, name=declaration.name, help=declaration.summary)
    @options.verbose
    def command(verbose: bool) -> None:
        pass

    return command


def _group(declaration: AnyDeclaration) -> _PluginGroup:
    summary = BUILTIN_COMMANDS.get(declaration.name, declaration.summary)

    @click.group(cls=_PluginGroup, name=declaration.name, help=summary)
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

    return command


def _with(
    group: _PluginGroup, commands: Callable[[], Mapping[str, click.Command]], origin: Origin
) -> _PluginGroup:
    """Return the group with the plugin's commands. Raises PluginError if `commands` does not return commands."""
    group.origin = origin
    given: object = guarded(origin, "its `commands`", commands)
    if not isinstance(given, Mapping):
        text = f"its `commands` must give a mapping from names to click commands, not {type(given).__name__}"
        raise PluginError(origin.plugin, f"{origin}: {text}")
    for name, one in given.items():
        if not isinstance(name, str) or not isinstance(one, click.Command):
            text = f"its `commands` give for {name!r} a {type(one).__name__}, which is no click command"
            raise PluginError(origin.plugin, f"{origin}: {text}; decorate the function with `@click.command()`")
        group.add_command(one, name)
    return group
