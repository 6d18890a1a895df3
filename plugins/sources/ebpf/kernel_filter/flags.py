"""Parameters that are sets of flags, codes or plain numbers: evt.arg.flags contains O_TRUNC."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.predicate import Comparison
from mozu.core.model.syscalls import Param, convert_flags, event_type, flag_table
from mozu.plugins.sources.ebpf.kernel_filter.expression import Check, Expression, negated, some

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_SMALL: Final = re.compile(r"\d{1,9}")
_FIELD: Final = re.compile(r"evt\.(arg|rawarg)\.(\w+)")
_BITS: Final = frozenset(
    ("chmod_mode", "clone_flags", "mmap_flags", "prot_flags", "umount_flags", "unlinkat_flags", "memfd_create_flags")
)
"""Tables whose values are made bit by bit, so that each of the kernel's bits can be looked at alone."""
_CODES: Final = {"ptrace_requests": 0x4300, "socket_families": 256, "bpf_commands": 256}
"""Table of codes → the kernel's first number from which on none has a name."""
_WIDE: Final = frozenset(("int64", "uint64"))
_NARROW: Final = frozenset(("int32", "uint32", "uid", "gid", "fd", "pid"))


def of_argument(fact: Comparison, spec: SyscallSpec) -> Expression | None:
    """The test of a fact about a parameter that is one of the call's own numbers; None where it is something else."""
    match = _FIELD.fullmatch(fact.field)
    declared = event_type(spec.name)
    if match is None or declared is None:
        return None
    position = declared.index(match[2])
    if position is None or position >= len(spec.operands) or not spec.operands[position].isdigit():
        return None
    param, value = declared.params[position], f"sys->args[{spec.operands[position]}]"
    if match[1] == "rawarg":
        return _number(fact, param, value)
    if param.table in _BITS:
        return bits(fact, param.table, lambda native: convert_flags(param.table, native), value)
    return _code(fact, param.table, value) if param.table in _CODES else True


def bits(fact: Comparison, table: str, convert: Callable[[int], int], value: str, skip: int = 0) -> Expression:
    """Whether flags whose names contain a text are set. `convert` gives the table's number of one bit of the kernel's.

    `skip`: bits of the kernel's that are no flags of their own.
    """
    if fact.op != "contains" or fact.negated or not all(map(_NAME.fullmatch, fact.values)):
        return True
    always, mask = convert(0), 0
    for name, number in flag_table(table):
        if not any(part in name for part in fact.values):
            continue
        native = sum(1 << bit for bit in range(32) if not skip >> bit & 1 and convert(1 << bit) & number & ~always)
        if not native or number & always:
            return True
        mask |= native
    return Check(f"{value} & {mask:#x}") if mask else False


def _code(fact: Comparison, table: str, value: str) -> Expression:
    """One of a table's codes, by its name or a part of it."""
    if fact.negated or fact.op not in ("contains", "in") or not fact.values:
        return True
    if not all(_NAME.fullmatch(one) or (fact.op == "in" and _SMALL.fullmatch(one)) for one in fact.values):
        return True
    wanted = {number for name, number in flag_table(table) if _is_named(name, fact)}
    end = _CODES[table]
    codes = [code for code in range(end) if convert_flags(table, code) in wanted or str(code) in fact.values]
    return some((Check(f"(u32){value} >= {end}"), *_each(codes, f"(u32){value}")))


def _is_named(name: str, fact: Comparison) -> bool:
    return any(part == name or (fact.op == "contains" and part in name) for part in fact.values)


def _number(fact: Comparison, param: Param, value: str) -> Expression:
    """A plain number; only those that are the same however wide and signed they are read."""
    if fact.op not in ("in", "!=") or not all(map(_SMALL.fullmatch, fact.values)):
        return True
    if param.type not in _WIDE | _NARROW:
        return True
    whole = some(_each(map(int, fact.values), value if param.type in _WIDE else f"(u32){value}"))
    return negated(whole) if (fact.op == "!=") is not fact.negated else whole


def _each(codes: Iterable[int], value: str) -> Iterable[Expression]:
    return (Check(f"{value} == {code}") for code in codes)
