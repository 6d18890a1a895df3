"""Comparisons of one text: prefixes, suffixes and substrings that exclude or contain each other."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from mozu.core.caches import cached
from mozu.core.filter.comparison import Call, FieldRef, Operand
from mozu.core.language.conditions import globs, pmatch
from mozu.core.language.conditions.decide.literals import Literal
from mozu.core.model.event import byte_length
from mozu.core.model.fields.possible import longest

_PARTS: Final = frozenset(("=", "startswith", "endswith", "contains"))
"""Operators whose constant is a part of every value for which they hold."""
_EVERYWHERE: Final = frozenset(("startswith", "endswith", "contains", "icontains"))
"""Operators that hold for the empty text, whatever the value."""
_NEVER_IN: Final = {"tolower": re.compile("[A-Z]"), "toupper": re.compile("[a-z]"), "basename": re.compile("/")}
"""Transformer → characters that its result never has."""


class _Shape(NamedTuple):
    """Texts that every fitting value begins with, ends with, and contains."""

    start: str = ""
    end: str = ""
    part: str = ""
    path: str = ""
    """Beginning of every fitting value once it is normalised as a path, with a slash behind it."""


def is_possible(left: Operand, op: str, text: str) -> bool:
    """Return False if no value of the operand satisfies the operator with this constant."""
    if op not in _PARTS:
        return True
    if isinstance(left, Call):
        never = _NEVER_IN.get(left.name)
        return never is None or never.search(text) is None
    most = longest(left.name) if isinstance(left, FieldRef) else None
    return most is None or byte_length(text) <= most


def has_value(literals: Sequence[Literal]) -> bool:
    """Return False if no text satisfies these comparisons. Texts that must equal a constant are tried elsewhere."""
    demanded = [one for one in literals if not one.negated and one.test.values]
    excluded = [(one.test.op, text) for one in literals if one.negated for text in one.test.values]
    if any(_fits_all(*one) for one in excluded):
        return False
    return all(
        any(_survives(one.test.op, text, one, demanded, excluded) for text in one.test.values) for one in demanded
    )


def _fits_all(op: str, text: str) -> bool:
    """Return True if the operator holds for every text."""
    return (op in _EVERYWHERE and not text) or (op == "glob" and re.fullmatch(r"\*+", text) is not None)


def _survives(
    op: str, text: str, literal: Literal, demanded: Sequence[Literal], excluded: Sequence[tuple[str, str]]
) -> bool:
    if not text.isascii():
        return True
    if not is_possible(literal.test.left, op, text) or any(_implies(op, text, *one) for one in excluded):
        return False
    shape = _shape(op, text)
    others = (one.test for one in demanded if one is not literal)
    return all(any(_agree(shape, _shape(other.op, one)) for one in other.values) for other in others)


def _agree(one: _Shape, other: _Shape) -> bool:
    starts = one.start.startswith(other.start) or other.start.startswith(one.start)
    ends = one.end.endswith(other.end) or other.end.endswith(one.end)
    return starts and ends and (one.path.startswith(other.path) or other.path.startswith(one.path))


@cached(4096)
def _shape(op: str, text: str) -> _Shape:
    if not text.isascii():
        return _Shape()
    match op:
        case "=" | "in" | "intersects":
            return _Shape(text, text, text, f"{pmatch.normal(text)}/")
        case "startswith":
            return _Shape(start=text, part=text, path=pmatch.normal(text))
        case "endswith":
            return _Shape(end=text, part=text)
        case "contains":
            return _Shape(part=text)
        case "glob" if "[" not in text and "\\" not in text:
            ends = re.split(r"[*?]", text)
            return _Shape(ends[0], ends[-1], globs.longest(text))
        case "pmatch" if globs.literal(text) is not None:
            path = pmatch.normal(text)
            return _Shape(part=max(path.split("/"), key=len), path=f"{path}/")
    return _Shape()


def _implies(op: str, text: str, other: str, constant: str) -> bool:
    """Return True if every value for which the first operator holds satisfies the second."""
    if op == other and text == constant:
        return True
    shape = _shape(op, text)
    match other:
        case "startswith":
            return shape.start.startswith(constant)
        case "endswith":
            return shape.end.endswith(constant)
        case "contains":
            return constant in shape.part
        case "icontains":
            return globs.lower(constant) in globs.lower(text if op == "icontains" else shape.part)
        case "glob":
            return _fits_glob(shape, constant)
        case "pmatch":
            return _lies_below(op, text, constant)
    return False


def _fits_glob(shape: _Shape, pattern: str) -> bool:
    """Return True if a beginning, an end or a part is all that the pattern demands."""
    text = pattern.strip("*")
    if globs.literal(text) is None:
        return False
    front, back = pattern.startswith("*"), pattern.endswith("*")
    if front and back:
        return text in shape.part
    return (back and shape.start.startswith(text)) or (front and shape.end.endswith(text))


def _lies_below(op: str, text: str, directory: str) -> bool:
    if globs.literal(directory) is None:
        return False
    outer = f"{pmatch.normal(directory)}/"
    if op == "startswith":
        return text.startswith(outer)
    return op == "pmatch" and globs.literal(text) is not None and f"{pmatch.normal(text)}/".startswith(outer)
