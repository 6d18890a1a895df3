"""`a and (b and c)` → `a and b and c`; `not not a` → `a`; doubles and opposites go."""

from mozu.core.language.conditions.ast import Node
from mozu.core.language.conditions.simplify.builder import Builder, rebuilt


def flatten(node: Node, builder: Builder) -> Node:
    """The same condition without needless levels."""
    return rebuilt(node, builder)
