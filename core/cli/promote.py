"""`mozu rules promote`: end the shadow mode of rules, in the local rule file."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.known import known_fields
from mozu.core.cli.local_rules import LOCAL, LocalRules, quoted
from mozu.core.cli.rules_in_force import ConfiguredRules, configured_rules
from mozu.core.cli.terminal import safe
from mozu.core.errors import MozuError, RulesError
from mozu.core.language.rules import in_shadow
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.configure import configure


@click.command(
    "promote",
    epilog="""\b
Examples:
  mozu rules promote "Scheduled job changed"       its matches raise alerts from the next reload on
  mozu rules promote --tag pack_kubernetes          every rule in shadow mode that has this tag
  mozu rules promote --to /etc/mozu/rules.d/9.yaml "Scheduled job changed" """,
)
@click.argument("names", nargs=-1, metavar="[RULE]...")
@click.option("--tag", metavar="TAG", help="Every rule in shadow mode with this tag.")
@click.option(
    "--to", "file", type=click.Path(path_type=Path), default=LOCAL, show_default=True, metavar="FILE",
    help="The rule file to write; the configuration loads it.",
)  # fmt: skip
@options.configuration
@options.rules
@options.verbose
def command(
    names: tuple[str, ...],
    tag: str | None,
    file: Path,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    verbose: bool,
) -> int:
    """End the shadow mode of rules: append `mozu: {shadow: false}` for each to the local rule file, once a load of all
    rule files has shown that this ends it."""
    config, registry = configure(path, overrides, rules=rules)
    loads = configured_rules(config, registry, known_fields(registry))
    chosen = _chosen(loads, names, tag)
    for one in loads:
        wanted = [name for name in chosen if one.loaded.rules.rule(name) is not None]
        if wanted:
            _promote(one, wanted, file)
    click.echo("a running mozu follows at its next reload (SIGHUP)")
    return 0


def _chosen(loads: Sequence[ConfiguredRules], names: Sequence[str], tag: str | None) -> list[str]:
    """Return the names of the rules to promote. Raises RulesError for files that do not load, and click.UsageError for
    a name that is not in shadow mode."""
    for one in loads:
        if not one.loaded.ok:
            raise RulesError(one.loaded.report.refusal())
    shadow = {name for one in loads for name in in_shadow(one.loaded.rules.rules, one.selectors)}
    known = {rule.name for one in loads for rule in one.loaded.rules.rules}
    if tag is not None:
        tagged = [rule.name for one in loads for rule in one.loaded.rules.rules if tag in rule.tags]
        names = [*names, *(name for name in tagged if name in shadow)]
    if not names:
        raise click.UsageError("no rule in shadow mode is chosen; `mozu rules list` shows which rules are in it")
    for name in names:
        if name not in known:
            raise click.UsageError(f"no rule is called {name!r}{suggestion(name, known)}")
        if name not in shadow:
            raise click.UsageError(f"the rule {name!r} is not in shadow mode; its matches raise alerts already")
    return list(dict.fromkeys(names))


def _promote(one: ConfiguredRules, names: Iterable[str], file: Path) -> None:
    """Append the items to the file. Raises MozuError, with nothing written, if a rule would stay in shadow mode."""
    local = LocalRules(one, file)
    wanted = list(names)
    items = "".join(
        f"- rule: {quoted(name)}\n  mozu: {{shadow: false}}\n  override: {{mozu: append}}\n" for name in wanted
    )
    after = local.loaded_with(items)
    if not after.ok:
        raise RulesError(after.report.refusal())
    for name in wanted:
        if name in in_shadow(after.rules.rules):
            text = "a rule file that is loaded later puts it there; name that file, or a later one, with --to"
            raise MozuError(f"the rule {name!r} would stay in shadow mode after {file}: {text}")
        if name in in_shadow(after.rules.rules, one.selectors):
            text = f"the configuration puts it there; add `- promote: {{rule: {quoted(name)}}}` to its `selection`"
            raise MozuError(f"the rule {name!r} would stay in shadow mode: {text}")
    try:
        line = local.append(items)
    except OSError as error:
        raise MozuError(f"{file} cannot be written: {error.strerror}") from error
    for name in wanted:
        click.echo(safe(f"{file}:{line}: the rule {name!r} leaves shadow mode"))
        line += 3
