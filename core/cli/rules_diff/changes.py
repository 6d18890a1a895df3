"""Differences of two loads of rules, rule by rule."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from mozu.core.cli.rules_diff.condition import Relation, relation
from mozu.core.language.rules import LoadResult, Rule
from mozu.core.language.rules.checks.view import Shared, View
from mozu.core.language.rules.store import ExceptionInfo
from mozu.core.model.fields import FieldRegistry

_ANY: Final = "every type"


class Change(msgspec.Struct, frozen=True):
    """A rule that both loads have, with at least one difference."""

    before: Rule
    after: Rule
    condition: Relation | None
    """Relation of the two conditions; None if the rule was moved to another source class."""
    aspects: tuple[tuple[str, str], ...]
    """(aspect, difference) of everything besides the condition."""


class Changes(msgspec.Struct, frozen=True):
    """The differences of two loads."""

    added: Sequence[Rule]
    removed: Sequence[Rule]
    changed: Sequence[Change]
    same: int
    """Number of rules without a difference."""


def changes(before: LoadResult, after: LoadResult, fields: FieldRegistry) -> Changes:
    """Return what differs. Rules are the same if their names are."""
    old = {rule.name: rule for rule in before.rules.rules}
    new = {rule.name: rule for rule in after.rules.rules}
    shared = Shared(before.rules, fields), Shared(after.rules, fields)
    both = [_change(View(rule, shared[0]), View(new[name], shared[1])) for name, rule in old.items() if name in new]
    changed = [one for one in both if one.aspects or one.condition is not Relation.SAME]
    return Changes(
        added=[rule for name, rule in new.items() if name not in old],
        removed=[rule for name, rule in old.items() if name not in new],
        changed=changed,
        same=len(both) - len(changed),
    )


def _change(before: View, after: View) -> Change:
    old, new = before.rule, after.rule
    condition = relation(before, after) if old.source == new.source else None
    return Change(old, new, condition, tuple(_aspects(old, new)))


def _aspects(old: Rule, new: Rule) -> Iterator[tuple[str, str]]:
    """Yield every aspect that differs, in the order in which a reader asks."""
    types = set_difference(_types(old), _types(new))
    exceptions = "; ".join(_exceptions(old.exceptions, new.exceptions))
    found = (
        ("source", _replaced(old.source, new.source)),
        ("event types", types),
        ("exceptions", exceptions),
        ("priority", _replaced(old.priority.label, new.priority.label)),
        ("enabled", _replaced(_word(old.enabled), _word(new.enabled))),
        ("shadow", _replaced(_word(old.guidance.shadow), _word(new.guidance.shadow))),
        ("response", set_difference(old.guidance.respond, new.guidance.respond)),
        ("tags", set_difference(old.tags, new.tags)),
        ("output", _replaced(old.output_text, new.output_text)),
    )
    return ((name, text) for name, text in found if text)


def set_difference(old: Iterable[str], new: Iterable[str]) -> str:
    """Return `+ added, - removed`; empty if there is no difference."""
    before, after = set(old), set(new)
    signs = [*(f"+ {one}" for one in sorted(after - before)), *(f"- {one}" for one in sorted(before - after))]
    return ", ".join(signs)


def _types(rule: Rule) -> frozenset[str]:
    return frozenset({_ANY}) if rule.checked.event_types is None else rule.checked.event_types


def _replaced(old: str, new: str) -> str:
    return "" if old == new else f"{old} → {new}"


def _word(value: bool | None) -> str:
    return "yes" if value else "no"


def _exceptions(old: Iterable[ExceptionInfo], new: Iterable[ExceptionInfo]) -> Iterator[str]:
    before, after = {one.name: one for one in old}, {one.name: one for one in new}
    if names := set_difference(before, after):
        yield names
    for name in sorted(before.keys() & after.keys()):
        one, other = before[name], after[name]
        if (one.fields, one.comps) != (other.fields, other.comps):
            yield f"{name} compares {_compared(one)} → {_compared(other)}"
        had, has = {value.form for value in one.values}, {value.form for value in other.values}
        if had != has:
            yield f"{name} has {len(has - had)} new values and lacks {len(had - has)} former ones"


def _compared(one: ExceptionInfo) -> str:
    return ", ".join(f"{field} {comp}" for field, comp in zip(one.fields, one.comps, strict=True))
