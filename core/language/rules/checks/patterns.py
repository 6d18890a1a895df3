"""Patterns in the notation of another operator: `=` with a star, `glob` with `^`, a search by `regex`."""

import re
from collections.abc import Iterator
from typing import Final

from mozu.core.filter.comparison import FieldRef, Text
from mozu.core.language.conditions import Items, Test
from mozu.core.language.conditions.operands import TEXT
from mozu.core.language.rules.checks.view import View
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem

_PLAIN: Final = frozenset(("=", "==", "!=", "in", "intersects", "startswith", "endswith", "contains", "icontains"))
_LINES: Final = re.compile(r"proc\.(?:[pa]?cmdline|[pa]?args|exeline|argv|env)|evt\.(?:args|arg|buffer)")
"""Fields whose values are lines of many words, which may contain any character."""
_REGEX: Final = re.compile(r"\.\*|\.\+|\(\w+\|\w+|^\^|\\[.dsw]")
_FOREIGN_GLOB: Final = re.compile(r"^\^|\$$|\(\w+\|\w+|\\\.|^%|%$")
_STARS: Final = re.compile(r"\*")
_SURROUNDED: Final = re.compile(r"\*.+\*")
_REPEATED: Final = re.compile(r"[*+?{]")
"""Repetition, which suggests that the expression is meant for the whole value."""
_BEHIND_END: Final = re.compile(r"(?<!\\)\$[^)|$]")
_BEFORE_START: Final = re.compile(r"(?:^|[^\\])[^\\(|^\[*?{}]\^")


def foreign_patterns(view: View) -> Iterator[RuleProblem]:
    """Yield problems for texts with signs of patterns that their operator does not know, and for regular expressions
    that match nothing."""
    if view.rule.source != "syscall":
        return
    for use in view.uses:
        test = use.test
        if not isinstance(test.left, FieldRef) or view.resolver.typed(test.left).type not in TEXT:
            continue
        items = test.right.items if isinstance(test.right, Items) else (test.right,)
        for item in items:
            if isinstance(item, Text) and (fault := _fault(test, test.left.name, item.value)) is not None:
                yield view.at_item(Code.LINT_PATTERN, fault[0], test, item, fault[1])


def _fault(test: Test, name: str, text: str) -> tuple[str, str] | None:
    """Return sentence and remedy for a suspicious pattern; None for any other text."""
    shown = text if len(text) <= 60 else f"{text[:57]}…"
    if test.op in _PLAIN:
        return _plain_fault(test.op, name, text, shown)
    if test.op == "glob" and (found := _FOREIGN_GLOB.search(text)) is not None:
        message = f"`{shown}` has `{found[0]}`, which is an ordinary character in a glob"
        return message, "a glob knows `*`, `?` and `[…]`; write `regex` for regular expressions"
    if test.op == "regex":
        return _regex_fault(name, text, shown)
    return None


def _plain_fault(op: str, name: str, text: str, shown: str) -> tuple[str, str] | None:
    if _REGEX.search(text) is not None and not text.startswith("."):
        return f"`{op}` compares `{shown}` literally, not as a regular expression", "write `regex`"
    if text.startswith(".*"):
        return f"`{op}` compares `{shown}` literally, not as a regular expression", "write `regex`"
    stars = _SURROUNDED.fullmatch if _LINES.match(name) else _STARS.search
    if stars(text) is not None:
        hint = "write `glob`" if op in ("=", "==", "in", "intersects") else "leave the star out, or write `glob`"
        return f"`{op}` compares the star in `{shown}` literally, not as a pattern", hint
    return None


def _regex_fault(name: str, text: str, shown: str) -> tuple[str, str] | None:
    bare = re.sub(r"\[[^\]]*\]", "x", text)
    if _BEFORE_START.search(bare) is not None or _BEHIND_END.search(bare) is not None:
        return (
            f"`{shown}` matches nothing: no text comes before `^` or after `$`",
            "write `\\^` or `\\$` for the character",
        )
    if "\b" in text:
        return (
            f"`{shown}` has a backspace: `\\b` in quotes is this character",
            "the dialect has no `\\b`; write `[^a-z]`",
        )
    begins, ends = text.startswith((".*", "^", "(.*", "(^")), text.endswith((".*", "$", ".*)", "$)"))
    if _LINES.match(name) and not begins and not ends and not _REPEATED.search(bare):
        return (
            f"`{shown}` must match the whole of {name}, not a part of it",
            "write `.*` before and after it to search, or `^…$` if the whole value is meant",
        )
    return None
