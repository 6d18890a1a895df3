"""Functions that generated code calls: they compare a value with several constants, or two values of an event."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from mozu.core.filter.ip_text import Network
from mozu.core.language.conditions import globs, pmatch, regexes
from mozu.core.model.event import Event, as_bytes
from mozu.core.model.fields import FieldType, Reader
from mozu.core.model.value_types import FieldValue

Matcher = Callable[[Any], bool]
"""A test of one value that is not missing; the compiler has checked its type."""

Comparer = Callable[[Any, Any], bool]
"""A test of two values of one type, neither of them missing."""


def has_invalid_utf8(text: str) -> bool:
    """Return True if a text contains bytes that are not UTF-8: then parts of characters must match as bytes."""
    return not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text)


def any_of(op: str, values: Sequence[Any]) -> Matcher:
    """Return a function that tests whether the operator holds for a value and at least one of the constants."""
    single = [_SINGLE[op](value) for value in values]
    if op == "pmatch":
        return pmatch.matcher(values)
    if len(single) == 1:
        return single[0]
    return lambda value: any(matches(value) for matches in single)


def _contains(part: str | bytes) -> Matcher:
    if isinstance(part, str) and has_invalid_utf8(part):
        raw = as_bytes(part)
        return lambda value: raw in as_bytes(value)
    return lambda value: part in value


def _icontains(part: str) -> Matcher:
    inner = _contains(globs.lower(part))
    return lambda value: inner(globs.lower(value))


def _startswith(part: str | bytes) -> Matcher:
    if isinstance(part, str) and has_invalid_utf8(part):
        raw = as_bytes(part)
        return lambda value: as_bytes(value).startswith(raw)
    return lambda value: bool(value.startswith(part))


def _endswith(part: str | bytes) -> Matcher:
    if isinstance(part, str) and has_invalid_utf8(part):
        raw = as_bytes(part)
        return lambda value: as_bytes(value).endswith(raw)
    return lambda value: bool(value.endswith(part))


_SINGLE: Final[dict[str, Callable[[Any], Matcher]]] = {
    "contains": _contains,
    "bcontains": _contains,
    "icontains": _icontains,
    "startswith": _startswith,
    "bstartswith": _startswith,
    "endswith": _endswith,
    "glob": globs.matcher,
    "iglob": partial(globs.matcher, fold=True),
    "regex": regexes.matcher,
    "pmatch": lambda path: pmatch.matcher((path,)),
}


def in_networks(networks: Sequence[Network]) -> Matcher:
    """Return a function that tests whether an address is in one of the networks; versions must agree.

    It looks an address up once for each length of prefix, however many networks there are.
    """
    by_mask: dict[int, dict[int, set[int]]] = {}
    for wide, start, mask in networks:
        by_mask.setdefault(wide, {}).setdefault(mask, set()).add(start)
    prefixes = {wide: tuple(found.items()) for wide, found in by_mask.items()}

    def matches(address: bytes) -> bool:
        number = int.from_bytes(address)
        return any(number & mask in starts for mask, starts in prefixes.get(len(address), ()))

    return matches


def _ordered(compare: Comparer) -> Comparer:
    def holds(left: Any, right: Any) -> bool:
        if isinstance(left, str):
            return compare(as_bytes(left), as_bytes(right))
        return compare(left, right)

    return holds


def _dynamic(make: Callable[[Any], Matcher]) -> Comparer:
    return lambda left, right: make(right)(left)


BINARY: Final[dict[str, Comparer]] = {
    "<": _ordered(lambda left, right: bool(left < right)),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    ">": _ordered(lambda left, right: bool(left > right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
    **{op: _dynamic(make) for op, make in _SINGLE.items() if op not in ("regex", "pmatch")},
}
"""Operator → test with a value on either side, neither of them missing. (`=`, `!=` and sets are plain Python.)"""

_NATIVE: Final[dict[FieldType, type]] = {
    FieldType.STRING: str,
    FieldType.PATH: str,
    FieldType.BYTES: bytes,
    FieldType.IPADDR: bytes,
    FieldType.IPNET: bytes,
    FieldType.DOUBLE: float,
}


def only_of(kind: FieldType, read: Reader) -> Reader:
    """Return a reader that passes only values of the declared type: for fields whose type depends on the event."""
    native = _NATIVE.get(kind, int)

    def read_checked(event: Event) -> FieldValue:
        value = read(event)
        return value if isinstance(value, native) else None

    return read_checked
