"""Coverage: which rules were seen to match, and which arms of their conditions were seen true and seen false.

An arm is one test where it is written: in a rule, in one of its exceptions, or in a macro, where it counts once for all
rules that use the macro. An arm is seen if a condition, evaluated from left to right, reaches it: after a false test of
`and`, and after a true one of `or`, nothing is reached. Only rules that a test names are evaluated, so that no arm is
covered by an event meant for another rule.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from mozu.core.filter.comparison import FieldRef
from mozu.core.filter.formula import Constant
from mozu.core.language.conditions import NodeTruths, Test
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify import simplified
from mozu.core.language.rules import Clause, Rule
from mozu.core.model.event import Event
from mozu.core.rule_tests.judged import JudgedRules

ArmKey = tuple[str, str, int]
"""(file, holder of the arm, offset in its text)"""
_NUMBER: Final = "evt.num"
"""A field compared only to express always and never."""


class Arm(msgspec.Struct):
    """A single test of a condition, at the place where it is written."""

    text: str
    place: tuple[str, int, int]
    """File, line and column, from 1."""
    holder: str
    """`rule NAME` or `macro NAME`."""
    seen_true: bool = False
    seen_false: bool = False

    @property
    def is_covered(self) -> bool:
        """True if the arm was seen both true and false."""
        return self.seen_true and self.seen_false

    @property
    def missing(self) -> str:
        """The part that was not seen, in words."""
        if self.seen_true or self.seen_false:
            return "never false" if self.seen_true else "never true"
        return "never reached"


class Coverage:
    """The coverage of all rules that test files name."""

    def __init__(self) -> None:
        self._arms: dict[ArmKey, Arm] = {}
        self._rules: dict[tuple[str, str], bool] = {}
        """(file, rule) → True if a test has seen the rule match as expected."""
        self._keys: dict[int, tuple[Clause, ArmKey | None]] = {}
        self._types: set[tuple[str, str]] = set()

    @property
    def arms(self) -> Sequence[Arm]:
        """The arms, in the order of files and lines."""
        return sorted(self._arms.values(), key=lambda arm: arm.place)

    @property
    def rules(self) -> dict[str, bool]:
        """Rule → True if the rule was seen to match."""
        return {name: seen for (_, name), seen in self._rules.items()}

    @property
    def percent(self) -> float:
        """The percentage of arms that are covered; 100 if there are none."""
        covered = sum(arm.is_covered for arm in self._arms.values())
        return 100.0 * covered / len(self._arms) if self._arms else 100.0

    def add(self, judged: JudgedRules, rules: Iterable[Rule]) -> None:
        """Count these rules from now on."""
        for rule in rules:
            key = rule.context.source.name, rule.name
            if key not in self._rules:
                self._rules[key] = False
                for clause in _tests(judged.clause(rule)):
                    self._key(clause, rule, judged)

    def matched(self, rule: Rule) -> None:
        """Record that the rule matched as a test expected."""
        self._rules[rule.context.source.name, rule.name] = True

    def see(self, judged: JudgedRules, rule: Rule, event: Event) -> int:
        """Evaluate the condition of a rule for an event, and record the arms that it reaches; return their number."""
        if event.source != rule.source:
            return 0
        truths, count = judged.truths(rule, event), 0
        for clause in _reached(judged.clause(rule), truths):
            count += 1
            key = self._key(clause, rule, judged)
            if key is not None:
                arm = self._arms[key]
                if truths.of(clause.node):
                    arm.seen_true = True
                else:
                    arm.seen_false = True
        return count

    def see_one_of_each_type(self, judged: JudgedRules, rule: Rule, event: Event) -> int:
        """Do the same for streams of events: of each type that the rule is not about only the first event is
        evaluated."""
        types = rule.checked.event_types
        if types is not None and event.type not in types:
            if (rule.name, event.type) in self._types:
                return 0
            self._types.add((rule.name, event.type))
        return self.see(judged, rule, event)

    def _key(self, clause: Clause, rule: Rule, judged: JudgedRules) -> ArmKey | None:
        """Return the arm of a clause; None for a clause that is the same for every event."""
        known = self._keys.get(id(clause))
        if known is not None:
            return known[1]
        key = self._made_key(clause, rule, judged)
        self._keys[id(clause)] = clause, key
        return key

    def _made_key(self, clause: Clause, rule: Rule, judged: JudgedRules) -> ArmKey | None:
        node = clause.node
        assert isinstance(node, Test)
        if isinstance(node.left, FieldRef) and node.left.name == _NUMBER:
            return None
        if isinstance(simplified(lower(node), Resolver(judged.fields, rule.source)), Constant):
            return None
        holder = f"macro {clause.macro}" if clause.macro else f"rule {rule.name}"
        key = clause.context.source.name, holder, node.offset
        self._arms.setdefault(key, Arm(clause.text, clause.place, holder))
        return key


def _tests(
    root: Clause, below: Callable[[Clause], Iterable[Clause]] = lambda clause: clause.children
) -> Iterator[Clause]:
    """Yield every test that `below` leads to, once."""
    waiting, seen = [root], set[int]()
    while waiting:
        clause = waiting.pop()
        if id(clause) in seen:
            continue
        seen.add(id(clause))
        if isinstance(clause.node, Test):
            yield clause
        waiting += below(clause)


def _reached(root: Clause, truths: NodeTruths) -> Iterator[Clause]:
    """Yield every test that an evaluation from left to right reaches, once."""

    def below(clause: Clause) -> Iterator[Clause]:
        for child in clause.children:
            yield child
            if clause.kind in ("and", "or") and truths.of(child.node) is (clause.kind == "or"):
                break

    return _tests(root, below)
