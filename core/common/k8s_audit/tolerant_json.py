"""JSON as Go reads it: clients of the API server can write forms that orjson does not accept.

The API server copies a patch into its audit event as it came. Go's encoding/json allows 10,000 levels, strings that are
no UTF-8 or hold half of a surrogate pair, and numbers of any size in it. If such a patch made an event unreadable, its
author would leave no trace, and the rest of the batch would be lost with it.
"""

import re
from typing import Final

import orjson

from mozu.core.model.value_types import Json

MOST_LEVELS: Final = 200
"""Levels of nesting that are kept; objects of Kubernetes have about 20, and orjson writes 254 at most."""
CUT: Final = "(nested too deeply)"
"""Text in place of what was deeper."""
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|-?\d[\d.eE+-]*', re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def loads(document: bytes | str) -> Json:
    """Return the document, parsed. Replaced is what Go accepts and orjson does not: values that are nested too deeply,
    bytes that are no UTF-8, half surrogate pairs, numbers beyond a float. Raises orjson.JSONDecodeError."""
    try:
        loaded: Json = orjson.loads(document)
    except orjson.JSONDecodeError:
        text = document.decode("utf-8", "replace") if isinstance(document, bytes) else document
        loaded = orjson.loads(_accepted(text))
    return loaded


def prune(document: Json) -> None:
    """Replace values below `MOST_LEVELS` in place."""
    waiting = [(document, 1)]
    while waiting:
        value, level = waiting.pop()
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in list(children):
            if not isinstance(child, dict | list):
                continue
            if level >= MOST_LEVELS:
                value[key] = CUT  # type: ignore[index]  # key and value are of one pair
            else:
                waiting.append((child, level + 1))


def _accepted(text: str) -> str:
    """Return the text in a form that orjson accepts, if Go accepts it."""
    parts: list[str] = []
    level = at = 0
    for token in _TOKEN.finditer(text):
        found = token[0]
        begins, ends = found in ("{", "["), found in ("}", "]")
        is_cut = level > MOST_LEVELS
        level -= ends
        if begins and level == MOST_LEVELS:
            parts += (text[at : token.start()], f'"{CUT}"')
        elif not is_cut:
            parts += (text[at : token.start()], _token(found))
        at = token.end()
        level += begins
    return "".join((*parts, text[at:]))


def _token(token: str) -> str:
    if token[0] == '"':
        return _ESCAPE.sub(_escape, token) if "\\u" in token else token
    if token[0] in "-0123456789" and abs(_float(token)) == float("inf"):
        return f'"{token}"'
    return token


def _escape(match: re.Match[str]) -> str:
    return match[0] if match["half"] is None else r"\ufffd"


def _float(token: str) -> float:
    try:
        return float(token)
    except ValueError:  # no number: orjson reports it
        return 0.0
