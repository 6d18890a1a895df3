"""Conversion of texts of a test file to values of fields, in the type that the field declares."""

from ipaddress import ip_address
from typing import Final

from mozu.core.language.conditions.values import constant
from mozu.core.model.event import as_bytes
from mozu.core.model.fields import FieldType
from mozu.core.model.fields.field import Resolved
from mozu.core.model.fields.value_checks import is_tuple
from mozu.core.model.value_types import FieldValue

_TEXTS: Final = frozenset({FieldType.STRING, FieldType.PATH})


def several(field: Resolved) -> bool:
    """Return True if the field has a list of values."""
    return is_tuple(field.field, field.argument)


def value_of(field: Resolved, texts: str | list[str]) -> FieldValue:
    """Return the value of a text, or of a list of them. Raises ValueError with a sentence."""
    if isinstance(texts, str):
        one = _one(field, texts)
        return (one,) if several(field) else one
    if not several(field):
        raise ValueError(f"{field.text} has one value, and this is a list; write one text")
    return tuple(_one(field, text) for text in texts)


def _one(field: Resolved, text: str) -> FieldValue:
    kind = field.type
    try:
        if "\0" in text:
            raise ValueError("holds a NUL byte, which no value can have")
        if kind in _TEXTS:
            return text
        if kind is FieldType.BYTES:
            return as_bytes(text)
        if kind is FieldType.DOUBLE:
            return _number(text)
        if kind in (FieldType.IPADDR, FieldType.IPNET):
            return _address(text)
        if kind in (FieldType.INT, FieldType.UINT):
            return _integer(field, text)
        value: FieldValue = constant(kind, field.field.bits, "=", text)
        if kind is FieldType.PORT and text.lstrip("+-").isdecimal() and value != int(text):
            raise ValueError("is not from 0 to 65535")
        return value
    except ValueError as wrong:
        raise ValueError(f"{field.text} is of type {kind.value}: `{text[:60]}` {wrong}") from None


def _integer(field: Resolved, text: str) -> int:
    """Return the number as in a condition, but not cut to the field's width: a value that does not fit raises
    ValueError."""
    value: int = constant(field.type, 64, "=", text)
    bits = field.field.bits
    low, high = (0, 1 << bits) if field.type is FieldType.UINT else (-(1 << bits - 1), 1 << bits - 1)
    if not low <= int(text) < high:
        raise ValueError(f"is not from {low} to {high - 1}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _address(text: str) -> bytes:
    try:
        return ip_address(text).packed
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None
