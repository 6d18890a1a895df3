"""Code of one test: a Python expression that is true or false in a boolean context, whichever values are missing."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from mozu.core.filter.comparison import Comparison, Term
from mozu.core.language.conditions.generate import matchers
from mozu.core.language.conditions.operands import TEXT, Typed
from mozu.core.language.conditions.values import constants_of
from mozu.core.model.fields import FieldType, Match

_INLINE: Final = 6
"""Maximum number of parts that are searched for inline, one after the other; for more, a function is called."""
_EQUAL: Final = ("=", "in", "intersects")
_BYTE_OPERATORS: Final = {"bcontains": "contains", "bstartswith": "startswith"}


class FunctionContext(Protocol):
    """The variables and types of a generated function that the code of its tests may use."""

    library: Any

    def value(self, term: Term, ready: set[str]) -> str:
        """Return the expression of an operand; add its variable to `ready` if the variable is kept."""

    def value_kept(self, term: Term, ready: set[str]) -> str:
        """Return the expression of an operand whose variable is used again directly afterwards."""

    def variable(self, term: Term) -> str:
        """Return the name of an operand's variable."""

    def typed(self, term: Term) -> Typed:
        """Return the type of an operand."""


def test_expression(test: Comparison, function: FunctionContext, ready: set[str]) -> str:
    """Return the expression; add the variables that it certainly reads to `ready`."""
    typed = function.typed(test.left)
    right = test.right
    if right is not None:
        return _relation(test, typed, right, function, ready)
    values = constants(test, typed)
    code = _Code(test, typed, values, function)
    if typed.is_list:
        return code.of_list(ready)
    if typed.match is Match.ONE:
        return code.of_one(ready)
    return code.of_many(ready)


def constants(test: Comparison, typed: Typed) -> list[Any]:
    """Return the typed values of the right side, including duplicates."""
    op = "<=" if "at_most" in typed.traits else test.op
    return list(constants_of(typed.type, typed.bits, op, test.values))


