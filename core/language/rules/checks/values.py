"""Constants that a field never has: unknown errors and flags, names with a directory, seconds for nanoseconds."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Final, NamedTuple

from mozu.core.filter.comparison import Call, Comparison, FieldRef, Text
from mozu.core.language.conditions import Items, Number, Test, unparse
from mozu.core.language.conditions.decide.literals import Literal, satisfied
from mozu.core.language.conditions.decide.texts import is_possible
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.language.rules.checks.view import View
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.suggest import closest
from mozu.core.model.fields import FieldType
from mozu.core.model.fields.possible import COMM, categories, error_numbers, longest, words
from mozu.core.model.syscalls import EventType, Param, flag_table, signal_name

_EQUAL: Final = frozenset(("=", "==", "!=", "in", "intersects"))
_START: Final = _EQUAL | {"startswith"}
_PARTS: Final = _START | {"endswith", "contains", "icontains"}
_NAMES: Final = r"proc\.(?:p|a|s|pgid\.|vpgid\.)?name"
_PROGRAMS: Final = r"proc\.[pa]?exepath"
_PATHS: Final = rf"fd\.(?:name|paths|realpath|directory)|fs\.path\..*|{_PROGRAMS}"
_TOP: Final = r"(?:etc|usr|bin|sbin|lib|lib64|var|tmp|home|root|proc|sys|dev|opt|run|boot|srv|mnt)/"
_IPV4: Final = r"\d{1,3}(?:\.\d{1,3}){3}"
_SIGNALS: Final = 32
"""Numbers below the real-time signals, which have no names."""
_FEW_NANOSECONDS: Final = 1_000_000
"""Durations below a millisecond."""
_EARLY: Final = 1_000_000_000_000_000
"""Moments in the first eleven days of 1970."""
_VERBS: Final = (
    "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy", "connect", "post",
    "put", "head", "options", "trace",
)  # fmt: skip
"""Verbs of requests to Kubernetes: of resources, and methods of other requests (k8s.io/apiserver, requestinfo.go)."""


class _Habit(NamedTuple):
    """A form of text that is often compared with a field by mistake."""

    fields: str
    """Expression for names of fields."""
    operators: frozenset[str]
    texts: str
    """Expression for the beginning of texts."""
    message: str
    hint: str


_HABITS: Final = tuple(
    _Habit(*one)
    for one in (
        (
            _NAMES,
            _PARTS,
            "/",
            "is the name of a program's file without its directory",
            "compare proc.exepath for paths",
        ),
        (_NAMES, _EQUAL, r"[\w.-]+ -", "has no arguments", "compare proc.cmdline, or proc.args"),
        (_NAMES, _EQUAL, r"[\w.-]+, ", "is one name", "put each name in quotes of its own"),
        (r"fd\.directory", _EQUAL | {"endswith"}, r".+/$", "has no slash at its end", "remove the slash"),
        (r"fd\.filename", _PARTS | {"glob"}, ".*/", "is the last part of a path", "compare fd.paths or fd.directory"),
        (r"proc\.cwd", _EQUAL, r".*[^/]$", "ends with a slash", "write the slash at the end"),
        (_PROGRAMS, _START, r"(?!memfd)[\w.+-]+$", "is the whole path of a program", "compare proc.name for names"),
        (_PATHS, _START | {"glob"}, _TOP, "begins with a slash", "write the slash at the beginning"),
        (r"container\.id", _START, "[0-9a-f]{13}", "has the first 12 characters", "compare container.full_id"),
        (r"container\.image\.tag", _EQUAL, ".*[:/]", "is what follows the colon", "compare container.image"),
        (_PATHS, _PARTS | {"glob"}, "~", "has no `~`: only shells replace it", "write the path of the directory"),
        (r"fd\.name", _START, rf"{_IPV4}$", "has both ends of a connection", "compare fd.sip, fd.cip or fd.rip"),
        (r"fd\.[scrl]ip\.name", _EQUAL, r"[a-z][a-z0-9+.-]*://", "is the name of a host", "write the host alone"),
        (r"container\.image\.repository", _EQUAL, r".*:[^/]*$", "has no tag", "compare container.image"),
        (r"proc\.exe_hash", _EQUAL, "(?![0-9a-f]{64}$)", "is 64 hexadecimal digits in lower case", "write a sha256"),
        (r"user\.(?:login)?name", _EQUAL, "[0-9]+$", "is a name", "compare user.uid for numbers"),
        (r"group\.name", _EQUAL, "[0-9]+$", "is a name", "compare group.gid for numbers"),
        (
            r"ka\.verb",
            _EQUAL,
            f"(?!(?:{'|'.join(_VERBS)})$)",
            "has other verbs",
            f"write one of {', '.join(_VERBS[:8])}",
        ),
    )
)


def impossible_values(view: View) -> Iterator[RuleProblem]:
    """Yield problems for constants that the field on the left never has, or that are in another unit."""
    for use in view.uses:
        test = use.test
        items: Sequence[object] = test.right.items if isinstance(test.right, Items) else (test.right,)
        for item in items:
            if isinstance(item, Text):
                fault = _text_fault(view, test, item.value)
                if fault is not None:
                    yield view.at_item(Code.LINT_IMPOSSIBLE_VALUE, fault[0], test, item, fault[1])
                elif "/" in item.value and view.resolver.typed(test.left).type is FieldType.IPNET:
                    yield from _host_bits(view, test, item)
            elif isinstance(item, Number):
                yield from _unit(view, test, item)


def _text_fault(view: View, test: Test, text: str) -> tuple[str, str] | None:
    """Return sentence and remedy for a text that the operand never has; None if it may have it."""
    left = unparse_term(test.left)
    if isinstance(test.left, Call):
        never = {"tolower": "upper-case letters", "toupper": "lower-case letters", "basename": "a slash"}.get(
            test.left.name, ""
        )
        op = "=" if test.op in _EQUAL else test.op
        return None if is_possible(test.left, op, text) else (f"{left} never has {never}: `{_short(text)}`", "")
    if not isinstance(test.left, FieldRef):
        return None
    name = test.left.name
    return _word_fault(view, test, name, text) or _long_fault(test, name, text) or _habit_fault(test, name, text)


def _word_fault(view: View, test: Test, name: str, text: str) -> tuple[str, str] | None:
    known = known_words(name, view.declared)
    if known is None or (test.op not in _PARTS and test.op != "glob"):
        return None
    typed = view.resolver.typed(test.left)
    if name == "evt.res" and re.fullmatch(r"-[1-9]\d*", text) and int(text[1:]) not in error_numbers().values():
        return None
    one = Literal(Comparison(test.left, "=" if test.op in _EQUAL else test.op, (text,)), negated=False)
    if any(satisfied(one, typed, word) for word in known):
        return None
    if name.startswith("evt.arg.") and (re.fullmatch(r"(?:0x)?[0-9A-Fa-f]+", text) or _is_part(text, known)):
        return None
    near = closest(text, known) or closest(text.upper(), known) or closest(text.lower(), known)
    few = ", ".join(known[:20]) + (" …" if len(known) > 20 else "")
    return f"{name} is never `{_short(text)}`: no event has this value", near or f"it has {few}"


def known_words(name: str, types: Sequence[EventType]) -> tuple[str, ...] | None:
    """Return every text that a field can have in events of these types (of any, if there are none); None if texts are
    not limited."""
    if name == "evt.res":
        return ("SUCCESS", *error_numbers())
    if name == "evt.category":
        return categories()
    if not name.startswith("evt.arg."):
        known = [words(name, one) for one in types] or [words(name)]
        return None if None in known else tuple(dict.fromkeys(word for one in known for word in one or ()))
    params = [param for one in types for param in one.params if param.name == name.removeprefix("evt.arg.")]
    if not params or not all(param.table or param.type == "signal" for param in params):
        return None
    return tuple(dict.fromkeys(word for param in params for word in _names(param)))


def _names(param: Param) -> Iterator[str]:
    """Yield the names of a parameter's flags, or of signals."""
    if param.type == "signal":
        yield from (name for number in range(_SIGNALS) if (name := signal_name(number)) is not None)
    else:
        yield from (flag for flag, _ in flag_table(param.table))


