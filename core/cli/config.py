"""`mozu config show` and `mozu config schema`: the merged configuration, its JSON Schema."""

from pathlib import Path

import click
import orjson

from mozu.core.cli import options
from mozu.core.cli.known import known_plugins
from mozu.core.runtime.config.schema import FormatModel, PluginModel, schema
from mozu.core.runtime.config.show import show
from mozu.core.runtime.configure import configure


@click.group(no_args_is_help=True)
def command() -> None:
    """Show the merged configuration or its JSON Schema."""


@command.command(
    "show",
    epilog="""\b
Examples:
  mozu config show                         what `mozu run` would use
  mozu config show -c mozu.yaml --defaults every setting, also those left at their defaults""",
)
@options.configuration
@click.option("--defaults", is_flag=True, help="Show settings that are left at their defaults too.")
@options.verbose
def show_command(path: Path | None, overrides: tuple[str, ...], defaults: bool, verbose: bool) -> None:
    """Print the configuration after all files and options have been merged; secrets are hidden."""
    config, registry = configure(path, overrides)
    click.echo("# " + (", ".join(config.files) or "the default configuration"))
    click.echo(show(config, registry.settings, defaults=defaults), nl=False)


@command.command(
    "schema",
    epilog="""\b
Example:
  mozu config schema > mozu.schema.json
and as the first line of mozu.yaml, for editors with a YAML language server:
  # yaml-language-server: $schema=mozu.schema.json""",
)
@options.configuration
@options.verbose
def schema_command(path: Path | None, overrides: tuple[str, ...], verbose: bool) -> None:
    """Print the JSON Schema of the configuration, third parties' plugins that it names among it."""
    registry = known_plugins(path, overrides)
    declared = [
        PluginModel(item.kind, item.declaration.name, item.declaration.summary, item.declaration.settings)
        for item in registry.plugins()
    ]
    formats = [FormatModel(item.name, item.summary, item.settings) for item in registry.extensions.formats().values()]
    click.echo(orjson.dumps(schema(declared, formats), option=orjson.OPT_INDENT_2).decode())
