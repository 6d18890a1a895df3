"""Operators allowed for each type."""

from typing import Final

from mozu.core.language.conditions.operands import Typed
from mozu.core.model.fields import FieldType

_EQUAL = ("=", "==", "!=")
_ORDER = ("<", "<=", ">", ">=")
_SETS = ("in", "intersects", "exists")
_TEXT = ("glob", "iglob", "contains", "icontains", "startswith", "endswith", "regex", "pmatch")
_BYTES = ("contains", "startswith", "endswith", "bcontains", "bstartswith")

_LISTS: Final = ("in", "intersects", "exists")
_NAMES: Final = ("=", "==", "!=", "in", "exists")
"""Operators for host names, which are compared by address: a part of a name has no meaning."""
_AT_MOST: Final = ("=", "==")
_EITHER_PORT: Final = ("fd.port", "fd.proto")
"""Fields without `intersects`: Falco aborts at the first event for which it evaluates that; `in` is equivalent."""

_BY_TYPE: Final[dict[FieldType, tuple[str, ...]]] = {
    FieldType.STRING: (*_EQUAL, *_ORDER, *_TEXT, *_SETS),
    FieldType.PATH: (*_EQUAL, *_ORDER, *_TEXT, *_SETS),
    FieldType.BYTES: (*_EQUAL, *_BYTES, *_SETS),
    FieldType.BOOL: (*_EQUAL, *_SETS),
    FieldType.IPADDR: (*_EQUAL, *_SETS),
    FieldType.IPNET: (*_EQUAL, *_SETS),
}
_NUMBERS: Final = (*_EQUAL, *_ORDER, *_SETS)


def allowed(left: Typed) -> tuple[str, ...]:
    """Return the operators allowed for an operand of this type."""
    if left.is_list:
        return _LISTS
    if "at_most" in left.traits:
        return _AT_MOST
    if "host_name" in left.traits:
        return _NAMES
    if left.field is not None and left.field.field.name in _EITHER_PORT:
        return tuple(operator for operator in _NUMBERS if operator != "intersects")
    return _BY_TYPE.get(left.type, _NUMBERS)
