"""Rules of a responder that the kernel decides, at which of their calls, and why not at the others."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from mozu.core.api import (
    ActsInKernel,
    GivesConditions,
    KernelAction,
    KillPlace,
    ResponderSettings,
    RuleCondition,
    RuleHead,
)
from mozu.core.api.declarations import AnySource
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import Formula
from mozu.core.language.conditions import text_of
from mozu.core.model.fields import FieldRegistry

_NO_SOURCE = "no source acts in the kernel"


class Decision(NamedTuple):
    """The kernel's decision on one rule, by event type."""

    rule: str
    predicates: Mapping[str, Formula]
    """Predicates of the event types at which the kernel decides the rule."""
    others: Mapping[str, str]
    """Other event types → why the kernel does not decide there."""


def place_of(responder: object) -> KillPlace:
    """Return the place where a responder kills."""
    return responder.kill_place() if isinstance(responder, ActsInKernel) else "user"


def action_of(responder: object) -> KernelAction:
    """Return the action that a responder wants of the kernel."""
    return responder.kernel_action() if isinstance(responder, ActsInKernel) else "kill"


def is_acted_on(responder: str, settings: ResponderSettings, head: RuleHead) -> bool:
    """Return whether a responder acts on the alerts of a rule."""
    return (
        responder in head.respond
        or head.rule in settings.rules
        or "*" in settings.rules
        or not set(settings.tags).isdisjoint(head.tags)
    )


def decisions(
    responder: str,
    settings: ResponderSettings,
    action: KernelAction,
    evaluators: Iterable[GivesConditions],
    sources: Iterable[AnySource],
    fields: FieldRegistry,
) -> Iterator[Decision]:
    """Yield the decision on every rule that this responder acts on."""
    known = list(sources)
    for evaluator in evaluators:
        for condition in evaluator.rule_conditions(partial(is_acted_on, responder, settings)):
            yield _decided(condition, action, known, fields)


def _decided(
    condition: RuleCondition, action: KernelAction, sources: Iterable[AnySource], fields: FieldRegistry
) -> Decision:
    head, predicates = condition.head, condition.predicates
    demand = Demand({head.source: {name: Interest(predicate=one) for name, one in predicates.items()}})
    why: dict[str, str] = dict.fromkeys(predicates, _NO_SOURCE)
    for source in sources:
        if source.pushdown is None or source.event_source != head.source or not source.live:
            continue
        found = source.pushdown(demand, fields)
        why = {name: _text(one.undecided if action == "kill" else one.undenied) for name, one in found.items()}
    return Decision(
        head.rule,
        {name: predicates[name] for name, text in why.items() if not text},
        {name: text for name, text in why.items() if text},
    )


def _text(undecided: Comparison | str | None) -> str:
    if isinstance(undecided, Comparison):
        return f"it does not decide {text_of(undecided)} for good"
    return undecided or ""


def reasons(decision: Decision) -> str:
    """Return why the kernel does not decide at every call, in one sentence; empty if it does."""
    types = sorted(decision.others)
    more = f" (and {len(types) - 1} other event types)" if len(types) > 1 else ""
    if types:
        return f"of {types[0]}{more} {decision.others[types[0]]}"
    return "" if decision.predicates else "it has no event type"


UNKNOWN_TO_KERNEL = "`respond.allow` names containers or namespaces, which the kernel does not know"
"""Reason why a responder with such an allow list kills for no rule in the kernel."""
