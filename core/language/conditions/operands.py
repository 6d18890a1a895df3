"""Types of the operands left and right of an operator: fields, and transformers over them."""

import difflib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mozu.core.errors import UnknownField
from mozu.core.filter.formula import Formula
from mozu.core.language.conditions.ast import Call, FieldRef, Items, Term, bottom_up_term
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.model.fields import FieldRegistry, FieldType, Match, Resolved

TEXT: Final = frozenset({FieldType.STRING, FieldType.PATH})
MAX_CALLS: Final = 64
"""Maximum number of nested transformers."""


class Typed(msgspec.Struct, frozen=True):
    """The type of an operand."""

    type: FieldType
    bits: int = 64
    is_list: bool = False
    match: Match = Match.ONE
    traits: frozenset[str] = frozenset()
    field: Resolved | None = None
    """Set for a plain field."""
    calls: int = 0
    """Number of nested transformers."""

    def same(self, other: "Typed") -> bool:
        """Return True if values of both types can be compared."""
        alike = self.type is other.type or (self.type in TEXT and other.type in TEXT)
        return alike and self.bits == other.bits and self.is_list == other.is_list


class OperandError(Exception):
    """Raised for an operand without a type: `reason` as in ConditionProblem."""

    def __init__(self, reason: str, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.offset = offset
        self.hint = hint


class Resolver:
    """Resolver of fields of one source class, for one event type or for any. It caches its results."""

    def __init__(self, fields: FieldRegistry, source: str, event_type: str | None = None) -> None:
        self.fields = fields
        self.source = source
        self.event_type = event_type
        self._found: dict[tuple[str, str | None], Resolved | OperandError] = {}
        self._typed: dict[int, tuple[Term, Typed]] = {}
        self.decided: dict[tuple[Formula, int], bool] = {}
        """(formula, effort) → the decision of `decide.can_hold`."""

    def resolve(self, ref: FieldRef) -> Resolved:
        """Return the field with its reader. Raises OperandError."""
        key = (ref.name, ref.argument)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._look_up(ref)
        if isinstance(found, OperandError):
            raise OperandError(found.reason, found.message, ref.offset, found.hint)
        return found

    def typed(self, term: Term) -> Typed:
        """Return the type of an operand. Raises OperandError."""
        known = self._typed.get(id(term))
        if known is None:
            # The term is kept with its type, so that its id is not reused.
            known = self._typed[id(term)] = term, bottom_up_term(term, self._visit)
        return known[1]

    def _look_up(self, ref: FieldRef) -> Resolved | OperandError:
        try:
            resolved = self.fields.resolve(ref.name, ref.argument, self.event_type)
        except UnknownField as unknown:
            return self._unknown(ref, str(unknown))
        sources = resolved.field.sources
        if self.source not in sources and "*" not in sources:
            text = f"{resolved.text}: the source {self.source} does not have this field (it is of {_listed(sources)})"
            return OperandError("unknown_field", text, ref.offset)
        return resolved

    def _unknown(self, ref: FieldRef, message: str) -> OperandError:
        try:
            field, _ = self.fields.find(ref.name)
        except UnknownField:
            return OperandError("unknown_field", message, ref.offset, self._suggestion(ref.name))
        reason = "unavailable_field" if field.unavailable else "unknown_field"
        return OperandError(reason, message, ref.offset)

    def _suggestion(self, name: str) -> str:
        known = [field.name for field in self.fields if self.source in field.sources or "*" in field.sources]
        close = difflib.get_close_matches(name[:80], known, 1, 0.75)
        return f"did you mean {close[0]}?" if close else ""

    def _visit(self, term: Term, inner: list[Typed]) -> Typed:
        if isinstance(term, FieldRef):
            return _of_field(self.resolve(term))
        if isinstance(term, Items):
            return _of_items(term, inner)
        if isinstance(term, Call):
            return _of_call(term, inner)
        return Typed(FieldType.STRING)


def _of_field(found: Resolved) -> Typed:
    field = found.field
    return Typed(found.type, field.bits, found.is_list, found.match, field.traits, found)


def _of_items(items: Items, inner: Sequence[Typed]) -> Typed:
    for item, typed in zip(items.items, inner, strict=True):
        _usable(item, typed)
        if typed.type not in TEXT or typed.is_list:
            raise OperandError("transformer", f"{_name(item)} is not a text: lists here hold texts", item.offset)
    return Typed(FieldType.STRING, is_list=True, calls=max((typed.calls for typed in inner), default=0))


def _of_call(call: Call, inner: Sequence[Typed]) -> Typed:
    for term, typed in zip(call.args, inner, strict=True):
        _usable(term, typed)
    if call.selector is not None and call.name != "getopt":
        raise _wrong(call, "takes no argument in brackets")
    depth = 1 + max(typed.calls for typed in inner)
    if depth > MAX_CALLS:
        raise _wrong(call, f"stands at the top of more than {MAX_CALLS} transformers inside each other")
    result = _RESULTS[call.name](call, inner)
    return msgspec.structs.replace(result, calls=depth, traits=frozenset(), field=None)


def _usable(term: Term, typed: Typed) -> None:
    if isinstance(term, FieldRef) and ("no_transformer" in typed.traits or typed.match is not Match.ONE):
        raise OperandError("transformer", f"{_name(term)} cannot stand inside a transformer", term.offset)


def _mapping(call: Call, inner: Sequence[Typed]) -> Typed:
    _count(call, inner, 1)
    if inner[0].type not in TEXT:
        raise _wrong(call, f"takes a text, and {_name(call.args[0])} is {_kind(inner[0])}")
    return inner[0]


def _decoding(call: Call, inner: Sequence[Typed]) -> Typed:
    _count(call, inner, 1)
    if inner[0].type not in TEXT | {FieldType.BYTES}:
        raise _wrong(call, f"takes a text or bytes, and {_name(call.args[0])} is {_kind(inner[0])}")
    return inner[0]


def _length(call: Call, inner: Sequence[Typed]) -> Typed:
    _count(call, inner, 1)
    if not inner[0].is_list and inner[0].type not in TEXT | {FieldType.BYTES}:
        raise _wrong(call, f"takes a text, bytes or a list, and {_name(call.args[0])} is {_kind(inner[0])}")
    return Typed(FieldType.UINT)


def _joining(call: Call, inner: Sequence[Typed]) -> Typed:
    _count(call, inner, 2)
    if inner[0].type not in TEXT or inner[0].is_list:
        raise _wrong(call, f"takes a text as separator, and {_name(call.args[0])} is {_kind(inner[0])}")
    if inner[1].type not in TEXT or not inner[1].is_list:
        raise _wrong(call, f"takes a list of texts, and {_name(call.args[1])} is {_kind(inner[1])}")
    return Typed(FieldType.STRING)


def _concatenation(call: Call, inner: Sequence[Typed]) -> Typed:
    if len(inner) < 2:
        raise _wrong(call, f"takes two arguments or more, and has {len(inner)}")
    for term, typed in zip(call.args, inner, strict=True):
        if typed.type not in TEXT or typed.is_list:
            raise _wrong(call, f"takes texts, and {_name(term)} is {_kind(typed)}")
    return Typed(FieldType.STRING)


def _options(call: Call, inner: Sequence[Typed]) -> Typed:
    _count(call, inner, 2)
    if inner[0].type not in TEXT or not inner[0].is_list:
        raise _wrong(call, f"takes a list of texts, and {_name(call.args[0])} is {_kind(inner[0])}")
    if inner[1].type not in TEXT or inner[1].is_list:
        raise _wrong(call, f"takes the options as a text, and {_name(call.args[1])} is {_kind(inner[1])}")
    if call.selector is not None and len(call.selector) != 1:
        raise _wrong(call, f"selects one letter in brackets, and has [{call.selector}]")
    return Typed(FieldType.STRING, is_list=call.selector is None)


_RESULTS: Final[dict[str, Callable[[Call, Sequence[Typed]], Typed]]] = {
    "tolower": _mapping,
    "toupper": _mapping,
    "basename": _mapping,
    "b64": _decoding,
    "len": _length,
    "join": _joining,
    "concat": _concatenation,
    "getopt": _options,
}


def _count(call: Call, inner: Sequence[Typed], expected: int) -> None:
    if len(inner) != expected:
        plural = "argument" if expected == 1 else "arguments"
        raise _wrong(call, f"takes {expected} {plural}, and has {len(inner)}")


def _wrong(call: Call, text: str) -> OperandError:
    return OperandError("transformer", f"{call.name}() {text}", call.offset)


def _name(term: Term) -> str:
    text = unparse_term(term)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _kind(typed: Typed) -> str:
    return f"a list of {typed.type.value}" if typed.is_list else f"of type {typed.type.value}"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
