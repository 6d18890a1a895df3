"""Runs of every check on the rules of a load."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mozu.core.language.rules.checks.absent import absent_fields
from mozu.core.language.rules.checks.constant import constant_conditions
from mozu.core.language.rules.checks.evadable import evadable_tests
from mozu.core.language.rules.checks.hidden import hidden_rule
from mozu.core.language.rules.checks.patterns import foreign_patterns
from mozu.core.language.rules.checks.structure import suspicious_lists, suspicious_structure
from mozu.core.language.rules.checks.tags import shared_ids, suspicious_tags
from mozu.core.language.rules.checks.values import impossible_values
from mozu.core.language.rules.checks.view import Resolvers, Shared, View
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.ruleset import Rule, RuleSet
from mozu.core.model.fields import FieldRegistry

_EACH: Final[Sequence[Callable[[View], Iterator[RuleProblem]]]] = (
    constant_conditions,
    absent_fields,
    impossible_values,
    foreign_patterns,
    suspicious_structure,
    suspicious_tags,
    evadable_tests,
)


def review(
    rules: RuleSet,
    fields: FieldRegistry,
    alerting: Sequence[Rule] | None = None,
    *,
    first: bool = True,
    strict: bool = False,
) -> Iterator[RuleProblem]:
    """Yield the findings of every check of the rules of a load; parameters as for `review_steps`."""
    for step in review_steps(rules, fields, alerting, first=first, strict=strict):
        yield from step


def review_steps(
    rules: RuleSet,
    fields: FieldRegistry,
    alerting: Sequence[Rule] | None = None,
    *,
    first: bool = True,
    strict: bool = False,
    resolvers: Resolvers | None = None,
) -> Iterator[list[RuleProblem]]:
    """Yield the findings of every check of the rules of a load, after each rule, so that a caller can stop in between.

    `alerting` are the rules that raise alerts, in the order in which they are tried (by default every rule that its
    file neither disables nor puts in shadow mode). Hidden rules are reported if `first` is true: an event raises only
    the alert of the first rule that matches it. `strict` adds advice. `resolvers` keeps decisions from one call to the
    next.
    """
    shared = Shared(rules, fields, resolvers)
    views = [View(rule, shared) for rule in rules.rules]
    for view in views:
        yield [one for look in _EACH for one in look(view) if strict or not one.code.is_advice]
    yield list(shared_ids(views))
    yield [one for one in suspicious_lists(shared) if strict or not one.code.is_advice]
    if first:
        as_written = (rule for rule in rules.rules if rule.enabled and not rule.guidance.shadow)
        by_name = {view.rule.name: view for view in views}
        tried = [by_name[rule.name] for rule in (as_written if alerting is None else alerting) if rule.name in by_name]
        for at, view in enumerate(tried):
            yield list(hidden_rule(view, tried[:at]))
