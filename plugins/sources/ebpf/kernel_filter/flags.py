"""Tests of parameters that are sets of flags, codes or plain numbers: evt.arg.flags contains O_TRUNC."""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import FALSE, UNKNOWN, Bounds, Formula, any_of, at_most, exactly
from mozu.core.model.fields.evt.args import RAW
from mozu.core.model.fields.field import FieldType
from mozu.core.model.syscalls import Param, convert_flags, event_type, flag_table, nameless_code, native_codes
from mozu.plugins.sources.ebpf.kernel_filter.check import NumberCheck, Subject
from mozu.plugins.sources.ebpf.kernel_filter.results import equal

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_SMALL: Final = re.compile(r"\d{1,9}")
_FIELD: Final = re.compile(r"evt\.(arg|rawarg)\.(\w+)")
_BITS: Final = frozenset(
    ("chmod_mode", "clone_flags", "mmap_flags", "prot_flags", "umount_flags", "unlinkat_flags", "memfd_create_flags")
)
"""Tables converted bit by bit, so that each of the kernel's bits can be tested alone."""
_CODES: Final = {"ptrace_requests": 0x4300, "socket_families": 256, "bpf_commands": 256, "fcntl_commands": 0x800}
"""The kernel's first number from which no code has a name, by table of codes."""
_WIDE: Final = frozenset(("int64", "uint64"))
_NARROW: Final = frozenset(("int32", "uint32", "uid", "gid", "fd", "pid"))


def of_argument(test: Comparison, spec: SyscallSpec) -> Bounds | None:
    """Return the bounds of a comparison with a parameter that is one of the call's own numbers; None for another
    comparison."""
    match = _FIELD.fullmatch(test.field)
    declared = event_type(spec.name)
    if match is None or declared is None:
        return None
    position = declared.index(match[2])
    if position is None or position >= len(spec.operands) or not spec.operands[position].isdigit():
        return None
    param, argument = declared.params[position], int(spec.operands[position])
    if match[1] == "rawarg":
        return _number(test, param, argument)
    if param.table in _BITS:
        mask = mask_of(test, param.table, lambda native: convert_flags(param.table, native))
        return UNKNOWN if mask is None else at_most(_some_bit(argument, mask))
    return _code(test, param.table, argument) if param.table in _CODES else UNKNOWN


def mask_of(test: Comparison, table: str, convert: Callable[[int], int], skip: int = 0) -> int | None:
    """Return the kernel's bits of the flags whose names contain a text; None if unknown.

    `convert` returns the table's number for one of the kernel's bits. `skip`: the kernel's bits that are no flags of
    their own.
    """
    if test.op != "contains" or not all(map(_NAME.fullmatch, test.values)):
        return None
    always, mask = convert(0), 0
    for name, number in flag_table(table):
        if not any(part in name for part in test.values):
            continue
        native = sum(1 << bit for bit in range(32) if not skip >> bit & 1 and convert(1 << bit) & number & ~always)
        if not native or number & always:
            return None
        mask |= native
    return mask


def _some_bit(argument: int, mask: int) -> Formula:
    return NumberCheck(Subject.CALL, "args", "!=", 0, element=argument, narrow=True, mask=mask) if mask else FALSE


def _code(test: Comparison, table: str, argument: int) -> Bounds:
    """Return the bounds of a comparison with one of a table's codes, by its name or a part of it."""
    if test.op != "contains" and test.op not in EQUALITY:
        return UNKNOWN
    if not all(_NAME.fullmatch(one) or (test.op in EQUALITY and _SMALL.fullmatch(one)) for one in test.values):
        return UNKNOWN
    wanted = {number for name, number in flag_table(table) if _is_named(name, test)}
    end = _CODES[table]
    written = {int(one) for one in test.values if _SMALL.fullmatch(one) and str(int(one)) == one and int(one) < end}
    codes = sorted(written.union(native_codes(table, wanted, end)))
    if not written and nameless_code(table) not in (None, *wanted):
        return exactly(any_of(_each(codes, argument, narrow=True)))  # those without a name have none that is wanted
    nameless = NumberCheck(Subject.CALL, "args", ">=", end, element=argument, narrow=True)
    return at_most(any_of((nameless, *_each(codes, argument, narrow=True))))


def _is_named(name: str, test: Comparison) -> bool:
    return any(part == name or (test.op == "contains" and part in name) for part in test.values)


def _number(test: Comparison, param: Param, argument: int) -> Bounds:
    """Return the bounds of a comparison with a plain number that is the same in any width and signedness."""
    if not test.values or not all(map(_SMALL.fullmatch, test.values)) or param.type not in _WIDE | _NARROW:
        return UNKNOWN
    if not _is_compared_as_number(param.name):
        return UNKNOWN
    return equal(test, any_of(_each(map(int, test.values), argument, narrow=param.type not in _WIDE)))


@functools.cache
def _is_compared_as_number(name: str) -> bool:
    """Return True if the field is a number in all calls with a parameter of this name: `evt.rawarg.addr` is a text,
    since connect has an address of that name, and a number of madvise is compared by its digits."""
    assert RAW.variant is not None
    return RAW.variant(name).type in (FieldType.INT, FieldType.UINT)


def _each(codes: Iterable[int], argument: int, *, narrow: bool) -> Iterable[Formula]:
    return (NumberCheck(Subject.CALL, "args", "==", code, element=argument, narrow=narrow) for code in codes)
