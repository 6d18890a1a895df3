"""Checks of a tree against the field registry: problems, and the static event set. Never raises."""

import difflib
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.errors import UnknownField
from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import (
    Call,
    FieldRef,
    Items,
    Node,
    Number,
    Operand,
    Right,
    Term,
    Test,
    Text,
    Val,
    bottom_up,
    bottom_up_term,
)
from mozu.core.language.conditions.eventset import event_types
from mozu.core.language.conditions.habits import QUOTES
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import OperandError, Resolver, Typed
from mozu.core.language.conditions.operators import allowed
from mozu.core.language.conditions.problems import ERROR, UNSAFE_NA, WARNING, ConditionProblem
from mozu.core.language.conditions.regexes import problem_of, simpler
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.language.conditions.values import MANY, constant, constants_of
from mozu.core.model.fields import FieldRegistry, FieldType, Match
from mozu.core.model.syscalls import event_types as table
from mozu.core.model.syscalls import known_names

MAX_PROBLEMS: Final = 100
"""Maximum number of problems: a condition with more repeats one mistake."""

SYSCALL: Final = "syscall"
"""Source class with event types known to the core."""
MAX_NAMES: Final = 20
"""Maximum number of event types in a hint."""
_CALL = re.compile(rf"\s*(?:val|{'|'.join(tokens.TRANSFORMERS)})\(.*\)\s*", re.DOTALL)
_NUMBERS: Final = frozenset({FieldType.INT, FieldType.UINT, FieldType.PORT})
_NA_TEXTS: Final = ("evt.", "fd.", "fdlist.", "fs.", "user.", "group.", "proc.stdin.", "proc.stdout.", "proc.stderr.")
"""Beginnings of the names of fields whose value can be the text `<NA>` itself, such as the name of an unknown user."""
_NA_OPERATORS = ("=", "==", "!=", "in", "intersects", "pmatch")


class Checked(msgspec.Struct, frozen=True):
    """A condition and the facts derived from it."""

    node: Node
    problems: tuple[ConditionProblem, ...]
    event_types: frozenset[str] | None
    """The static event set; None: every type."""
    fields: tuple[str, ...]
    """Every field as written, with its argument, sorted."""
    operators: tuple[str, ...]
    """Every operator, with its modifier if it has one, sorted."""

    @property
    def errors(self) -> tuple[ConditionProblem, ...]:
        """Problems that prevent compilation."""
        return tuple(problem for problem in self.problems if problem.is_error)


def check(node: Node, fields: FieldRegistry, source: str) -> Checked:
    """Check fields, operators, types and values of a condition with macros expanded."""
    checker = _Checker(Resolver(fields, source))
    bottom_up(node, checker.visit)
    types = event_types(lower(node))
    every = frozenset(table()) if source == SYSCALL else fields.event_types(source)
    names = every - types.names if types.negated else types.names
    return Checked(
        node=node,
        problems=tuple(checker.problems),
        event_types=None if types.negated and not types.names else names,
        fields=tuple(sorted(checker.fields)),
        operators=tuple(sorted(checker.operators)),
    )


