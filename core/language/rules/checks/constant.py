"""Conditions that are always false (`evt.type = open and evt.type = connect`) or always true (`f != a or f != b`)."""

from collections.abc import Iterator
from typing import Final

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import all_of, leaves, negation
from mozu.core.language.conditions import And, Node, Not, Or, unparse
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.conditions.decide import can_hold
from mozu.core.language.conditions.eventset import NONE, event_types
from mozu.core.language.rules.checks.view import View, tests_below
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem

_SHOWN: Final = 160
"""Maximum number of characters of a condition that a message quotes."""


def constant_conditions(view: View) -> Iterator[RuleProblem]:
    """Yield a problem for a condition that is always true or always false, placed at the smallest part that causes it.

    For any other condition, yield a problem for each constant part.

    Tests of `evt.num` and of empty lists count as unknown, because both are usual ways to switch off a part of a rule.
    Fields that no component fills count as unknown, too: their rules have a warning of their own.
    """
    value = _value(view, view.rule.checked.node)
    if value is None:
        for part, constant in _constant_parts(view):
            yield _of_part(view, part, value=constant)
        return
    part = _deciding(view, value=value)
    holds = "always" if value else "never"
    message = f"the rule `{view.rule.name}` {holds} matches: `{_short(part)}` is {'true' if value else 'false'}"
    hint = "alternatives of one field are joined by `or`, or by `in (…)`" if isinstance(part, And) else ""
    yield _placed(view, part, f"{message} for every event{_suffix(view, part)}", hint, value=value)


def _value(view: View, node: Node) -> bool | None:
    """Return the value that a part has for every event of the rule's types; None if the value depends on the event."""
    formula = view.lowered(node)
    if event_types(formula) == NONE or not can_hold(formula, view.resolver):
        return False
    if event_types(negation(formula)) == NONE or not can_hold(negation(formula), view.resolver):
        return True
    return False if view.by_type and not any(can_hold(formula, one) for one in view.by_type) else None


def _deciding(view: View, *, value: bool) -> Node:
    """Return the smallest part that makes a constant condition constant."""
    node, kind = view.rule.checked.node, Or if value else And
    while isinstance(node, kind):
        part = next((one for one in node.children if _value(view, one) is value), None)
        if part is None:
            break
        node = part
    return node


def _constant_parts(view: View) -> Iterator[tuple[Node, bool]]:
    """Yield the smallest parts that have the same value for events of every type, with this value."""
    found: list[tuple[Node, bool]] = []

    def visit(node: Node, inner: list[bool]) -> bool:
        """Return True if the node, or a part of it, is constant."""
        if any(inner) or isinstance(node, Not):
            return any(inner)
        value = _part_value(view, node)
        if value is not None:
            found.append((node, value))
        return value is not None

    bottom_up(view.rule.checked.node, visit)
    return iter(found)


def _part_value(view: View, node: Node) -> bool | None:
    """Return the value that a part has if all of its fields are present; None if the value depends on them."""
    key, judged = (view.rule.source, id(node)), view.shared.judged
    if key not in judged:
        judged[key] = _judged(view, node)
    return judged[key]


def _judged(view: View, node: Node) -> bool | None:
    formula = view.lowered(node)
    if not can_hold(formula, view.resolver):
        return False
    compared = [one for one in leaves(formula) if isinstance(one, Comparison)]
    if isinstance(node, And) or any(one.op == "exists" or one.exactly_one or one.right is not None for one in compared):
        return None
    there = all_of(Comparison(one.left, "exists") for one in compared)
    return None if can_hold(all_of((negation(formula), there)), view.resolver) else True


def _of_part(view: View, part: Node, *, value: bool) -> RuleProblem:
    if value:
        message = f"`{_short(part)}` is true for every value of the field"
        hint = "join the tests by `and`, or write `not … in (…)`" if isinstance(part, Or) else "leave the test out"
    else:
        message = f"`{_short(part)}` is false for every event"
        hint = "leave the part out, or join its tests by `or`" if isinstance(part, And) else "leave the test out"
    return _placed(view, part, message, hint, value=value)


def _suffix(view: View, part: Node) -> str:
    """Return ` of type openat` if the condition could hold for other types; otherwise an empty text."""
    if not view.types or not can_hold(view.lowered(part), view.resolver):
        return ""
    return f" of type {', '.join(view.types[:8])}{'' if len(view.types) <= 8 else ' …'}"


def _placed(view: View, part: Node, message: str, hint: str, *, value: bool) -> RuleProblem:
    first = tests_below(part)[0]
    code = Code.LINT_ALWAYS_TRUE if value else Code.LINT_NEVER_TRUE
    return view.problem(code, message, first.offset, first.origin, hint)


def _short(part: Node) -> str:
    text = unparse(part)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
