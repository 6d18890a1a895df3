"""The command line of `mozu rules diff`."""

from collections.abc import Sequence
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.known import known_fields
from mozu.core.cli.rules_diff.changes import changes
from mozu.core.cli.rules_diff.condition import Relation
from mozu.core.cli.rules_diff.kernel import demand_lines
from mozu.core.cli.rules_diff.recorded import Matches, matches
from mozu.core.cli.rules_diff.report import head, markdown, sections, text
from mozu.core.cli.terminal import safe
from mozu.core.errors import RulesError
from mozu.core.language.rules import LoadResult, load
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.configure import configure


@click.command(
    "diff",
    epilog="""\b
Examples:
  mozu rules diff rules.yaml.old rules.yaml
  mozu rules diff old/ new/ --on busy.jsonl.gz --on quiet.scap   and which events matched differently
  mozu rules diff old/ new/ --markdown > review.md""",
)
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--on", "recordings", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="RECORDING", help="Compare changed conditions on the events of this recording, too. May be repeated.",
)  # fmt: skip
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a review.")
@options.configuration
@options.verbose
def command(
    before: str,
    after: str,
    recordings: Sequence[Path],
    as_markdown: bool,
    path: Path | None,
    overrides: tuple[str, ...],
    verbose: bool,
) -> int:
    """Compare the rules of A with those of B, two files or directories: rules added, removed and changed, whether
    conditions became wider or narrower, and what the enabled rules demand of sources."""
    config, registry = configure(path, overrides)
    fields = known_fields(registry)
    old, new = _loaded(before, fields), _loaded(after, fields)
    found = changes(old, new, fields)
    sources = [source for entry in config.sources for source, _ in registry.sources(entry)]
    demand = list(demand_lines(old, new, fields, sources))
    recorded: dict[str, Matches] = {}
    compared = [one for one in found.changed if one.condition not in (None, Relation.SAME)]
    if recordings and compared:
        counted = matches(compared, recordings, config, registry)
        recorded = {one.after.name: count for one, count in zip(compared, counted, strict=True)}
    click.echo(head(found))
    for heading, blocks in sections(found, demand, recorded):
        for line in (markdown if as_markdown else text)(heading, blocks):
            click.echo(safe(line, keep_lines=True))
    return 0


def _loaded(path: str, fields: FieldRegistry) -> LoadResult:
    """Return the rules of a file or directory. Raises RulesError with the report of files that cannot be used."""
    found = load([path], fields)
    if not found.ok:
        raise RulesError(found.report.refusal())
    return found
