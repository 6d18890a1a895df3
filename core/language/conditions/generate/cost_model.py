"""Cost model: cost and selectivity of tests. The estimates only determine the order of tests.

Costs of fields and tests were measured on execs of a build with four ancestors, as multiples of the 20 ns of a plain
field.
"""

from collections.abc import Iterable
from typing import Final

from mozu.core.filter.comparison import Call, Comparison, FieldRef, Operand
from mozu.core.filter.formula import AllOf, AnyOf, Constant, Formula, Negation, fold
from mozu.core.language.conditions.required_texts import required_texts

Estimate = tuple[float, float]
"""(cost in readings of a plain field, selectivity: the fraction of events for which the test holds)."""

_FIELD_COSTS: Final = (
    ("evt.args", 20.0),
    ("evt.arg", 9.0),
    ("proc.atrusted_name", 40.0),
    ("proc.aname", 13.0),
    ("proc.aexe", 13.0),
    ("proc.acmdline", 20.0),
    ("proc.aargs", 20.0),
    ("proc.aenv", 30.0),
    ("proc.trusted_name", 30.0),
    ("proc.env", 20.0),
    ("proc.cmdline", 7.0),
    ("proc.pcmdline", 9.0),
    ("proc.args", 4.0),
    ("proc.p", 6.0),
    ("proc.s", 6.0),
    ("proc.vpgid.", 6.0),
    ("proc.pgid.", 6.0),
    ("container.", 2.0),
    ("user.name", 3.0),
    ("thread.cap", 8.0),
    ("fd.", 1.0),
    ("evt.", 1.0),
)
_TEST_COSTS: Final = {
    "regex": 45.0,
    "glob": 7.0,
    "iglob": 9.0,
    "pmatch": 10.0,
    "icontains": 7.0,
    "contains": 1.5,
    "startswith": 3.0,
    "endswith": 3.0,
}
_LOOK: Final = 2.0
"""Cost per text that a regular expression requires."""
_SELECTIVITY: Final = {
    "=": 0.08,
    "in": 0.12,
    "!=": 0.9,
    "exists": 0.95,
    "startswith": 0.08,
    "endswith": 0.05,
    "contains": 0.04,
    "icontains": 0.04,
    "glob": 0.05,
    "iglob": 0.05,
    "regex": 0.05,
    "pmatch": 0.1,
    ">=": 0.8,
    "<=": 0.5,
}
_KNOWN_SELECTIVITY: Final = {
    "evt.is_open_read = true": 0.85,
    "evt.is_open_write = true": 0.15,
    "fd.typechar = f": 0.8,
    "container.id != host": 0.5,
    "fd.num >= 0": 0.9,
    "proc.duration <= 5000000000": 0.7,
}


def cost_of(operand: Operand) -> float:
    """Return the cost of reading an operand."""
    if isinstance(operand, Call):
        return 2.0 + sum(cost_of(term) for term in operand.args if isinstance(term, FieldRef))
    cost = next((cost for prefix, cost in _FIELD_COSTS if operand.name.startswith(prefix)), 1.5)
    return cost * 3 if operand.name.startswith("proc.a") and operand.argument is None else cost


class CostModel:
    """Estimates by node. Nodes are kept alive, because ids of freed nodes are reused."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Formula, Estimate]] = {}

    def of(self, node: Formula) -> Estimate:
        """Return the estimate of a condition."""
        if id(node) not in self._known:
            fold(node, self._visit)
        return self._known[id(node)][1]

    def ordered(self, nodes: Iterable[Formula], *, holds: bool = False) -> tuple[Formula, ...]:
        """Sort nodes so that a chain of `and` (with `holds`: of `or`) is decided early and cheaply."""
        return tuple(sorted(nodes, key=lambda node: rank(self.of(node), holds=holds)))

    def _visit(self, node: Formula, inner: list[Estimate]) -> Estimate:
        if id(node) not in self._known:
            self._known[id(node)] = node, _visit(node, inner)
        return self._known[id(node)][1]


def rank(estimate: Estimate, *, holds: bool = False) -> float:
    """Return the cost per decision: of being false, or of holding. The smallest goes first."""
    cost, selectivity = estimate
    return cost / max(selectivity if holds else 1.0 - selectivity, 0.01)


def _visit(node: Formula, inner: list[Estimate]) -> Estimate:
    if isinstance(node, Comparison):
        return _of_test(node)
    if isinstance(node, Constant):
        return 0.0, float(node.value)
    if isinstance(node, Negation):
        return inner[0][0], 1.0 - inner[0][1]
    total, reached = 0.0, 1.0
    for cost, selectivity in sorted(inner, key=lambda estimate: rank(estimate, holds=isinstance(node, AnyOf))):
        total += cost * reached
        reached *= selectivity if isinstance(node, AllOf) else 1.0 - selectivity
    return total, reached if isinstance(node, AllOf) else 1.0 - reached


def _of_test(test: Comparison) -> Estimate:
    texts = required_texts(test.values[0]) if test.op == "regex" and test.values else ()
    cost = cost_of(test.left) + (_LOOK * len(texts) if texts else _TEST_COSTS.get(test.op, 0.3))
    if test.right is not None:
        return cost + cost_of(test.right), 0.3
    selectivity = _KNOWN_SELECTIVITY.get(_short_text(test))
    return cost, _SELECTIVITY.get(test.op, 0.5) if selectivity is None else selectivity


def _short_text(test: Comparison) -> str:
    if not isinstance(test.left, FieldRef) or len(test.values) != 1:
        return ""
    return f"{test.left.name} {test.op} {test.values[0]}"
