"""The syntax tree of a condition: the parser makes it, and `lower` converts it into a formula.

Nodes are immutable, compared by identity and shared freely: a tree may be a graph without cycles.

`offset` counts characters from the start of the text; `origin` names the text (empty: the condition, else a macro).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from mozu.core.filter.comparison import Call, FieldRef, Items, Number, Operand, Term, Text, terms_of
from mozu.core.model.trees import fold

__all__ = [
    "And",
    "Call",
    "FieldRef",
    "Items",
    "Macro",
    "Node",
    "Not",
    "Number",
    "Operand",
    "Or",
    "Right",
    "Term",
    "Test",
    "Text",
    "Val",
    "bottom_up",
    "bottom_up_term",
    "children",
    "levels",
]


class Val(msgspec.Struct, frozen=True, eq=False):
    """A field on the right side: `val(proc.pname)`."""

    field: FieldRef
    offset: int = 0


Right = Text | Number | Items | Call | Val
"""Operands allowed on the right. After a list operator or a modifier, Text is a name without parentheses: one
element."""


class Test(msgspec.Struct, frozen=True, eq=False):
    """A single test. `right` is None for `exists`; `modifier` is empty, oneof, anyof or allof."""

    __test__ = False  # not a test class of pytest

    left: Operand
    op: str
    right: Right | None = None
    modifier: str = ""
    offset: int = 0
    op_offset: int = 0
    origin: str = ""


class Macro(msgspec.Struct, frozen=True, eq=False):
    """A reference to a macro."""

    name: str
    offset: int = 0
    origin: str = ""


class Not(msgspec.Struct, frozen=True, eq=False):
    """Negation."""

    child: "Node"
    offset: int = 0
    levels: int = 1
    """Levels of nodes below, as counted by the maker of the tree."""


class And(msgspec.Struct, frozen=True, eq=False):
    """Conjunction of two or more nodes."""

    children: "tuple[Node, ...]"
    offset: int = 0
    levels: int = 1


class Or(msgspec.Struct, frozen=True, eq=False):
    """Disjunction of two or more nodes."""

    children: "tuple[Node, ...]"
    offset: int = 0
    levels: int = 1


Node = And | Or | Not | Test | Macro

T = TypeVar("T")


def levels(nodes: Iterable[Node]) -> int:
    """Return one more than the largest number of levels of the nodes."""
    return 1 + max(0 if isinstance(node, Test | Macro) else node.levels for node in nodes)


def children(node: Node) -> Sequence[Node]:
    """Return the direct children."""
    if isinstance(node, And | Or):
        return node.children
    if isinstance(node, Not):
        return (node.child,)
    return ()


def bottom_up(root: Node, visit: Callable[[Node, list[T]], T]) -> T:
    """Return the result of `visit(node, results of its children)` for the root; visit every node once, children first,
    without recursion.
    """
    return fold(root, children, visit)


def bottom_up_term(root: Term, visit: Callable[[Term, list[T]], T]) -> T:
    """Apply `bottom_up` to operands."""
    return fold(root, terms_of, visit)
