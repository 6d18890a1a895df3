"""`mozu plugins`: plugins that are loaded, their origin, what they bring; plugins installed and not loaded; `check`."""

from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from mozu.core.api import FieldsDeclaration, SourceDeclaration
from mozu.core.api.declarations import AnySource
from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.cli.plugins_check import check
from mozu.core.cli.plugins_state import kept_state
from mozu.core.cli.terminal import paragraph, safe, table, width
from mozu.core.model.fields import Field
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import read
from mozu.core.runtime.config.describe import Setting, settings_of
from mozu.core.runtime.extensions import Extension
from mozu.core.runtime.plugin_checks import Origin, Plugin
from mozu.core.runtime.registry import Registry


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  mozu plugins                    everything that can be configured
  mozu plugins -c mozu.yaml       third parties' plugins that this file names among them
  mozu plugins -p acme            with what the entry point acme brings
  mozu plugins --json
  mozu plugins check acme         build and start what acme brings, and stop it again

A third party's plugin is installed with pip and loads only when the configuration names it: in a
list (`sinks: [name]`) or under `plugins: [name]`. Until then it is listed here without being imported."""
)
@options.configuration
@options.as_json
@options.verbose
@click.pass_context
def command(
    context: click.Context, path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool
) -> None:
    """List plugins: kind, distribution, versions, what they bring, and settings with types and defaults."""
    if context.invoked_subcommand is not None:
        return
    registry = known_plugins(path, overrides)
    kept = kept_state(read(path, overrides)[0])
    if as_json:
        data = {**_as_data(registry), "state": [one.as_dict() for one in kept]}
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
        return
    limit = width()
    for plugin in registry.plugins():
        click.echo(_as_text(plugin, limit))
    for extension in registry.extensions:
        click.echo(_extension_as_text(extension, limit))
    for origin in _available(registry):
        click.echo(f"{origin.plugin}  (available, not loaded; {origin})\n  Name it in the configuration to load it.\n")
    for one in kept:
        click.echo(safe(str(one)))


def _available(registry: Registry) -> list[Origin]:
    origins = [origin for several in registry.installed().values() for origin in several]
    return [origin for origin in origins if not registry.is_loaded(origin)]


def _as_text(plugin: Plugin, limit: int) -> str:
    declaration = plugin.declaration
    lines = [
        f"{plugin.kind} {declaration.name}  ({plugin.origin}; API version {declaration.api})",
        paragraph(declaration.summary, limit, "  "),
        *_fields(declaration.fields, limit),
    ]
    if isinstance(declaration, SourceDeclaration):
        lines.append(f"  events: {_events(declaration)}")
    settings = list(settings_of(plugin.declaration.settings))
    if settings:
        rows = [(f"  {item.name}", item.type, _default(item), item.text) for item in settings]
        lines.append(table(("  SETTING", "TYPE", "DEFAULT", "MEANING"), rows, limit))
    else:
        lines.append("  no settings of its own")
    return "\n".join(lines) + "\n"


def _extension_as_text(extension: Extension, limit: int) -> str:
    declaration = extension.declaration
    lines = [
        f"{declaration.what} {declaration.name}  ({extension.origin}; API version {declaration.api})",
        paragraph(declaration.summary, limit, "  "),
    ]
    if isinstance(declaration, FieldsDeclaration):
        lines += _fields(declaration.fields, limit)
    return "\n".join(lines) + "\n"


def _fields(fields: Sequence[Field], limit: int) -> list[str]:
    names = ", ".join(field.name for field in fields)
    return [paragraph(f"fields: {names}", limit, "  ")] if names else []


def _events(source: AnySource) -> str:
    own = ", ".join(f"{event.name} (version {event.version})" for event in source.events)
    return f"{source.event_source or 'alerts, ready-made'}{f': {own}' if own else ''}"


def _default(setting: Setting) -> str:
    return "(required)" if setting.required else setting.default


def _as_data(registry: Registry) -> JsonObject:
    loaded = [
        {
            "kind": plugin.kind.value,
            "name": plugin.declaration.name,
            "summary": plugin.declaration.summary,
            "distribution": plugin.origin.distribution,
            "version": plugin.origin.version,
            "api": plugin.declaration.api,
            "fields": [field.name for field in plugin.declaration.fields],
            **_source_as_data(plugin),
            "settings": [
                {
                    "name": item.name,
                    "type": item.type,
                    "default": None if item.required else item.default,
                    "required": item.required,
                    "description": item.text,
                }
                for item in settings_of(plugin.declaration.settings)
            ],
        }
        for plugin in registry.plugins()
    ]
    available = [
        {"name": origin.plugin, "distribution": origin.distribution, "version": origin.version}
        for origin in _available(registry)
    ]
    extensions: list[JsonObject] = [
        {
            "what": one.declaration.what,
            "name": one.declaration.name,
            "summary": one.declaration.summary,
            "distribution": one.origin.distribution,
            "version": one.origin.version,
            "api": one.declaration.api,
            "fields": [field.name for field in one.declaration.fields]
            if isinstance(one.declaration, FieldsDeclaration)
            else [],
        }
        for one in registry.extensions
    ]
    return {"plugins": loaded, "extensions": extensions, "available": available}


def _source_as_data(plugin: Plugin) -> JsonObject:
    source = plugin.declaration
    if not isinstance(source, SourceDeclaration):
        return {}
    events: list[JsonObject] = [{"type": event.name, "version": event.version} for event in source.events]
    return {"event_source": source.event_source, "events": events}


command.add_command(check)
