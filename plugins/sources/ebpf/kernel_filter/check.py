"""The leaves of a kernel filter: tests in C. A formula of them becomes one C expression."""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    UNKNOWN,
    AllOf,
    Bounds,
    Constant,
    Formula,
    Leaf,
    Negation,
    exactly,
    fold,
    leaves,
    necessary,
    substitute,
)

NEVER: Final = Bounds(FALSE, TRUE)
"""Of what is false wherever it has a value, and may have none."""


class Check(Leaf, frozen=True):
    """A test: a C expression that is true or false."""

    code: str
    cost: int = 1
    """Cheap ones come first."""
    of_name: bool = False
    """Whether it looks at the name of a path, which must have been read."""
    of_process: bool = False
    """Whether it reads the verdict on the process."""
    text: str = ""
    """What is looked for anywhere in the name."""


def checks(formula: Formula) -> list[Check]:
    """Every test once."""
    return [leaf for leaf in leaves(formula) if isinstance(leaf, Check)]


def has(formula: Formula, test: Callable[[Check], bool]) -> bool:
    """Whether some test is such."""
    return any(map(test, checks(formula)))


def replaced(formula: Formula, change: Callable[[Check], Formula]) -> Formula:
    """The same with other tests."""

    def visit(leaf: Leaf) -> Formula:
        assert isinstance(leaf, Check)
        return change(leaf)

    return substitute(formula, visit)


def without(formula: Formula, test: Callable[[Check], bool]) -> Formula:
    """What must hold of the other tests, whatever these say."""

    def bounds(leaf: Leaf) -> Bounds:
        assert isinstance(leaf, Check)
        return UNKNOWN if test(leaf) else exactly(leaf)

    return necessary(formula, bounds).true


def assumed(formula: Formula, known: Mapping[Check, bool]) -> Formula:
    """The same where it is known of some tests whether they hold."""
    return replaced(formula, lambda check: check if check not in known else TRUE if known[check] else FALSE)


def cost(formula: Formula) -> int:
    """Of the whole, as if everything had to be looked at."""
    return fold(formula, lambda node, inner: node.cost if isinstance(node, Check) else sum(inner))


def in_c(formula: Formula) -> str:
    """The text of one C expression; of tests joined to each other the cheap ones come first."""

    def visit(node: Formula, inner: list[tuple[int, str]]) -> tuple[int, str]:
        if isinstance(node, Check):
            return node.cost, f"({node.code})"
        if isinstance(node, Constant):
            return 0, "true" if node.value else "false"
        if isinstance(node, Negation):
            return inner[0][0], f"(!{inner[0][1]})"
        ordered = sorted(inner, key=lambda part: part[0])
        word = " && " if isinstance(node, AllOf) else " || "
        return sum(part[0] for part in inner), f"({word.join(part[1] for part in ordered)})"

    return fold(formula, visit)[1]
