"""`a and (b and c)` → `a and b and c`; `not not a` → `a`; doubles and opposites go."""

from mozu.core.conditions.ast import And, Node, Not, Or, bottom_up
from mozu.core.conditions.simplify.builder import Builder


def flatten(node: Node, builder: Builder) -> Node:
    """The same condition without needless levels."""

    def visit(node: Node, inner: list[Node]) -> Node:
        if isinstance(node, And):
            return builder.all_of(inner)
        if isinstance(node, Or):
            return builder.any_of(inner)
        if isinstance(node, Not):
            return builder.negate(inner[0])
        return builder.leaf(node)

    return bottom_up(node, visit)
