"""What an open was asked for: flags, and the name of the file as `fd.name` has it."""

from collections.abc import Callable
from typing import Final

from mozu.core.filter.predicate import Comparison
from mozu.core.model.syscalls import convert_open_flags
from mozu.plugins.sources.ebpf.kernel_filter import names
from mozu.plugins.sources.ebpf.kernel_filter.expression import Check, Expression, every, negated, some
from mozu.plugins.sources.ebpf.kernel_filter.flags import bits
from mozu.plugins.sources.ebpf.kernel_filter.results import DONE, FAILED, compared, flag

_ACCESS: Final = 0o3
_READS: Final = Check("(open.flags & 3) != 1")
_WRITES: Final = Check("(open.flags & 3) == 1 || (open.flags & 3) == 2")
"""As `convert_open_flags` has it: what is neither 1 nor 2 is for reading."""
_IS_DIRECTORY: Final = every((DONE, Check(f"open.flags & {0o200000}")))
_CREATES: Final = Check(f"open.flags & {0o100 | 0o20200000}")
_EXECUTABLE: Final = Check(f"open.mode & {0o111}")
_LETTERS: Final = {"file": "f", "directory": "d"}

Test = Callable[[str], Expression]


def of_open(fact: Comparison, name: str) -> Expression | None:
    """The test of a fact about an open; None where the fact is about something else."""
    field = fact.field
    if field == "fd.num":
        return _number(fact)
    if field in ("evt.is_open_read", "evt.is_open_write"):
        return False if name == "creat" and _is_wanted(fact) else _access(fact, name)
    if field == "evt.is_open_exec":
        return flag(fact, _EXECUTABLE if name == "creat" else every((_CREATES, _EXECUTABLE)))
    if field == "evt.arg.flags":
        return True if name == "creat" else bits(fact, "file_flags", convert_open_flags, "open.flags", skip=_ACCESS)
    if field in ("fd.typechar", "fd.type"):
        return _kind(fact)
    return _path(fact)


def _number(fact: Comparison) -> Expression:
    """-1 where the call failed."""
    if (fact.op, fact.values) in (("in", ("-1",)), (">=", ("0",))):
        return FAILED if (fact.op == "in") is not fact.negated else DONE
    return compared(fact, "(sys->result < 0 ? -1 : sys->result)")


def _is_wanted(fact: Comparison) -> bool:
    return fact.op == "in" and fact.values == ("true",) and not fact.negated


def _access(fact: Comparison, name: str) -> Expression:
    if name == "creat":
        return True
    return flag(fact, _READS if fact.field.endswith("read") else _WRITES)


def _kind(fact: Comparison) -> Expression:
    """A file, a directory where the flags say so, `o` for some that failed."""
    if fact.negated or fact.op != "in":
        return True
    letters = {_LETTERS.get(value, value) for value in fact.values}
    kinds = [_IS_DIRECTORY] if "d" in letters else []
    if letters & {"f", "o"}:
        kinds.append(negated(_IS_DIRECTORY))
    return some(kinds)


_NAME: Final[dict[str, Test]] = {
    "in": names.equal,
    "startswith": names.begins,
    "endswith": names.ends,
    "contains": names.contains,
    "glob": names.like,
    "pmatch": names.below,
}
_DIRECTORY: Final[dict[str, Test]] = {"in": names.directory_is, "startswith": names.begins, "pmatch": names.below}
_FILENAME: Final[dict[str, Test]] = {
    "in": names.filename_is,
    "startswith": names.filename_begins,
    "endswith": names.ends,
    "contains": names.contains,
}
_RAW: Final[dict[str, Test]] = {"contains": names.contains}
"""What is contained in the path as given is contained in a plain name."""
_EXACT: Final = {
    "fd.name": ("in", "startswith", "endswith"),
    "fd.directory": ("in",),
    "fd.filename": ("in", "startswith"),
}
"""Tests that decide the comparison for every plain path; others let more pass, and cannot be negated."""
_TESTS: Final = {"fd.name": _NAME, "fd.directory": _DIRECTORY, "fd.filename": _FILENAME, "fd.nameraw": _RAW}


def _path(fact: Comparison) -> Expression | None:
    tests = _TESTS.get(fact.field)
    if tests is None:
        return None
    op, is_turned = ("in", not fact.negated) if fact.op == "!=" else (fact.op, fact.negated)
    if op not in tests or not names.usable(fact.values) or (is_turned and op not in _EXACT.get(fact.field, ())):
        return True
    whole = some(map(tests[op], fact.values))
    if is_turned:
        whole = negated(whole)
    return whole if fact.field in ("fd.name", "fd.nameraw") else some((_IS_DIRECTORY, whole))
