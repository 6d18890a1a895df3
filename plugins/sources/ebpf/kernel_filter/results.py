"""What a call gave back: evt.rawres, evt.res, evt.failed."""

import errno
import re
from typing import Final

from mozu.core.filter.predicate import Comparison
from mozu.core.model.syscalls import errno_name
from mozu.plugins.sources.ebpf.kernel_filter.expression import Check, Expression, negated, some

_NUMBER: Final = re.compile(r"-?\d{1,18}")
_OPERATORS: Final = {"in": "==", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
DONE: Final = Check("sys->result >= 0")
FAILED: Final = Check("sys->result < 0")
_ERRORS: Final = {name: number for number in errno.errorcode if (name := errno_name(number)) is not None}


def of_result(fact: Comparison) -> Expression | None:
    """The test of a fact about the result; None where the fact is about something else."""
    if fact.field == "evt.rawres":
        return compared(fact, "sys->result")
    if fact.field == "evt.failed":
        return _failed(fact)
    return _outcome(fact) if fact.field == "evt.res" else None


def compared(fact: Comparison, value: str) -> Expression:
    """A test of a number that the event always has; `value` is its C expression."""
    if not all(_NUMBER.fullmatch(one) for one in fact.values):
        return True
    if fact.op == "!=":
        whole = negated(some(Check(f"{value} == {one}ll") for one in fact.values))
    elif fact.op in _OPERATORS:
        whole = some(Check(f"{value} {_OPERATORS[fact.op]} {one}ll") for one in fact.values)
    else:
        return True
    return negated(whole) if fact.negated else whole


def flag(fact: Comparison, check: Expression) -> Expression:
    """A test of a truth value that the event always has; `check`: whether it is true."""
    if fact.op not in ("in", "!=") or not set(fact.values) <= {"true", "false"} or not fact.values:
        return True
    wanted = [check if value == "true" else negated(check) for value in fact.values]
    whole = some(wanted)
    return negated(whole) if (fact.op == "!=") is not fact.negated else whole


def _failed(fact: Comparison) -> Expression:
    return flag(fact, FAILED)


def _outcome(fact: Comparison) -> Expression:
    """SUCCESS, or the name of an error."""
    if fact.op == "startswith" and not fact.negated and all(value[:1] == "E" for value in fact.values):
        return FAILED
    if fact.op not in ("in", "!="):
        return True
    tests: list[Expression] = []
    for value in fact.values:
        if value == "SUCCESS":
            tests.append(DONE)
        elif value in _ERRORS:
            tests.append(Check(f"sys->result == -{_ERRORS[value]}"))
        else:
            return True
    whole = some(tests)
    return negated(whole) if (fact.op == "!=") is not fact.negated else whole
