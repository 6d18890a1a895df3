"""The leaves of conditions: one operand compared with constants, or with another operand."""

from collections.abc import Sequence
from typing import Final

import msgspec

from mozu.core.filter.formula import Leaf

EQUALITY: Final = frozenset(("=", "in"))
"""Operators that test a single value for equality with one of the constants."""


class FieldRef(msgspec.Struct, frozen=True):
    """A field as written: `proc.aname` with argument `2`. `offset`: position in the text; 0 in a formula."""

    name: str
    argument: str | None = None
    offset: int = 0


class Text(msgspec.Struct, frozen=True):
    """A constant; escapes are already replaced."""

    value: str
    offset: int = 0
    quoted: bool = False


class Number(msgspec.Struct, frozen=True):
    """A number as written: after `<` and its kin, and in arguments of transformers."""

    text: str
    offset: int = 0


class Items(msgspec.Struct, frozen=True):
    """A list in parentheses: constants on the right side; anything but a list inside a transformer."""

    items: "tuple[Operand | Text | Number, ...]"
    offset: int = 0


class Call(msgspec.Struct, frozen=True):
    """A transformer with its arguments; `selector` is the text in brackets (`getopt(…)[c]`)."""

    name: str
    args: "tuple[Operand | Text | Number | Items, ...]"
    selector: str | None = None
    offset: int = 0


Operand = FieldRef | Call
"""The operand of a comparison."""
Term = Operand | Text | Number | Items
"""A part of an operand."""


class Comparison(Leaf, frozen=True):
    """A test, as the rule language means it.

    True if the operand has a value and `op` holds for at least one of the constants (`!=`: for all of them), false in
    every other case, missing values included.
    """

    left: Operand
    op: str
    """The operator: =, in, !=, startswith, endswith, contains, glob, pmatch, <, <=, >, >=, exists or any other of the
    language."""
    values: tuple[str, ...] = ()
    """Constants, as written."""
    right: Operand | None = None
    """The right operand, in place of constants."""
    exactly_one: bool = False
    """True if `op` must hold for exactly one of the constants (`oneof`)."""

    @property
    def field(self) -> str:
        """The field with its argument as written (`evt.arg.flags`) if one field is compared with constants; otherwise
        empty."""
        if self.right is not None or self.exactly_one or not isinstance(self.left, FieldRef):
            return ""
        return self.left.name if self.left.argument is None else f"{self.left.name}[{self.left.argument}]"


def compare(field: str, op: str, values: Sequence[str] = ()) -> Comparison:
    """Return a comparison of one field (with its argument in brackets, if it has one) with constants."""
    name, bracket, argument = field.partition("[")
    return Comparison(FieldRef(name, argument[:-1] if bracket else None), op, tuple(values))


def terms_of(term: Term) -> Sequence[Term]:
    """Return the terms right below an operand."""
    if isinstance(term, Call):
        return term.args
    return term.items if isinstance(term, Items) else ()


def fields_of(comparison: Comparison) -> list[FieldRef]:
    """Return every field that the comparison reads."""
    found: list[FieldRef] = []
    waiting: list[Term] = [comparison.left, *([] if comparison.right is None else [comparison.right])]
    while waiting:
        term = waiting.pop()
        if isinstance(term, FieldRef):
            found.append(term)
        waiting.extend(terms_of(term))
    return found
