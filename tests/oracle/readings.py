"""Conditions as Falco reads them if its reading is odd, by documented cause, and the events at which they match."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from mozu.core.delivery.encode.clock import iso
from mozu.core.filter.demand import Demand
from mozu.core.language.conditions import FieldRef, Items, Node, RuleInput, Test, compile_rules, parse
from mozu.core.language.conditions.ast import And, Not, Or, bottom_up
from mozu.core.language.rules import Rule
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from tests.oracle.engine import EVERYTHING

NEVER: Final = parse("evt.num = 0")
_LISTS: Final = ("in", "intersects")
_SEVERAL: Final = (
    "fd.ip", "fd.net", "fd.port", "fd.proto",
    "proc.aname", "proc.aexe", "proc.aexepath", "proc.acmdline", "proc.apid", "proc.aenv",
)  # fmt: skip
"""Fields that stand for several values if used without an argument."""

Reading = Callable[[Test], Node]
"""Function from a test to its replacement in Falco; it returns the same test if Falco reads it the same."""


def _on(test: Test, *names: str) -> bool:
    return isinstance(test.left, FieldRef) and test.left.name in names


def _first_value(test: Test) -> Test:
    assert isinstance(test.right, Items)
    return replace(test, right=replace(test.right, items=test.right.items[:1]))


def _both_ends(test: Test) -> Node:
    if _on(test, "fd.net") and test.op == "in" and isinstance(test.right, Items):
        return _first_value(test)
    return NEVER if _on(test, "fd.ip", "fd.net") and test.op in _LISTS else test


def _ancestors(test: Test) -> Node:
    return NEVER if _on(test, "proc.apid") and test.op in _LISTS else test


def _modifier(test: Test) -> Node:
    several = _on(test, *_SEVERAL) and isinstance(test.left, FieldRef) and test.left.argument is None
    return _first_value(test) if several and test.modifier and isinstance(test.right, Items) else test


def _environment(test: Test) -> Node:
    if not isinstance(test.left, FieldRef) or not _on(test, "proc.aenv") or not (test.left.argument or "").isdigit():
        return test
    return replace(test, left=replace(test.left, argument=None))


def _block_device(test: Test) -> Node:
    is_parameter = isinstance(test.left, FieldRef) and test.left.name.startswith("evt.arg")
    return NEVER if is_parameter and "S_IFBLK" in str(test.right) else test


READINGS: Final[Mapping[str, Reading]] = {
    "both-ends-in-lists": _both_ends,
    "ancestors-in-lists": _ancestors,
    "every-value-of-a-modifier": _modifier,
    "environment-of-one-ancestor": _environment,
    "block-devices": _block_device,
}
"""Cause → function that returns Falco's reading of a test."""


def as_falco_reads(condition: Node, reading: Reading) -> Node | None:
    """Return the condition with each test replaced by its reading, or None if Falco reads it the same."""
    changed = False

    def visit(node: Node, below: list[Node]) -> Node:
        nonlocal changed
        if isinstance(node, Test):
            read = reading(node)
            changed = changed or read is not node
            return read
        if isinstance(node, Not):
            return replace(node, child=below[0])
        return replace(node, children=tuple(below)) if isinstance(node, And | Or) else node

    read = bottom_up(condition, visit)
    return read if changed else None


class ReadingJudge:
    """Evaluator of rules whose conditions are read like Falco's. It raises no alert and notes the matches."""

    def __init__(self, rules: Sequence[Rule], fields: FieldRegistry) -> None:
        inputs: list[RuleInput] = []
        self.times: dict[tuple[str, str], set[str]] = {}
        """(cause, rule) → times as printed at which the rule matches."""
        for rule in rules:
            for cause, reading in READINGS.items():
                node = as_falco_reads(rule.checked.node, reading)
                if node is not None:
                    inputs.append(RuleInput(f"{cause} {rule.name}", rule.source, node))
                    self.times[cause, rule.name] = set()
        self._program = compile_rules(inputs, fields, "all")
        self._keys = list(self.times)

    def demand(self) -> Demand:
        """Ask for every event."""
        return EVERYTHING

    def reload(self) -> "ReadingJudge":
        """Return this evaluator: there are no rules to read again."""
        return self

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Note the matches."""
        for event, position in self._program.evaluate(batch):
            self.times[self._keys[position]].add(iso(event.time, "Z"))
        return ()
