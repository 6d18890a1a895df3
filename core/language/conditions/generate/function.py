"""Function of one event type over all rules that can match it: event → positions of the rules that match."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from mozu.core.filter.formula import AllOf, Constant, Formula, all_of
from mozu.core.language.conditions.generate.cost_model import rank
from mozu.core.language.conditions.generate.emitter import Emitter, Library, Ready, expression_function
from mozu.core.language.conditions.generate.index import Found, look_up
from mozu.core.language.conditions.generate.keys import Key, atom, key_of
from mozu.core.language.conditions.operands import Resolver

Function = Callable[[Any], Found]
"""Function from an event to the positions of the rules that match, unordered."""

INDEX_FROM: Final = 8
"""Minimum number of rules with a key on the same field for which an index is faster."""
MAX_INDENT: Final = 12
_NOTHING_ELSE: Final = 1_000_000
"""Rank of the next test if there is none."""
_EFFORT: Final = {"=": 0, "startswith": 1, "endswith": 2, "contains": 3}


class RemainingRule(msgspec.Struct, frozen=True):
    """The remaining tests of a rule."""

    position: int
    conjuncts: tuple[Formula, ...]

    def without(self, node: Formula) -> "RemainingRule":
        """Return the rule once `node` is known to hold."""
        return RemainingRule(self.position, tuple(one for one in self.conjuncts if one is not node))


def build(conditions: Mapping[int, Formula], resolver: Resolver) -> tuple[Function, str]:
    """Return the function for rules (position → simplified condition), and its source."""
    plan, library = planned(conditions, resolver)
    source = written(plan, library, Writer, "def match(e):\n    out = ()", "    return out")
    return library.define("match", source), source


def planned(conditions: Mapping[int, Formula], resolver: Resolver) -> "tuple[tuple[Step, ...], Library]":
    """Return the steps for rules (position → simplified condition), in order, and their library."""
    library = Library(resolver)
    library.prepare(conditions.values())
    rules = [RemainingRule(position, _conjuncts(node, library)) for position, node in conditions.items()]
    return _Tree(library).plan(rules, 0), library


def written(
    plan: "Sequence[Step]", library: Library, writer: "Callable[[Emitter], Writer]", head: str, end: str
) -> str:
    """Return the source of the function that performs these steps, between its first lines and its last."""
    counts: Counter[str] | None = None
    for _ in range(2):
        emitter = Emitter(library, counts)
        lines = writer(emitter).block(plan, frozenset(), 1)
        counts = emitter.seen
    start = emitter.initial()
    return "\n".join((head, *([f"    {start}"] if start else []), *lines, end, ""))


def _conjuncts(node: Formula, library: Library) -> tuple[Formula, ...]:
    if isinstance(node, Constant):
        return () if node.value else (node,)
    return node.parts if isinstance(node, AllOf) and library.helper(node) is None else (node,)


class Guard(msgspec.Struct, frozen=True):
    """An `if` with its body."""

    test: Formula
    body: "tuple[Step, ...]"


class Hit(msgspec.Struct, frozen=True):
    """A match of a rule."""

    position: int


class LookUp(msgspec.Struct, frozen=True):
    """A look-up of a field's value; `check` performs the remaining tests of its candidates."""

    key: Key
    find: str
    check: str
    candidates: "Candidates"


Step = Guard | Hit | LookUp


