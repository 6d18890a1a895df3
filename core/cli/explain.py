"""`mozu explain`: what the code of an error or a warning means, and what to do about it."""

import click

from mozu.core.cli import options
from mozu.core.cli.config_codes import ConfigCode
from mozu.core.cli.terminal import paragraph, table, width
from mozu.core.language.rules.codes import Code
from mozu.core.runtime.config.suggest import suggestion


@click.command(
    epilog="""\b
Examples:
  mozu explain                            every code
  mozu explain LOAD_ERR_COMPILE_CONDITION what it means and what to do about it"""
)
@click.argument("code", required=False)
@options.verbose
def command(code: str | None, verbose: bool) -> None:
    """Explain the CODE of an error or a warning of `mozu check`; without one, list them all."""
    if code is None:
        rows = [(item.value, "error" if item.is_error else "warning", item.title) for item in Code]
        rows += [(item.value, "warning", item.title) for item in ConfigCode]
        click.echo(table(("CODE", "KIND", "TITLE"), rows, width()))
        return
    known: dict[str, Code | ConfigCode] = {**Code.__members__, **ConfigCode.__members__}
    if code.upper() not in known:
        hint = suggestion(code.upper(), known) or "; `mozu explain` lists all codes"
        raise click.UsageError(f"no code {code!r}{hint}")
    found = known[code.upper()]
    kind = "A warning: the rules are used all the same."
    if isinstance(found, ConfigCode):
        kind = "A warning about the configuration: mozu starts all the same."
    elif found.is_error:
        kind = "An error: rules with it cannot be used."
    click.echo(f"{found.value}: {found.title}\n{kind}\n\n{paragraph(found.paragraph, min(width(), 100))}")
