"""Values of a call's parameters, from the text or the number in a test."""

import re
from typing import Final

from mozu.core.model.syscalls import Param, flag_table
from mozu.core.model.value_types import FieldValue

_TEXTS: Final = frozenset({"string", "fspath", "fsrelpath"})
_OTHERS: Final = frozenset({"bytes", "socktuple", "sockaddr", "fdlist", "dynamic"})
"""Types whose text does not determine the value."""
_NUMBER: Final = re.compile(r"-?(?:0x[0-9a-fA-F]+|[0-9]+)")


def parameter(param: Param, value: FieldValue, *, is_raw: bool) -> FieldValue:
    """Return the value as events hold it; None if the text does not determine it. Raises ValueError for an unknown
    flag."""
    if is_raw:
        return None if param.type in _OTHERS or (param.type in _TEXTS and not isinstance(value, str)) else value
    if not isinstance(value, str) or param.type in _OTHERS:
        return None
    if param.type in _TEXTS:
        return value
    if _NUMBER.fullmatch(value):
        return _number(value, param)
    return _flags(param, value) if param.table else None


def _number(text: str, param: Param) -> int:
    if "x" in text or "X" in text:
        return int(text, 16)
    digits = text.lstrip("-")
    octal = param.format == "o" and len(digits) > 1 and digits.startswith("0")
    return int(text, 8 if octal else 10)


def _flags(param: Param, text: str) -> int:
    names = dict(flag_table(param.table))
    number = 0
    for name in text.split("|"):
        if name not in names:
            known = ", ".join(names)
            raise ValueError(f"evt.arg.{param.name} has no flag `{name[:60]}`; it has {known[:300]}")
        number |= names[name]
    return number
