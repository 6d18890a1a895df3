"""Trees that may be as deep as their makers like: walked without recursion."""

from collections.abc import Callable, Sequence
from typing import TypeVar

N = TypeVar("N")
T = TypeVar("T")


def fold(root: N, below: Callable[[N], Sequence[N]], visit: Callable[[N, list[T]], T]) -> T:
    """`visit(node, results of its children)` for every node once, children first; gives that of the root.

    Nodes are told apart by identity: a tree may be a graph without cycles.
    """
    if not below(root):
        return visit(root, [])
    done: dict[int, T] = {}
    stack: list[tuple[N, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        children = below(node)
        if ready or not children:
            done[id(node)] = visit(node, [done[id(child)] for child in children])
        else:
            stack.append((node, True))
            stack.extend([(child, False) for child in reversed(children)])
    return done[id(root)]
