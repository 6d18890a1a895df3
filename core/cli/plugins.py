"""`mozu plugins`: what is loaded, where it comes from, its settings; and what is installed and not loaded."""

from pathlib import Path

import click
import orjson

from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.cli.terminal import paragraph, table, width
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config.describe import Setting, settings_of
from mozu.core.runtime.plugin_checks import Origin, Plugin
from mozu.core.runtime.registry import Registry


@click.command(
    epilog="""\b
Examples:
  mozu plugins                    everything that can be configured
  mozu plugins -c mozu.yaml       third parties' plugins that this file names among them
  mozu plugins --json

A third party's plugin is installed with pip and loads only when the configuration names it: in a
list (`sinks: [name]`) or under `plugins: [name]`. Until then it is listed here without being imported."""
)
@options.configuration
@options.as_json
@options.verbose
def command(path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool) -> None:
    """List plugins: kind, distribution, version, and settings with types and defaults."""
    registry = known_plugins(path, overrides)
    if as_json:
        click.echo(orjson.dumps(_as_data(registry), option=orjson.OPT_INDENT_2).decode())
        return
    limit = width()
    for plugin in registry.plugins():
        click.echo(_as_text(plugin, limit))
    for origin in _available(registry):
        click.echo(f"{origin.plugin}  (available, not loaded; {origin})\n  Name it in the configuration to load it.\n")


def _available(registry: Registry) -> list[Origin]:
    origins = [origin for several in registry.installed().values() for origin in several]
    return [origin for origin in origins if not registry.is_loaded(origin)]


def _as_text(plugin: Plugin, limit: int) -> str:
    lines = [
        f"{plugin.kind} {plugin.declaration.name}  ({plugin.origin})",
        paragraph(plugin.declaration.summary, limit, "  "),
    ]
    settings = list(settings_of(plugin.declaration.settings))
    if settings:
        rows = [(f"  {item.name}", item.type, _default(item), item.text) for item in settings]
        lines.append(table(("  SETTING", "TYPE", "DEFAULT", "MEANING"), rows, limit))
    else:
        lines.append("  no settings of its own")
    return "\n".join(lines) + "\n"


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
            "fields": [field.name for field in plugin.declaration.fields],
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
    return {"plugins": loaded, "available": available}
