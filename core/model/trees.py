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
    stack: list[tuple[N, Sequence[N] | None]] = [(root, None)]
    while stack:
        node, children = stack.pop()
        key = id(node)
        if key in done:
            continue
        if children is not None:  # which are done
            done[key] = visit(node, [done[id(child)] for child in children])
        elif children := below(node):
            stack.append((node, children))
            stack.extend([(child, None) for child in reversed(children)])
        else:
            done[key] = visit(node, [])
    return done[id(root)]
