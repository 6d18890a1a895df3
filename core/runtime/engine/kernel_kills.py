"""Which rules kill in the kernel: of responders that want that, as far as the sources decide their conditions there."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mozu.core.api import ActsInKernel, GivesConditions, KernelKill, KernelKills, KillPlace, RuleCondition, RuleHead
from mozu.core.errors import MozuError
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import Formula
from mozu.core.language.conditions import text_of
from mozu.core.respond.protection import protection_of
from mozu.core.runtime.engine.built import Assembly, BuiltResponder

_NO_SOURCE = "no source acts in the kernel"


class _Decided(NamedTuple):
    """Of one rule."""

    predicates: Mapping[str, Formula]
    """Of the event types at which the kernel decides it."""
    others: Mapping[str, str]
    """Other event types → why not there."""


def kernel_kills(assembly: Assembly) -> KernelKills:
    """Raises MozuError where a rule that only the kernel may kill for cannot be decided there."""
    rules = [kill for one in assembly.responders for kill in _of_responder(one, assembly)]
    if not rules:
        return KernelKills()
    respond = assembly.respond
    protection = protection_of(respond)
    return KernelKills(
        rules=tuple(sorted(rules, key=lambda kill: kill.dry_run)),
        per_minute=respond.per_minute,
        spared_pids=protection.spared_pids(),
        spared_users=frozenset(respond.allow.users),
        spared_inodes=protection.inodes(),
    )


def _of_responder(one: BuiltResponder, assembly: Assembly) -> Iterator[KernelKill]:
    component, name = one.isolated.component, one.isolated.name
    place: KillPlace = component.kill_place() if isinstance(component, ActsInKernel) else "user"
    if place == "user":
        return
    settings, allow = one.settings, assembly.respond.allow
    if allow.containers or allow.namespaces:
        if place == "kernel":
            raise MozuError(
                f"responder {name}: `respond.allow` names containers or namespaces, which the kernel does not know; "
                "use `where: either`, with which mozu kills"
            )
        return

    def wanted(head: RuleHead) -> bool:
        return (
            name in head.respond
            or head.rule in settings.rules
            or "*" in settings.rules
            or not set(settings.tags).isdisjoint(head.tags)
        )

    for evaluator in assembly.evaluators:
        if not isinstance(evaluator.component, GivesConditions):
            if place == "kernel":
                raise MozuError(f"responder {name}: evaluator {evaluator.name} does not give its rules' conditions")
            continue
        for condition in evaluator.component.rule_conditions(wanted):
            found = _decided(condition, assembly)
            if place == "kernel" and (found.others or not found.predicates):
                raise MozuError(_refusal(name, condition.head.rule, found))
            if found.predicates:
                yield KernelKill(condition.head.rule, name, found.predicates, settings.dry_run, settings.per_minute)


def _decided(condition: RuleCondition, assembly: Assembly) -> _Decided:
    head, predicates = condition.head, condition.predicates
    demand = Demand({head.source: {name: Interest(predicate=one) for name, one in predicates.items()}})
    why: dict[str, str] = dict.fromkeys(predicates, _NO_SOURCE)
    for source in assembly.sources:
        pushdown = source.declaration.pushdown
        if pushdown is None or source.declaration.event_source != head.source or not source.declaration.live:
            continue
        why = {name: _text(one.undecided) for name, one in pushdown(demand, assembly.fields).items()}
    return _Decided(
        {name: predicates[name] for name, text in why.items() if not text},
        {name: text for name, text in why.items() if text},
    )


def _text(undecided: Comparison | str | None) -> str:
    if isinstance(undecided, Comparison):
        return f"it does not decide {text_of(undecided)} for good"
    return undecided or ""


def _refusal(responder: str, rule: str, found: _Decided) -> str:
    types = sorted(found.others)
    more = f" (and {len(types) - 1} other event types)" if len(types) > 1 else ""
    why = f"of {types[0]}{more} {found.others[types[0]]}" if types else "it has no event type"
    return (
        f"responder {responder}: the kernel cannot kill for the rule {rule!r}: {why}; use `where: either`, "
        "or another condition: `mozu rules explain` shows what the kernel decides"
    )
