"""A rule under review: its tests with their polarity, its event types, and the places of findings."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from mozu.core.filter.comparison import Comparison, FieldRef, fields_of
from mozu.core.filter.formula import Formula, Leaf, interned, substitute
from mozu.core.language.conditions import Items, Node, Not, Test, Text, unparse
from mozu.core.language.conditions.ast import children
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.ruleset import ListView, Rule, RuleSet
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.field import never
from mozu.core.model.syscalls import EventType, event_type, event_types

MANY_TYPES: Final = 100
"""Maximum number of event types for which a condition is decided one by one."""


class Use(NamedTuple):
    """A test of a condition."""

    test: Test
    negated: bool
    """True below an odd number of `not`."""


Resolvers = dict[tuple[str, str | None], Resolver]
"""(source class, event type or None for any) → resolver, with the decisions about formulas."""


class Shared:
    """Data that the checks of all rules of one load share. `resolvers` may come from an earlier load."""

    def __init__(self, rules: RuleSet, fields: FieldRegistry, resolvers: Resolvers | None = None) -> None:
        self.rules, self.fields = rules, fields
        self.texts: Mapping[str, Filled] = {one.name: one.filled for one in rules.macros if one.filled is not None}
        self.lists: Mapping[str, ListView] = {one.name: one for one in rules.lists}
        self.judged: dict[tuple[str, int], bool | None] = {}
        """(source, id of a node) → the value that the node has for every event; None if there is no such value."""
        self._resolvers: Resolvers = {} if resolvers is None else resolvers

    def resolver(self, source: str, type_: str | None = None) -> Resolver:
        """Return the resolver of fields for a source class, and an event type."""
        key = source, type_
        if key not in self._resolvers:
            self._resolvers[key] = Resolver(self.fields, source, type_)
        return self._resolvers[key]


class View:
    """A rule under review."""

    def __init__(self, rule: Rule, shared: Shared) -> None:
        self.rule, self.shared = rule, shared
        self.resolver = shared.resolver(rule.source)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Names of the event types that the rule can match; empty if there are too many, or they are not known."""
        found = self.rule.checked.event_types
        few = found is not None and len(found) <= MANY_TYPES and found <= event_types().keys()
        return tuple(sorted(found or ())) if few and self.rule.source == "syscall" else ()

    @cached_property
    def declared(self) -> tuple[EventType, ...]:
        """Declarations of `types`."""
        return tuple(found for name in self.types if (found := event_type(name)) is not None)

    @cached_property
    def by_type(self) -> tuple[Resolver, ...]:
        """Resolvers of the event types."""
        return tuple(self.shared.resolver(self.rule.source, name) for name in self.types)

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Tests of the condition, macros expanded."""
        return tuple(_uses(self.rule.checked.node))

    @cached_property
    def formula(self) -> Formula:
        """The condition for decisions."""
        return self.lowered(self.rule.checked.node)

    def lowered(self, node: Node) -> Formula:
        """Return the formula of a part, with unknown leaves for usual switches and fields that no component fills."""
        return lower(node, self._lowered)

    def _lowered(self, test: Test) -> Formula:
        is_empty = isinstance(test.right, Items) and not test.right.items
        return stand_in(unparse(test)) if is_empty else substitute(lower(test), self._left_open)

    def _left_open(self, leaf: Leaf) -> Formula:
        assert isinstance(leaf, Comparison)
        read = [self.resolver.fields.find(ref.name)[0] for ref in fields_of(leaf)]
        is_filled = all(one.bind is not None or one.read is not None for one in read)
        return leaf if is_filled and leaf.field != "evt.num" else stand_in(repr(leaf))

    def lacks(self, name: str, argument: str | None) -> bool:
        """Return True if no event type of the rule has the field."""
        fields = self.shared.fields
        found = [fields.resolve(name, argument, type_) for type_ in self.types]
        filled = found and (found[0].field.bind is not None or found[0].field.read is not None)
        return bool(filled) and all(one.read is never for one in found)

    def text(self, origin: str) -> Filled:
        """Return the condition text of the macro `origin`; of the rule if `origin` is empty."""
        return self.shared.texts[origin] if origin else self.rule.filled

    def problem(self, code: Code, message: str, offset: int, origin: str, hint: str = "") -> RuleProblem:
        """Return a problem at a character of the condition, or of a macro."""
        return self.text(origin).problem(code, message, offset, hint)

    def at_item(self, code: Code, message: str, test: Test, item: Text, hint: str = "") -> RuleProblem:
        """Return a problem at a constant: in the list that contains it, or else in the condition."""
        filled = self.text(test.origin)
        name = filled.lists.origin(filled.text.value, item.offset)[1]
        view = self.shared.lists.get(name)
        if view is None:
            return filled.problem(code, message, item.offset, hint)
        in_file = filled.lists.in_file(name, filled.word_at(item.offset))
        if in_file is not None:
            return RuleProblem(code, message, *in_file, hint)
        owner = next((one for one in (view, *self._inner(view)) if item.value in one.items), view)
        source, begin = owner.context.source, owner.context.offset
        at = source.text.find(item.value, begin)
        return RuleProblem(code, message, owner.context, begin if at < 0 else at, hint)

    def _inner(self, view: ListView) -> Iterator[ListView]:
        for name in view.lists:
            if name in self.shared.lists:
                yield self.shared.lists[name]


def stand_in(text: str) -> Formula:
    """Return a leaf whose value is unknown; the same leaf for the same text."""
    return interned(Comparison(FieldRef("evt.num"), "=", (text,), exactly_one=True))


def tests_below(node: Node) -> list[Test]:
    """Return the tests of a part, in text order."""
    return [use.test for use in _uses(node)]


def _uses(root: Node) -> Iterator[Use]:
    waiting: list[tuple[Node, bool]] = [(root, False)]
    seen: set[tuple[int, bool]] = set()
    while waiting:
        node, negated = waiting.pop()
        if (id(node), negated) in seen:
            continue
        seen.add((id(node), negated))
        if isinstance(node, Test):
            yield Use(node, negated)
        inner = negated is not isinstance(node, Not)
        waiting.extend((child, inner) for child in reversed(children(node)))