class _Code:
    """The code of a test with constants."""

    def __init__(self, test: Comparison, typed: Typed, values: Sequence[Any], function: FunctionContext) -> None:
        self.op = "<=" if "at_most" in typed.traits else test.op
        self.exactly_one = test.exactly_one
        self.left = test.left
        self.typed = typed
        self.values = values
        self.function = function
        self.network = typed.type is FieldType.IPNET

    # --- by kind of left side

    def of_list(self, ready: set[str]) -> str:
        """Return the code for a tuple of values: `in` requires all of them, `intersects` one."""
        name, read = self._read(ready)
        if self.op == "exists":
            return f"({read})"
        whole = self._set(self.values)
        if self.op == "in":
            return f"({read} and {whole}.issuperset({name}))"
        return f"({read} and not {whole}.isdisjoint({name}))"

    def of_one(self, ready: set[str]) -> str:
        """Return the code for a single value."""
        if self.op == "exists":
            return f"({self.function.value(self.left, ready)} is not None)"
        if self._plainly_equal():
            return self._equal(self.function.value(self.left, ready))
        name, read = self._read(ready)
        return f"({read} is not None and {self._combined(lambda values: self._single(name, values))})"

    def of_many(self, ready: set[str]) -> str:
        """Return the code for a tuple of values of which one must match (for `!=` on the two ends, and on names:
        all)."""
        name, read = self._read(ready)
        if self.op == "exists":
            there = f"{read} is not None"
            ends = self.typed.match is Match.ENDPOINTS
            return f"({there})" if ends else f"({there} and any(x is not None for x in {name}))"
        if self.op == "!=" and self.typed.match is not Match.ANY:
            return f"({read} and {self._combined(lambda values: self._neither(name, values))})"
        return f"({read} and {self._combined(lambda values: self._any(name, values))})"

    # --- pieces

    def _read(self, ready: set[str]) -> tuple[str, str]:
        """Return (variable, expression that reads it). Only for expressions that use the variable again."""
        name = self.function.variable(self.left)
        return name, self.function.value_kept(self.left, ready)

    def _plainly_equal(self) -> bool:
        """Return True if None needs no special case: it equals no constant."""
        return self.op in _EQUAL and not self.exactly_one and not self.network

    def _equal(self, read: str) -> str:
        if len(set(self.values)) == 1:
            if self.typed.type is FieldType.BOOL:
                return f"({read})" if self.values[0] else f"({read} == False)"
            return f"({read} == {self._constant(self.values[0])})"
        return f"({read} in {self._set(self.values)})"

    def _combined(self, base: Callable[[Sequence[Any]], str]) -> str:
        """Combine values; `base` returns the code for any of several values (for `!=`: none of them)."""
        if not self.exactly_one:
            return base(self.values)
        single = (base((value,)) for value in self.values)
        return f"sum(({' '.join(f'1 if {one} else 0,' for one in single)})) == 1"

    def _neither(self, name: str, values: Sequence[Any]) -> str:
        if self.network:
            return f"not any(map({self._networks(values)}, {name}))"
        return f"{self._set(values)}.isdisjoint({name})"

    def _any(self, name: str, values: Sequence[Any]) -> str:
        if self.op in _EQUAL:
            if self.network:
                return f"any(map({self._networks(values)}, {name}))"
            return f"not {self._set(values)}.isdisjoint({name})"
        return f"any(x is not None and {self._single('x', values)} for x in {name})"

    def _single(self, name: str, values: Sequence[Any]) -> str:
        """Return the code for a value that is not missing: equal to any of the constants (for `!=`: to none)."""
        if self.op in (*_EQUAL, "!="):
            return self._membership(name, values)
        if self.op in ("<", "<=", ">", ">="):
            return self._order(name, values[0])
        op = _BYTE_OPERATORS.get(self.op, self.op)
        plain = not any(isinstance(value, str) and matchers.has_invalid_utf8(value) for value in values)
        if op == "contains" and plain and len(values) <= _INLINE:
            return f"({' or '.join(f'{self._constant(value)} in {name}' for value in values)})"
        if op in ("startswith", "endswith") and plain:
            whole = values[0] if len(values) == 1 else tuple(values)
            return f"{name}.{op}({self._constant(whole)})"
        return f"{self.function.library.matcher(self.op, tuple(values))}({name})"

    def _membership(self, name: str, values: Sequence[Any]) -> str:
        negated = self.op == "!="
        if self.network:
            return f"{'not ' if negated else ''}{self._networks(values)}({name})"
        if len(set(values)) == 1:
            return f"{name} {'!=' if negated else '=='} {self._constant(values[0])}"
        return f"{name} {'not in' if negated else 'in'} {self._set(values)}"

    def _order(self, name: str, value: Any) -> str:
        if self.typed.type in TEXT:
            return f"{self.function.library.call(matchers.BINARY[self.op])}({name}, {self._constant(value)})"
        return f"{name} {self.op} {self._constant(value)}"

    def _networks(self, values: Sequence[Any]) -> str:
        return str(self.function.library.networks(tuple(values)))

    def _set(self, values: Sequence[Any]) -> str:
        return str(self.function.library.constant(frozenset(values)))

    def _constant(self, value: Any) -> str:
        return str(self.function.library.constant(value))


def _relation(test: Comparison, typed: Typed, other: Term, function: Any, ready: set[str]) -> str:
    """Return the code of a test with an operand on either side."""
    left, right = function.variable(test.left), function.variable(other)
    read_left = function.value_kept(test.left, ready)
    read_right = function.value_kept(other, set(ready))
    if typed.is_list:
        held = f"set({right}).issuperset({left})" if test.op == "in" else f"not set({right}).isdisjoint({left})"
        return f"({read_left} and {read_right} and {held})"
    if test.op in _EQUAL:
        held = f"{left} == {right}"
    elif test.op == "!=":
        held = f"{left} != {right}"
    elif test.op in ("<", "<=", ">", ">=") and typed.type not in TEXT:
        held = f"{left} {test.op} {right}"
    else:
        held = f"{function.library.call(matchers.BINARY[test.op])}({left}, {right})"
    return f"({read_left} is not None and {read_right} is not None and {held})"
