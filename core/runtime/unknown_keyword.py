"""Hints for a keyword that a declaration does not have: the struct that was called, and the keyword that was meant."""

import functools
import linecache
import re
from types import TracebackType
from typing import Final

import msgspec

from mozu.core.runtime.config.suggest import suggestion

_UNEXPECTED: Final = re.compile(r"Unexpected keyword argument '(\w+)'")
"""msgspec's message, which names neither the class nor its keywords."""
_CALL: Final = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\[[^]]*\]\s*)?\(")
_NOT_THEIRS: Final = ("mozu.core.", "importlib", "typing", "pluggy")
"""Modules whose code surrounds a plugin's."""


def keyword_hint(error: BaseException) -> str:
    """`; SinkDeclaration has none; did you mean 'summary'?` for a struct's unknown keyword, or an empty text."""
    found = _UNEXPECTED.fullmatch(str(error)) if isinstance(error, TypeError) else None
    struct = None if found is None else _called(error.__traceback__)
    if found is None or struct is None:
        return ""
    keywords = struct.__struct_fields__
    hint = suggestion(found[1], keywords) or f"; it has {', '.join(keywords)}"
    return f": {struct.__name__} has none of this name{hint}"


def place_of(error: BaseException) -> str:
    """Return ` (FILE:LINE)`, the place in the plugin's code where this was raised; empty if none of its code was
    running."""
    frame = _innermost(error.__traceback__)
    if frame is None or isinstance(error, SyntaxError):  # which says so itself
        return ""
    return f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})"


def _innermost(trace: TracebackType | None) -> TracebackType | None:
    found = None
    while trace is not None:
        if not str(trace.tb_frame.f_globals.get("__name__", "")).startswith(_NOT_THEIRS):
            found = trace
        trace = trace.tb_next
    return found


def _called(trace: TracebackType | None) -> type[msgspec.Struct] | None:
    """Return the struct whose call in the source raised: the constructor is C code, and has no frame."""
    frame = _innermost(trace)
    if frame is None:
        return None
    code, names = frame.tb_frame.f_code, {**frame.tb_frame.f_globals, **frame.tb_frame.f_locals}
    line, _, column, _ = list(code.co_positions())[frame.tb_lasti // 2]
    if line is None or column is None:
        return None
    source = linecache.getline(code.co_filename, line).encode()[column:].decode(errors="replace")
    if (found := _CALL.match(source)) is None:
        return None
    first, *attributes = found[1].split(".")
    struct = functools.reduce(lambda owner, name: getattr(owner, name, None), attributes, names.get(first))
    return struct if isinstance(struct, type) and issubclass(struct, msgspec.Struct) else None
