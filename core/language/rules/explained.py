"""Why a rule matches an event, or not: each clause of its condition with its truth, in the order of the text."""

import msgspec

from mozu.core.language.conditions import NodeTruths, OperandValue, Test
from mozu.core.language.rules.clauses import Clause


class ExplainedClause(msgspec.Struct, frozen=True, eq=False):
    """A clause where it stands in the tree."""

    depth: int
    """0: the whole condition."""
    clause: Clause
    truth: bool
    decides: bool
    """Whether the truth of the whole rests on it: its own parent decides, and rests on it."""
    values: tuple[OperandValue, ...] = ()
    """Of a test: what its left side came to, and its right side where that is no constant."""
    holding: tuple[str, ...] = ()
    """Of a true test with several constants: those for which it holds by themselves."""


def explained(root: Clause, truths: NodeTruths) -> list[ExplainedClause]:
    """The tree from its root, each clause before those below it; what a macro stands for below each of its names."""
    found: list[ExplainedClause] = []
    waiting = [(root, 0, True)]
    while waiting:
        clause, depth, decides = waiting.pop()
        node, truth = clause.node, truths.of(clause.node)
        values = truths.values(node) if isinstance(node, Test) else ()
        holding = truths.holding(node) if isinstance(node, Test) and truth else ()
        found.append(ExplainedClause(depth, clause, truth, decides, values, holding))
        deciding = {id(one) for one in truths.deciding(node)} if decides else set()
        waiting += [(child, depth + 1, id(child.node) in deciding) for child in reversed(clause.children)]
    return found
