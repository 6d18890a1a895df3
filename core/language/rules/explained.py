"""Explanation of a match, or of its absence: each clause of the condition with its truth, in text order."""

import msgspec

from mozu.core.language.conditions import NodeTruths, OperandValue, Test
from mozu.core.language.rules.clauses import Clause


class ExplainedClause(msgspec.Struct, frozen=True, eq=False):
    """A clause at its place in the tree."""

    depth: int
    """Depth in the tree; 0: the whole condition."""
    clause: Clause
    truth: bool
    decides: bool
    """True if the truth of the whole condition depends on the clause: its parent decides, and depends on it."""
    values: tuple[OperandValue, ...] = ()
    """Values of a test: of its left side, and of its right side unless it is a constant."""
    holding: tuple[str, ...] = ()
    """Constants of a true test for which it holds individually, if it has several."""


def explained(root: Clause, truths: NodeTruths) -> list[ExplainedClause]:
    """Return the tree in pre-order; the tree of a macro is repeated below each reference to it."""
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
