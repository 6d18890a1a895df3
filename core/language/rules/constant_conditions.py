"""Conditions that no event decides: `evt.type = open and evt.type = connect`, `proc.name != a or proc.name != b`."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from mozu.core.filter.comparison import Comparison, FieldRef, fields_of
from mozu.core.filter.formula import FALSE, TRUE, Formula, Leaf, interned, negation, substitute
from mozu.core.language.conditions import And, Checked, Items, Node, Or, Test, unparse
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.conditions.eventset import NONE, event_types
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify import simplified
from mozu.core.language.conditions.values import constant
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.store import RuleInfo
from mozu.core.model.fields import FieldRegistry, FieldType, Match
from mozu.core.model.syscalls import event_types as table

MANY_TYPES: Final = 100
"""Maximum number of event types for which a condition is decided one by one."""
_SHOWN: Final = 160
"""Maximum number of characters of a condition that a message quotes."""


def constant_conditions(
    info: RuleInfo, checked: Checked, filled: Filled, origins: Mapping[str, Filled], fields: FieldRegistry
) -> Iterator[RuleProblem]:
    """Yield a problem for a condition that never or always holds, at the part of it that decides.

    Tests of `evt.num` and of empty lists are left open: both are usual ways to switch a part of a rule off. So are
    fields that nothing fills, whose rules have a warning of their own.
    """
    judge = _Judge(fields, info.source, checked.event_types)
    value = judge.value(checked.node)
    if value is not None:
        part = judge.deciding(checked.node, value)
        holds = "always" if value else "never"
        message = f"the rule `{info.name}` {holds} matches: `{_short(part)}` is {'true' if value else 'false'}"
        hint = "alternatives of one field are joined by `or`, or by `in (…)`" if isinstance(part, And) else ""
        yield _placed(part, filled, origins, f"{message} for every event{judge.suffix(part)}", hint)
        return
    for either in _tautologies(checked.node, judge.resolver):
        message = f"`{_short(either)}` is true for every value of the field"
        yield _placed(either, filled, origins, message, "join the tests by `and`, or write `not … in (…)`")


class _Judge:
    """Judge of the conditions of one rule, whose event types are `types` (None: any)."""

    def __init__(self, fields: FieldRegistry, source: str, types: frozenset[str] | None) -> None:
        self.resolver = Resolver(fields, source)
        few = types is not None and len(types) <= MANY_TYPES and types <= table().keys()
        self._by_type = [Resolver(fields, source, name) for name in sorted(types or ())] if few else []

    def value(self, node: Node) -> bool | None:
        """Return the value that the condition has for every event; None if events decide."""
        formula = lower(node, self._lowered)
        found = simplified(formula, self.resolver)
        if found is FALSE or event_types(formula) == NONE:
            return False
        if found is TRUE or event_types(negation(formula)) == NONE:
            return True
        return False if self._by_type and all(simplified(formula, one) is FALSE for one in self._by_type) else None

    def deciding(self, node: Node, value: bool) -> Node:
        """Return the smallest part of a constant condition that decides it alone."""
        kind = Or if value else And
        while isinstance(node, kind):
            part = next((one for one in node.children if self.value(one) is value), None)
            if part is None:
                break
            node = part
        return node

    def suffix(self, part: Node) -> str:
        """Return ` of type openat` if the condition could hold for other types; otherwise an empty text."""
        names = [one.event_type or "" for one in self._by_type]
        if not names or _Judge(self.resolver.fields, self.resolver.source, None).value(part) is not None:
            return ""
        return f" of type {', '.join(names[:8])}{'' if len(names) <= 8 else ' …'}"

    def _lowered(self, test: Test) -> Formula:
        is_empty = isinstance(test.right, Items) and not test.right.items
        return _stand_in(unparse(test)) if is_empty else substitute(lower(test), self._left_open)

    def _left_open(self, leaf: Leaf) -> Formula:
        assert isinstance(leaf, Comparison)
        read = [self.resolver.fields.find(ref.name)[0] for ref in fields_of(leaf)]
        is_filled = all(one.bind is not None or one.read is not None for one in read)
        return leaf if is_filled and leaf.field != "evt.num" else _stand_in(repr(leaf))


def _stand_in(text: str) -> Formula:
    """Return a leaf that no pass decides, the same for the same text."""
    return interned(Comparison(FieldRef("evt.num"), "=", (text,), exactly_one=True))


def _tautologies(root: Node, resolver: Resolver) -> Iterator[Or]:
    """Yield disjunctions of two `!=` of one field that exclude no common value."""
    found: list[Or] = []
    bottom_up(root, lambda node, _: found.append(node) if isinstance(node, Or) else None)
    for either in found:
        tests = [lower(one) for one in either.children if isinstance(one, Test) and one.op == "!="]
        if any(_covers(one, other, resolver) for one, other in combinations(tests, 2)):
            yield either


def _covers(one: Formula, other: Formula, resolver: Resolver) -> bool:
    """Return True if at least one of two `!=` tests holds for any value of their field."""
    if not isinstance(one, Comparison) or not isinstance(other, Comparison):
        return False
    alike = one.field != "" and one.field == other.field and one.op == other.op == "!="
    if not alike:
        return False
    typed = resolver.typed(one.left)
    if typed.type is FieldType.IPNET:
        return False
    if typed.match is not Match.ONE or typed.is_list or not typed.traits.isdisjoint(("at_most", "host_name")):
        return False
    excluded, also = ({constant(typed.type, typed.bits, "!=", text) for text in test.values} for test in (one, other))
    return excluded.isdisjoint(also)


def _placed(
    part: Node, filled: Filled, origins: Mapping[str, Filled], message: str, hint: str
) -> RuleProblem:
    tests: list[Test] = []
    bottom_up(part, lambda node, _: tests.append(node) if isinstance(node, Test) else None)
    first = tests[0]
    text = origins[first.origin] if first.origin else filled
    return text.problem(Code.LOAD_COMPILE_CONDITION, message, first.offset, hint)


def _short(part: Node) -> str:
    text = unparse(part)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