class _Tree:
    """Planner of the order of steps."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def plan(self, rules: Sequence[RemainingRule], depth: int) -> tuple[Step, ...]:
        """Return the steps that together find every rule that matches."""
        steps: list[Step] = [Hit(rule.position) for rule in rules if not rule.conjuncts]
        left = [rule for rule in rules if rule.conjuncts]
        while left:
            guard = self._common(left, depth)
            if guard is not None and self._covers(guard, left):
                left = self._guarded(guard, left, depth, steps)
                continue
            indexed = self._indexed(left)
            if indexed:
                steps.append(self._look_up(indexed))
                gone = {rule.position for rule, _ in indexed}
                left = [rule for rule in left if rule.position not in gone]
            elif guard is not None:
                left = self._guarded(guard, left, depth, steps)
            else:
                steps.extend(Guard(whole(rule), (Hit(rule.position),)) for rule in left)
                left = []
        return tuple(steps)

    def _guarded(
        self, guard: Formula, rules: Sequence[RemainingRule], depth: int, steps: list[Step]
    ) -> list[RemainingRule]:
        under = [rule.without(guard) for rule in rules if guard in rule.conjuncts]
        steps.append(Guard(guard, self.plan(under, depth + 1)))
        return [rule for rule in rules if guard not in rule.conjuncts]

    def _common(self, rules: Sequence[RemainingRule], depth: int) -> Formula | None:
        """Return the test that decides most for the rules that share it.

        A test that costs more than the first other test of its rules is not chosen: the rules usually fail before it.
        """
        if depth >= MAX_INDENT:
            return None
        uses: Counter[int] = Counter()
        nodes: dict[int, Formula] = {}
        instead: dict[int, float] = defaultdict(float)
        for rule in rules:
            ranks = sorted((self._rank(node), id(node)) for node in rule.conjuncts)
            for node in rule.conjuncts:
                uses[id(node)] += 1
                nodes[id(node)] = node
                others = (one for one, key in ranks if key != id(node))
                instead[id(node)] += next(others, _NOTHING_ELSE)
        shared = [key for key, count in uses.items() if count > 1 and self._rank(nodes[key]) <= instead[key]]
        if not shared:
            return None
        return nodes[max(shared, key=lambda key: uses[key] / self._rank(nodes[key]))]

    def _rank(self, node: Formula) -> float:
        return rank(self.library.cost_model.of(node))

    @staticmethod
    def _covers(guard: Formula, rules: Sequence[RemainingRule]) -> bool:
        return 2 * sum(guard in rule.conjuncts for rule in rules) >= len(rules)

    def _indexed(self, rules: Sequence[RemainingRule]) -> list[tuple[RemainingRule, Key]]:
        """Return the largest group of rules with keys on one field, each with its rarest key."""
        if len(rules) < INDEX_FROM:
            return []
        keys = {rule.position: self._keys(rule) for rule in rules}
        popular = Counter((key.field, *one) for found in keys.values() for key in found for one in key.atoms)
        groups: dict[str, list[tuple[RemainingRule, Key]]] = {}
        for rule in rules:
            if keys[rule.position]:
                best = min(keys[rule.position], key=lambda key: _rarity(key, popular))
                groups.setdefault(best.field, []).append((rule, best))
        largest = max(groups.values(), key=len, default=[])
        return largest if len(largest) >= INDEX_FROM else []

    def _keys(self, rule: RemainingRule) -> list[Key]:
        found = (key_of(node, self.library.resolver) for node in rule.conjuncts)
        return [key for key in found if key is not None]

    def _look_up(self, group: Sequence[tuple[RemainingRule, Key]]) -> LookUp:
        find = look_up(atom(*one, rule.position) for rule, key in group for one in key.atoms)
        left = {rule.position: rule.without(key.node) if key.exact else rule for rule, key in group}
        library, candidates = self.library, Candidates(left, self.library)
        return LookUp(group[0][1], library.shared(find), library.shared(candidates.check), candidates)


def whole(rule: RemainingRule) -> Formula:
    """Return the remaining tests of a rule as one node."""
    return all_of(rule.conjuncts)


def _rarity(key: Key, popular: Counter[tuple[Any, ...]]) -> tuple[int, int, int]:
    """Return the number of rules that share its commonest constant, then the cost of finding it. Smaller is better."""
    shared = max(popular[key.field, *one] for one in key.atoms)
    effort = max(_EFFORT.get(op, len(_EFFORT)) for op, _ in key.atoms)
    return shared, effort, len(key.atoms)


class Candidates:
    """The remaining tests of rules that an index found; their functions are made when first needed."""

    def __init__(self, rules: Mapping[int, RemainingRule], library: Library) -> None:
        self._rules = rules
        self.positions = tuple(rules)
        self._library = library
        self._functions: dict[int, Callable[[Any], Any]] = {}

    def check(self, event: Any, found: Found) -> Found:
        """Return the candidates that match."""
        return tuple(position for position in found if self.function(position)(event))

    def function(self, position: int) -> Callable[[Any], Any]:
        """Return the function with the remaining tests of one rule."""
        function = self._functions.get(position)
        if function is None:
            function = self._functions[position] = self._make(position)
        return function

    def _make(self, position: int) -> Callable[[Any], Any]:
        rule, library = self._rules[position], self._library
        if not rule.conjuncts:
            return lambda event: True
        name = f"c{position}"
        return library.define(name, expression_function(name, whole(rule), library))


class Writer:
    """Converter of a plan to lines of Python."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter

    def block(self, steps: Sequence[Step], ready: Ready, depth: int) -> list[str]:
        """Return the lines of steps, indented."""
        margin = "    " * depth
        lines: list[str] = []
        for step in steps:
            if isinstance(step, Hit):
                lines.append(f"{margin}out += ({step.position},)")
            elif isinstance(step, LookUp):
                now = set(ready)
                lines.append(f"{margin}found = {step.find}({self.emitter.value(step.key.left, now)})")
                lines.append(f"{margin}if found: out += {step.check}(e, found)")
                ready = frozenset(now)
            else:
                text, true, false = self.emitter.condition(step.test, ready)
                lines.append(f"{margin}if {text}:")
                lines.extend(self.block(step.body, true, depth + 1))
                ready = true & false
        return lines
