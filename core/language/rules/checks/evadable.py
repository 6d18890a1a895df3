"""Tests that an attacker can evade: paths that a link bypasses, names and command lines that a user can choose."""

from collections.abc import Iterator
from typing import Final

from mozu.core.filter.comparison import FieldRef, Text
from mozu.core.language.conditions import Items, Test
from mozu.core.language.rules.checks.view import View
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem

_CHOSEN: Final = {
    "proc.name": "proc.trusted_name",
    "proc.pname": "proc.atrusted_name[1]",
    "proc.aname": "proc.atrusted_name",
    "proc.cmdline": "proc.trusted_name",
    "proc.pcmdline": "proc.atrusted_name[1]",
    "proc.args": "proc.trusted_name",
    "proc.exe": "proc.trusted_name",
    "proc.exeline": "proc.trusted_name",
}
"""Field whose value the user who starts a program chooses → field for exceptions that the user cannot choose."""
_PATHS: Final = frozenset(("=", "==", "in", "startswith", "glob", "pmatch"))
_OPENS: Final = frozenset(("open", "openat", "openat2", "creat"))


def evadable_tests(view: View) -> Iterator[RuleProblem]:
    """Yield advice for exclusions by names, and for tests of the path that a program passed to open(2)."""
    if view.rule.source != "syscall":
        return
    opens = bool(view.types) and not _OPENS.isdisjoint(view.types)
    for test, negated in view.uses:
        if not isinstance(test.left, FieldRef) or test.op == "exists":
            continue
        name, excludes = test.left.name, negated is not (test.op == "!=")
        if excludes and name in _CHOSEN:
            message = f"the exclusion by {name} can be evaded: the user who starts a program chooses its value"
            hint = f"except by {_CHOSEN[name]}, which is set only for programs in directories of packages"
            yield view.problem(Code.LINT_EVADABLE_NAME, message, test.offset, test.origin, hint)
        elif name == "fd.name" and opens and test.op in _PATHS and _is_path(test):
            message = "fd.name is the path that the program passed: a link, a mount or another root evades the test"
            hint = "except by fd.realpath" if excludes else "detect by fd.paths"
            yield view.problem(Code.LINT_EVADABLE_PATH, message, test.offset, test.origin, hint)


def _is_path(test: Test) -> bool:
    items = test.right.items if isinstance(test.right, Items) else (test.right,)
    return any(isinstance(item, Text) and item.value.startswith("/") for item in items)