def _is_part(text: str, flags: Sequence[str]) -> bool:
    """Return True if names of flags joined by `|` can contain the text."""
    if "|" not in text:
        return False
    first, *inner, last = text.split("|")
    whole = all(one in flags for one in inner)
    return whole and any(flag.endswith(first) for flag in flags) and any(flag.startswith(last) for flag in flags)


def _long_fault(test: Test, name: str, text: str) -> tuple[str, str] | None:
    if longest(name) is None or test.op not in _PARTS or is_possible(test.left, "=", text):
        return None
    kept = text.encode("utf-8", "surrogateescape")[:COMM].decode("utf-8", "ignore")
    return f"{name} is never `{_short(text)}`: the kernel keeps {COMM} bytes of a name", f"write `{kept}`"


def _habit_fault(test: Test, name: str, text: str) -> tuple[str, str] | None:
    for habit in _HABITS:
        if test.op in habit.operators and re.fullmatch(habit.fields, name) and re.match(habit.texts, text):
            return f"{name} {habit.message}: `{_short(text)}` never matches", habit.hint
    return None


def _host_bits(view: View, test: Test, item: Text) -> Iterator[RuleProblem]:
    network = ip_network(item.value, strict=False)
    if str(network.network_address) != item.value.partition("/")[0] and ":" not in item.value:
        message = f"`{item.value}` is compared as {network}: the bits after the prefix length are ignored"
        yield view.at_item(Code.LINT_NETWORK, message, test, item, f"write {network}, or a longer prefix")


def _unit(view: View, test: Test, item: Number) -> Iterator[RuleProblem]:
    typed = view.resolver.typed(test.left)
    most = {FieldType.RELTIME: _FEW_NANOSECONDS, FieldType.ABSTIME: _EARLY}.get(typed.type, 0)
    if isinstance(test.left, FieldRef) and "duration" in test.left.name:
        most = min(most, _FEW_NANOSECONDS)
    number = int(item.text) if item.text.isdecimal() else 0
    if 0 < number < most:
        unit = "60 s is 60000000000" if typed.type is FieldType.RELTIME else "nanoseconds since 1970"
        message = f"`{unparse(test)}` compares {number} ns: {unparse_term(test.left)} counts nanoseconds"
        yield view.problem(Code.LINT_UNIT, message, item.offset, test.origin, f"write nanoseconds; {unit}")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
