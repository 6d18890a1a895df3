"""Makes nodes so that equal ones are the same object, and small things are settled on the way."""

from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.language.conditions.ast import And, Const, Macro, Node, Not, Or, Test, bottom_up
from mozu.core.language.conditions.unparse import unparse

TRUE: Final = Const(value=True)
FALSE: Final = Const(value=False)


class Builder:
    """A table of the nodes made so far. Nodes that come from elsewhere must pass through `leaf` first."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._own: set[int] = set()

    def leaf(self, node: Test | Macro | Const) -> Node:
        """A test, macro or constant."""
        if isinstance(node, Const):
            return TRUE if node.value else FALSE
        if id(node) in self._own:
            return node
        kept = self._nodes.setdefault((unparse(node),), node)
        self._own.add(id(kept))
        return kept

    def negate(self, child: Node) -> Node:
        """Not; two cancel."""
        if isinstance(child, Not):
            return child.child
        if isinstance(child, Const):
            return FALSE if child.value else TRUE
        return self._nodes.setdefault((Not, id(child)), Not(child))

    def all_of(self, children: Iterable[Node]) -> Node:
        """And; nested ones are taken apart, doubles are dropped."""
        return self._joined(And, children, unit=TRUE, zero=FALSE)

    def any_of(self, children: Iterable[Node]) -> Node:
        """Or; likewise."""
        return self._joined(Or, children, unit=FALSE, zero=TRUE)

    def _joined(self, kind: type[And] | type[Or], children: Iterable[Node], unit: Const, zero: Const) -> Node:
        distinct: dict[int, Node] = {}
        for child in children:
            for part in child.children if isinstance(child, kind) else (child,):
                distinct[id(part)] = part
        distinct.pop(id(unit), None)
        if id(zero) in distinct or any(isinstance(n, Not) and id(n.child) in distinct for n in distinct.values()):
            return zero
        parts = tuple(distinct.values())
        if not parts:
            return unit
        if len(parts) == 1:
            return parts[0]
        return self._nodes.setdefault((kind, *distinct), kind(parts))


def rebuilt(
    node: Node,
    builder: Builder,
    leaf: Callable[[Node], Node] = lambda node: node,
    all_of: Callable[[list[Node]], Node] | None = None,
) -> Node:
    """The same tree, made by the builder, with other leaves, and conjunctions made otherwise, where they are given."""

    def visit(node: Node, inner: list[Node]) -> Node:
        if isinstance(node, And):
            return (all_of or builder.all_of)(inner)
        if isinstance(node, Or):
            return builder.any_of(inner)
        if isinstance(node, Not):
            return builder.negate(inner[0])
        made = leaf(node)
        assert isinstance(made, Test | Macro | Const)
        return builder.leaf(made)

    return bottom_up(node, visit)
