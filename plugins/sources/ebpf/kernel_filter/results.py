"""Tests of a call's result: evt.rawres, evt.res, evt.failed."""

import errno
import re
from collections.abc import Callable
from typing import Final

from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import UNKNOWN, Bounds, Formula, any_of, at_most, exactly, negation
from mozu.core.model.syscalls import errno_name
from mozu.plugins.sources.ebpf.kernel_filter.check import NumberCheck, Subject

_NUMBER: Final = re.compile(r"-?\d{1,18}")
_ORDER: Final = ("<", "<=", ">", ">=")
DONE: Final = NumberCheck(Subject.CALL, "result", ">=", 0)
FAILED: Final = negation(DONE)
_ERRORS: Final = {name: number for number in errno.errorcode if (name := errno_name(number)) is not None}


def of_result(test: Comparison) -> Bounds | None:
    """Return the bounds of a comparison with the result; None for another comparison."""
    if test.field == "evt.rawres":
        return compared(test, _result)
    if test.field == "evt.failed":
        return flag(test, FAILED)
    return _outcome(test) if test.field == "evt.res" else None


def of_made_descriptor(test: Comparison) -> Bounds | None:
    """Return the bounds of a comparison with the descriptor that a call has made, its result; None for another
    comparison."""
    if test.field != "fd.num":
        return None
    bounds = compared(test, _result)
    return Bounds(any_of((FAILED, bounds.true)), any_of((FAILED, bounds.false)))


def _result(relation: str, constant: int) -> Formula:
    return NumberCheck(Subject.CALL, "result", relation, constant)


def compared(test: Comparison, number: Callable[[str, int], Formula]) -> Bounds:
    """Return the bounds of a comparison with a number that the event always has; `number` makes its test from relation
    and constant."""
    if not all(_NUMBER.fullmatch(one) for one in test.values):
        return UNKNOWN
    if test.op in _ORDER:
        return exactly(number(test.op, int(test.values[0])))
    return equal(test, any_of(number("==", int(one)) for one in test.values))


def flag(test: Comparison, check: Formula) -> Bounds:
    """Return the bounds of a comparison with a bool that the event always has; `check`: the condition for true."""
    if not set(test.values) <= {"true", "false"} or not test.values:
        return UNKNOWN
    return equal(test, any_of(check if value == "true" else negation(check) for value in test.values))


def equal(test: Comparison, whole: Formula) -> Bounds:
    """Return the bounds of an (in)equality; `whole` is the condition for the value being one of the constants, and
    there always is a value."""
    if test.op in EQUALITY:
        return exactly(whole)
    return exactly(negation(whole)) if test.op == "!=" else UNKNOWN


def _outcome(test: Comparison) -> Bounds:
    """Return the bounds of a comparison with SUCCESS or the name of an error."""
    if test.op == "startswith" and all(value[:1] == "E" for value in test.values):
        return at_most(FAILED)
    if not all(value == "SUCCESS" or value in _ERRORS for value in test.values):
        return UNKNOWN
    return equal(
        test,
        any_of(DONE if value == "SUCCESS" else _result("==", -_ERRORS[value]) for value in test.values),
    )
