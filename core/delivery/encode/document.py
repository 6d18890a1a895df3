"""JSON on one line, for any values."""

from collections.abc import Iterable

import orjson

from mozu.core.delivery.encode.escape import harmless
from mozu.core.model.event import printable
from mozu.core.model.value_types import Json, JsonObject


def one_line(document: Json, option: int = 0) -> bytes:
    """Return the document on one line, with characters escaped that end a line or control a terminal.

    Text that is not UTF-8 gets U+FFFD; numbers beyond 64 bits become text.
    """
    try:
        body = orjson.dumps(document, option=option)
    except TypeError:
        body = orjson.dumps(_clean(document), option=option)
    return body if body.isascii() and b"\x7f" not in body else harmless(body.decode()).encode()


def _clean(value: Json) -> Json:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if value is None or isinstance(value, bool | float):
        return value
    return value if isinstance(value, int) and -(1 << 63) <= value < 1 << 64 else str(value)


def filled(**parts: Json) -> JsonObject:
    """Return a mapping without missing parts: None, empty mappings and empty lists."""
    return {key: value for key, value in parts.items() if value is not None and value != {} and value != []}


def distinct(items: Iterable[str | None]) -> list[str]:
    """Return the items that are not empty, in order, without duplicates."""
    return [item for item in dict.fromkeys(items) if item]
