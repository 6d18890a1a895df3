"""Tests of an open's arguments: flags, and the name of the file as in `fd.name`."""

from collections.abc import Callable
from typing import Final

from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    UNKNOWN,
    Bounds,
    Formula,
    all_of,
    any_of,
    at_most,
    complement,
    exactly,
)
from mozu.core.model.syscalls import convert_open_flags
from mozu.plugins.sources.ebpf.kernel_filter import names
from mozu.plugins.sources.ebpf.kernel_filter.check import NEVER, NumberCheck, Subject, about
from mozu.plugins.sources.ebpf.kernel_filter.flags import mask_of
from mozu.plugins.sources.ebpf.kernel_filter.results import DONE, FAILED, compared, flag

_ACCESS: Final = 0o3


def _some_bit(member: str, mask: int) -> Formula:
    return NumberCheck(Subject.OPEN, member, "!=", 0, narrow=True, mask=mask) if mask else FALSE


def _access(relation: str, code: int) -> Formula:
    return NumberCheck(Subject.OPEN, "flags", relation, code, narrow=True, mask=_ACCESS)


_READS: Final = _access("!=", 1)
_WRITES: Final = any_of((_access("==", 1), _access("==", 2)))
"""Test for writing; as in `convert_open_flags`, an access mode that is neither 1 nor 2 is for reading."""
_IS_DIRECTORY: Final = all_of((DONE, _some_bit("flags", 0o200000)))
_CREATES: Final = _some_bit("flags", 0o100 | 0o20200000)
_EXECUTABLE: Final = _some_bit("mode", 0o111)
_LETTERS: Final = {"file": "f", "directory": "d"}

Test = Callable[[str], Formula]


def of_open(test: Comparison, name: str) -> Bounds | None:
    """Return the bounds of a comparison with an open's arguments; None for another comparison."""
    field = test.field
    if field == "fd.num":
        return _number(test)
    if field in ("evt.is_open_read", "evt.is_open_write"):
        if name == "creat":
            return NEVER if test.op in EQUALITY and test.values == ("true",) else UNKNOWN
        return flag(test, _READS if field.endswith("read") else _WRITES)
    if field == "evt.is_open_exec":
        return flag(test, _EXECUTABLE if name == "creat" else all_of((_CREATES, _EXECUTABLE)))
    if field == "evt.arg.flags":
        mask = None if name == "creat" else mask_of(test, "file_flags", convert_open_flags, skip=_ACCESS)
        return UNKNOWN if mask is None else at_most(_some_bit("flags", mask))
    if field in ("fd.typechar", "fd.type"):
        return _kind(test)
    return _path(test)


def _number(test: Comparison) -> Bounds:
    """Return the bounds of a comparison with the descriptor's number, which is -1 if the call failed."""
    if test.op in EQUALITY and test.values == ("-1",):
        return exactly(FAILED)
    if (test.op, test.values) == (">=", ("0",)):
        return exactly(DONE)
    return compared(test, _of_number)


def _of_number(relation: str, constant: int) -> Formula:
    """Return a test of the number as a test of the result: every negative result means -1."""
    if constant >= 0:
        return NumberCheck(Subject.CALL, "result", relation, constant)
    at_minus_1 = -1
    return {
        "==": FAILED if constant == at_minus_1 else FALSE,
        "<": FALSE,
        "<=": FAILED if constant == at_minus_1 else FALSE,
        ">": DONE if constant == at_minus_1 else TRUE,
        ">=": TRUE,
    }[relation]


def _kind(test: Comparison) -> Bounds:
    """Return the bounds of a comparison with the kind: a file, a directory if the flags say so, `o` for some failed
    opens."""
    if test.op not in EQUALITY:
        return UNKNOWN
    letters = {_LETTERS.get(value, value) for value in test.values}
    kinds = [_IS_DIRECTORY] if "d" in letters else []
    if letters & {"f", "o"}:
        kinds.append(complement(_IS_DIRECTORY))
    return at_most(any_of(kinds))


_NAME: Final[dict[str, Test]] = {
    "in": names.equal,
    "startswith": names.begins,
    "endswith": names.ends,
    "contains": names.contains,
    "glob": names.like,
    "pmatch": names.below,
    "regex": names.matching,
}
_DIRECTORY: Final[dict[str, Test]] = {"in": names.directory_is, "startswith": names.begins, "pmatch": names.below}
_FILENAME: Final[dict[str, Test]] = {
    "in": names.filename_is,
    "startswith": names.filename_begins,
    "endswith": names.ends,
    "contains": names.contains,
}


def _absolute(test: Test) -> Test:
    """Return a test of a path as given that is made only if it begins with a slash: a normalized name is that path."""
    return lambda value: test(value) if value.startswith("/") else TRUE


_RAW: Final[dict[str, Test]] = {
    "in": _absolute(names.equal),
    "startswith": _absolute(names.begins),
    "contains": names.contains,
    "glob": _absolute(names.like),
}
"""Tests of the path as given: a text that it contains is also in a normalized name."""
_EXACT: Final = {
    "fd.name": ("in", "startswith", "endswith"),
    "fd.realpath": ("in", "startswith", "endswith"),
    "fd.paths": ("in", "startswith", "endswith"),
    "fd.directory": ("in",),
    "fd.filename": ("in", "startswith"),
}
"""Operators that decide the comparison for every normalized path (others pass the filter); for the rest the tests are
only necessary."""
_TESTS: Final = {
    "fd.name": _NAME,
    "fd.directory": _DIRECTORY,
    "fd.filename": _FILENAME,
    "fd.nameraw": _RAW,
    "fd.realpath": _NAME,
    "fd.paths": _NAME,
}
_REAL: Final = frozenset(("fd.realpath", "fd.paths"))


def _path(test: Comparison) -> Bounds | None:
    tests = _TESTS.get(test.field)
    if tests is None:
        return None
    op = "in" if test.op in EQUALITY or test.op == "!=" else test.op
    if op not in tests or not names.usable(test.values):
        return UNKNOWN
    if test.field in _REAL and not all(test.values):
        return UNKNOWN  # the kernel filter has an empty path where there is none
    whole = any_of(map(tests[op], test.values))
    if test.field in _REAL:
        real = about(whole, Subject.REAL)
        whole = real if test.field == "fd.realpath" else any_of((whole, real))
    bounds = exactly(whole) if op in _EXACT.get(test.field, ()) else at_most(whole)
    if test.op == "!=":
        # A comparison of a missing value is false, also with !=.
        bounds = Bounds(bounds.false, TRUE if test.field == "fd.realpath" else bounds.true)
    if test.field in ("fd.name", "fd.nameraw", *_REAL):
        return bounds
    if test.field == "fd.filename":  # a failed open has none
        bounds = Bounds(all_of((DONE, bounds.true)), any_of((FAILED, bounds.false)))
    return Bounds(any_of((_IS_DIRECTORY, bounds.true)), any_of((_IS_DIRECTORY, bounds.false)))
