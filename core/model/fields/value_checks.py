"""Checks of readers' results: the Python type of each FieldType, and faults of a value."""

from collections.abc import Mapping
from typing import Final

from mozu.core.model.fields.field import Field, FieldType, Match

VALUE_TYPES: Final[Mapping[FieldType, tuple[type, ...]]] = {
    FieldType.STRING: (str,),
    FieldType.PATH: (str,),
    FieldType.BYTES: (bytes,),
    FieldType.INT: (int,),
    FieldType.UINT: (int,),
    FieldType.BOOL: (bool,),
    FieldType.DOUBLE: (float, int),
    FieldType.PORT: (int,),
    FieldType.ABSTIME: (int,),
    FieldType.RELTIME: (int,),
    FieldType.IPADDR: (bytes,),
    FieldType.IPNET: (bytes,),
}
"""FieldType → the classes of its values; a bool is no number. docs/plugins/writing.md has the table."""
_ADDRESSES: Final = frozenset({FieldType.IPADDR, FieldType.IPNET})
_ADDRESS_LENGTHS: Final = (4, 16)
_PORTS: Final = 1 << 16


def is_tuple(field: Field, argument: str | None) -> bool:
    """Return True if the reader of this field, with this argument, returns a tuple of values."""
    return field.is_list or (argument is None and field.match is not Match.ONE)


def value_fault(field: Field, value: object, argument: str | None = None) -> str:
    """Return in one phrase what is wrong with a reader's result; empty if nothing is. None, for no value, is always
    right."""
    if value is None:
        return ""
    if not is_tuple(field, argument):
        return _fault(field.type, value)
    if not isinstance(value, tuple | list):
        return f"a tuple of values is expected, not {_shown(value)}"
    return next((fault for one in value if one is not None and (fault := _fault(field.type, one))), "")


def _fault(kind: FieldType, value: object) -> str:
    expected = VALUE_TYPES[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and kind is not FieldType.BOOL):
        return f"{kind.value} takes {' or '.join(one.__name__ for one in expected)}, not {_shown(value)}"
    if kind in _ADDRESSES and isinstance(value, bytes) and len(value) not in _ADDRESS_LENGTHS:
        return f"{kind.value} takes 4 or 16 bytes, not {len(value)}"
    if kind is FieldType.UINT and isinstance(value, int) and value < 0:
        return f"uint takes no number below 0, such as {value}"
    if kind is FieldType.PORT and isinstance(value, int) and not 0 <= value < _PORTS:
        return f"port takes a number from 0 to {_PORTS - 1}, not {value}"
    return ""


def _shown(value: object) -> str:
    """Return the name of a value's class; the value itself may be long, or secret."""
    return type(value).__name__
