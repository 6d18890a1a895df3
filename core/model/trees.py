"""Walks of trees without recursion, however deep the trees are."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

N = TypeVar("N")
T = TypeVar("T")


def fold(root: N, below: Callable[[N], Sequence[N]], visit: Callable[[N, list[T]], T]) -> T:
    """Call `visit(node, results of its children)` once for every node, children first; return the root's result.

    Nodes are distinguished by identity: a tree may be a graph without cycles.
    """
    if not (children := below(root)):
        return visit(root, [])
    done: dict[int, T] = {}
    stack: list[tuple[N, Iterator[N], list[T]]] = [(root, iter(children), [])]
    while True:
        node, left, results = stack[-1]
        for child in left:
            key = id(child)
            if key not in done:
                if children := below(child):
                    stack.append((child, iter(children), []))
                    break
                done[key] = visit(child, [])
            results.append(done[key])
        else:
            stack.pop()
            found = done[id(node)] = visit(node, results)
            if not stack:
                return found
            stack[-1][2].append(found)
