"""Differences of rules → text for terminals, and Markdown for reviews."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mozu.core.cli.rules_diff.changes import Change, Changes
from mozu.core.cli.rules_diff.condition import Relation
from mozu.core.cli.rules_diff.recorded import Matches
from mozu.core.language.rules import Rule

Block = tuple[str, Sequence[str]]
"""A rule, and lines about it."""

_WORDS: Final[Mapping[Relation, str]] = {
    Relation.REWRITTEN: "rewritten: it matches the same events",
    Relation.WIDENED: "widened: every event that matched still matches",
    Relation.NARROWED: "narrowed: no event matches that did not match before",
}
_UNDECIDED: Final = "changed; undecided if wider or narrower"
_SIGNS: Final = re.compile(r"([\\`*_\[\]<>#|~])")
"""Characters that have a meaning in Markdown."""


def sections(
    found: Changes, demand: Iterable[str], recorded: Mapping[str, Matches]
) -> Iterator[tuple[str, Sequence[Block]]]:
    """Yield (heading, blocks) of every kind of difference that there is."""
    parts: tuple[tuple[str, list[Block]], ...] = (
        ("Added", [(rule.name, [_summary(rule)]) for rule in found.added]),
        ("Removed", [(rule.name, [_summary(rule)]) for rule in found.removed]),
        ("Changed", [(one.after.name, list(_lines(one, recorded.get(one.after.name)))) for one in found.changed]),
        ("Demand of the enabled rules", [(line, []) for line in demand]),
    )
    return ((heading, blocks) for heading, blocks in parts if blocks)


def head(found: Changes) -> str:
    """Return the numbers of rules in one line."""
    return (
        f"{len(found.added)} rules added, {len(found.removed)} removed, {len(found.changed)} changed, "
        f"{found.same} the same"
    )


def text(heading: str, blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the lines of a section for a terminal."""
    yield f"\n{heading}"
    for name, lines in blocks:
        yield f"  {name}"
        yield from (f"    {line}" for line in lines)


def markdown(heading: str, blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the lines of a section in Markdown."""
    yield f"\n### {heading}\n"
    for name, lines in blocks:
        yield f"* {f'**{_plain(name)}**' if lines else _plain(name)}"
        yield from (f"  * {_plain(line)}" for line in lines)


def _plain(line: str) -> str:
    """Return a text of one line that Markdown shows as it is."""
    return _SIGNS.sub(r"\\\1", " ".join(line.split()))


def _summary(rule: Rule) -> str:
    state = "" if rule.enabled else ", not enabled"
    return f"{rule.priority.label}, {rule.source}{state}; {_place(rule)}"


def _place(rule: Rule) -> str:
    return f"{rule.context.source.name}:{rule.context.source.place(rule.context.offset)[0] + 1}"


def _lines(one: Change, matches: Matches | None) -> Iterator[str]:
    yield _place(one.after)
    if one.condition not in (None, Relation.SAME):
        yield f"condition: {_condition(one.condition, matches)}"
    yield from (f"{name}: {difference}" for name, difference in one.aspects)


def _condition(relation: Relation | None, matches: Matches | None) -> str:
    proved = _WORDS.get(relation) if relation is not None else None
    if matches is None:
        return proved or f"{_UNDECIDED}; --on RECORDING compares them on events"
    counts = f"{matches.more} events more, {matches.fewer} fewer, {matches.both} as before"
    return f"{proved or _observed(matches)} (recordings: {counts})"


def _observed(matches: Matches) -> str:
    """Return what recordings show of conditions whose relation is not proved."""
    if matches.more and matches.fewer:
        return "changed: it matches other events"
    if matches.more or matches.fewer:
        return f"{'widened' if matches.more else 'narrowed'} on the recordings; not proved for every event"
    return f"{_UNDECIDED}; the recordings show no difference"
