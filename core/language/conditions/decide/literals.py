"""Comparisons that must hold, or must not, and the test of one value."""

from typing import Any, Final, NamedTuple

import msgspec

from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.language.conditions.generate.matchers import BINARY, any_of, in_networks
from mozu.core.language.conditions.operands import Typed
from mozu.core.language.conditions.values import constant
from mozu.core.model.fields import FieldType

ORDER: Final = frozenset(("<", "<=", ">", ">="))
_SETS: Final = EQUALITY | {"intersects"}


class Literal(NamedTuple):
    """A comparison, negated or not."""

    test: Comparison
    negated: bool

    @property
    def equals(self) -> bool:
        """True if it demands that the value is one of its constants."""
        return self.test.op in _SETS and not self.negated

    def as_equality(self) -> "Literal":
        """Return the same requirement on a value that exists, with `!=` written as a negated `in`."""
        if self.test.op != "!=" or self.is_opaque:
            return self
        return Literal(msgspec.structs.replace(self.test, op="in"), not self.negated)

    @property
    def is_opaque(self) -> bool:
        """True if only the existence of the value follows from it."""
        return self.test.right is not None or self.test.exactly_one


def constants(literal: Literal, typed: Typed) -> list[Any]:
    """Return the constants of a comparison in the type of its operand."""
    return [constant(typed.type, typed.bits, literal.test.op, text) for text in literal.test.values]


def satisfied(literal: Literal, typed: Typed, value: object) -> bool:
    """Return True if one existing value satisfies the comparison."""
    return literal.is_opaque or _holds(literal, typed, value) is not literal.negated


def _holds(literal: Literal, typed: Typed, value: object) -> bool:
    op = literal.test.op
    if op == "exists":
        return True
    known = constants(literal, typed)
    if typed.type is FieldType.IPNET:
        return in_networks(known)(value)
    if op in _SETS:
        return value in known
    return any(BINARY[op](value, one) for one in known) if op in ORDER else any_of(op, known)(value)
