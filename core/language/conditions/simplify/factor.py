"""`(a and b) or (a and c)` → `a and (b or c)`: what alternatives share is tested once."""

from collections import Counter
from collections.abc import Sequence

from mozu.core.language.conditions.ast import And, Node, Not, Or, bottom_up
from mozu.core.language.conditions.simplify.builder import Builder


def factor(node: Node, builder: Builder) -> Node:
    """The same condition with shared parts taken out of alternatives."""

    def visit(node: Node, inner: list[Node]) -> Node:
        if isinstance(node, Or):
            return builder.any_of(_factored(inner, builder))
        if isinstance(node, And):
            return builder.all_of(inner)
        if isinstance(node, Not):
            return builder.negate(inner[0])
        return node

    return bottom_up(node, visit)


def _factored(children: Sequence[Node], builder: Builder) -> list[Node]:
    left = list(children)
    result: list[Node] = []
    while left:
        shared = _most_shared(left)
        if shared is None:
            break
        under = [child for child in left if isinstance(child, And) and shared in child.children]
        left = [child for child in left if child not in under]
        rests = (builder.all_of(part for part in child.children if part is not shared) for child in under)
        result.append(builder.all_of((shared, builder.any_of(rests))))
    return left + result


def _most_shared(children: Sequence[Node]) -> Node | None:
    """The part that most alternatives have, if at least two have it; of equals the first."""
    uses: Counter[int] = Counter()
    nodes: dict[int, Node] = {}
    for child in children:
        for part in child.children if isinstance(child, And) else ():
            uses[id(part)] += 1
            nodes[id(part)] = part
    best = max(uses, key=lambda key: uses[key], default=None)
    return nodes[best] if best is not None and uses[best] > 1 else None