class _Checker:
    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.problems: list[ConditionProblem] = []
        self.fields: set[str] = set()
        self.operators: set[str] = set()
        self.origin = ""

    def visit(self, node: Node, _: list[None]) -> None:
        if isinstance(node, Test) and len(self.problems) < MAX_PROBLEMS:
            self.origin = node.origin
            try:
                self._test(node)
            except OperandError as wrong:
                self._error(wrong.reason, wrong.message, wrong.offset, wrong.hint)

    def _test(self, test: Test) -> None:
        self.operators.add(f"{test.op} {test.modifier}".strip())
        self._note_fields(test.left)
        if isinstance(test.right, Call | Val):
            self._note_fields(test.right if isinstance(test.right, Call) else test.right.field)
        left = self.resolver.typed(test.left)
        self._operator(test, left)
        if isinstance(test.right, Call | Val):
            self._field_side(test, left, test.right)
        elif test.right is not None:
            look = self._warn_of if _are_many_and_valid(test, left, test.right) else self._constant
            for item in _constants(test.right):
                look(test, left, item)
        self._event_type(test)

    def _note_fields(self, operand: Operand) -> None:
        bottom_up_term(operand, lambda term, _: self._note(term))

    def _note(self, term: Term) -> None:
        if isinstance(term, FieldRef):
            self.fields.add(unparse_term(term))

    def _operator(self, test: Test, left: Typed) -> None:
        name = unparse_term(test.left)
        legal = allowed(left)
        if test.op not in legal:
            what = f"a list of {left.type.value}" if left.is_list else f"of type {left.type.value}"
            message = f"{name} is {what}: `{test.op}` does not apply to it"
            raise OperandError("operator", message, test.op_offset, f"use one of {' '.join(legal)}")
        if test.modifier and left.is_list:
            raise OperandError("operator", f"{name} is a list: `{test.modifier}` needs a single value", test.op_offset)

    def _field_side(self, test: Test, left: Typed, right: Call | Val) -> None:
        operand = right.field if isinstance(right, Val) else right
        other = self.resolver.typed(operand)
        name, other_name = unparse_term(test.left), unparse_term(operand)
        if test.op in ("pmatch", "regex") or left.type is FieldType.IPNET:
            raise OperandError("operator", f"`{test.op}` on {name} compares with constants only", right.offset)
        if other.match is not Match.ONE or "no_rhs" in other.traits:
            raise OperandError("type", f"{other_name} cannot stand on the right side", right.offset)
        if left.match is not Match.ONE or "no_rhs" in left.traits:
            raise OperandError("type", f"{name} cannot be compared with another field", right.offset)
        if not left.same(other):
            message = f"{name} is {_kind(left)} and {other_name} is {_kind(other)}: only values of one type compare"
            raise OperandError("type", message, right.offset)

    def _constant(self, test: Test, left: Typed, item: Text | Number) -> None:
        text = _text_of(item)
        try:
            value = constant(left.type, left.bits, test.op, text)
            if test.op == "regex" and (wrong := problem_of(text)):
                self._error("regex", f"`{_short(text)}` is not a regular expression: {wrong}", item.offset)
        except ValueError as wrong_value:
            name = unparse_term(test.left)
            self._error("value", f"{name} is {_kind(left)}: `{_short(text)}` {wrong_value}", item.offset)
            return
        self._warn_of(test, left, item)
        if left.type in _NUMBERS and text.lstrip("+").isdecimal() and value != int(text):
            message = f"`{_short(text)}` does not fit {unparse_term(test.left)}, and is compared as {value}"
            self._problem(WARNING, "cut_number", message, item.offset, "")

    def _warn_of(self, test: Test, left: Typed, item: Text | Number) -> None:
        if isinstance(item, Text):
            self._warn(test, item)

    def _event_type(self, test: Test) -> None:
        if isinstance(test.left, Call) and "evt.type" in self._inside(test.left):
            raise OperandError("type", "evt.type cannot stand inside a transformer here", test.left.offset)
        if not isinstance(test.left, FieldRef) or test.left.name != "evt.type":
            return
        if isinstance(test.right, Call | Val):
            raise OperandError("type", "evt.type compares with constants only", test.right.offset)
        if test.op in ("=", "==", "!=", "in", "intersects") and test.right is not None:
            known = self._known_types()
            for item in _constants(test.right):
                if isinstance(item, Text) and item.value not in known:
                    message = f"unknown event type {_short(item.value)}"
                    self._error("unknown_event_type", message, item.offset, self._close(item.value, known))

    def _known_types(self) -> frozenset[str]:
        resolver = self.resolver
        return known_names() if resolver.source == SYSCALL else resolver.fields.event_types(resolver.source)

    def _close(self, name: str, known: frozenset[str]) -> str:
        close = difflib.get_close_matches(name[:40], known, 1, 0.75)
        if close:
            return f"did you mean {close[0]}?"
        return "" if self.resolver.source == SYSCALL else f"the source {self.resolver.source} has {_listed(known)}"

    def _inside(self, call: Call) -> set[str]:
        names: set[str] = set()
        bottom_up_term(call, lambda term, _: names.add(term.name) if isinstance(term, FieldRef) else None)
        return names

    def _warn(self, test: Test, item: Text) -> None:
        text = item.value
        if test.op == "regex" and (plain := simpler(text)):
            self._warning("plain_regex", f"the regular expression `{_short(text)}` can be `{plain}`", item)
        if tokens.FIELD.match(text) and self._is_field(text):
            message = f"`{_short(text)}` is compared as a text, though a field has this name"
            self._warning("constant_is_field", message, item, f"write val({_short(text)}) to mean the field")
        if "(" in text and _CALL.fullmatch(text):
            message = f"`{_short(text)}` is compared as a text, though it looks like a transformer"
            self._warning("constant_is_transformer", message, item, "leave the quotes out to mean the transformer")
        if text[:1] in QUOTES and text and not item.quoted:
            message = f"`{_short(text)}` is compared with its typographic quotes, which are part of the text"
            self._warning("typographic_quotes", message, item, "write straight quotes, \" or '")
        if text == "<NA>" and test.op in _NA_OPERATORS and self._is_unsafe(test):
            message = "comparing with `<NA>` does not find missing values"
            hint = "use `… exists`" if test.op == "!=" else "use `not … exists`"
            self._problem(UNSAFE_NA, "not_available", message, item.offset, hint)

    def _is_unsafe(self, test: Test) -> bool:
        """Return True if `<NA>` can only be meant for a missing value: the field is never that text, and is compared
        with nothing else. For fields of Falco's audit plugins one `<NA>` beside other texts is enough, as in Falco.
        """
        if not isinstance(test.left, FieldRef) or test.right is None:
            return False
        if test.left.name.startswith(("ka.", "jevt.")):
            return True
        alone = all(item == "<NA>" for item in map(_text_of, _constants(test.right)))
        return alone and not test.left.name.startswith(_NA_TEXTS)

    def _is_field(self, text: str) -> bool:
        name, bracket, rest = text.partition("[")
        if len(text) > 200 or (bracket and not rest.endswith("]")):
            return False
        try:
            self.resolver.fields.resolve(name, rest[:-1] if bracket else None)
        except UnknownField:
            return False
        return True

    def _warning(self, reason: str, message: str, item: Text, hint: str = "") -> None:
        self._problem(WARNING, reason, message, item.offset, hint)

    def _error(self, reason: str, message: str, offset: int, hint: str = "") -> None:
        self._problem(ERROR, reason, message, offset, hint)

    def _problem(self, code: str, reason: str, message: str, offset: int, hint: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(ConditionProblem(code, reason, message, offset, self.origin, hint))


def _constants(right: Right) -> Iterator[Text | Number]:
    if isinstance(right, Items):
        yield from (item for item in right.items if isinstance(item, Text))
    elif isinstance(right, Text | Number):
        yield right


def _are_many_and_valid(test: Test, left: Typed, right: Right) -> bool:
    """Return True for a long list whose constants need no look at each: all are valid, and none can be cut."""
    if not isinstance(right, Items) or len(right.items) <= MANY or test.op == "regex" or left.type in _NUMBERS:
        return False
    try:
        constants_of(left.type, left.bits, test.op, tuple(map(_text_of, _constants(right))))
    except ValueError:
        return False
    return True


def _text_of(item: Text | Number) -> str:
    return item.text if isinstance(item, Number) else item.value


def _kind(typed: Typed) -> str:
    if typed.is_list:
        return f"a list of {typed.type.value}"
    return f"of type {typed.type.value}" + (f" with {typed.bits} bits" if typed.bits != 64 else "")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)[:MAX_NAMES])
