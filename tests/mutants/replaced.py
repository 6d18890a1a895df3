"""Replacement of the code of an imported module's functions by that of a changed source, without an import."""

import gc
import inspect
import sys
from collections.abc import Iterator
from pathlib import PurePath
from types import CodeType, FunctionType


class CannotReplaceError(Exception):
    """The change is not inside a function that there is now; the module must be imported anew."""


def module_of(file: str) -> str:
    """Return the name by which all modules import a file of the tree."""
    return ".".join(("mozu", *PurePath(file).with_suffix("").parts))


def replace_functions(file: str, old: str, new: str) -> None:
    """Give the new code to all functions whose code differs between two sources of a file.

    Raises:
        CannotReplaceError: the module or a class differs outside of its functions, or no such function exists.
    """
    module = sys.modules.get(module_of(file))
    if module is None or module.__file__ is None:
        raise CannotReplaceError
    before, after = (compile(source, module.__file__, "exec", dont_inherit=True) for source in (old, new))
    outermost = [*_differing(before, after)]
    changed = {_place(one): other for pair in outermost for one, other in _with_inner(*pair)}
    found = [
        (function, changed[place])
        for function in gc.get_objects()
        if isinstance(function, FunctionType)
        and function.__globals__ is module.__dict__
        and (place := _place(function.__code__)) in changed
    ]
    if not {_place(one) for one, _ in outermost} <= {_place(code) for _, code in found}:
        raise CannotReplaceError
    for function, code in found:
        try:
            function.__code__ = code
        except ValueError as error:  # the new code closes over other variables
            raise CannotReplaceError from error


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _differing(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the pairs of outermost functions that differ. Raises CannotReplaceError."""
    if before.co_code != after.co_code or _plain(before) != _plain(after):
        raise CannotReplaceError
    for one, other in zip(_inner(before), _inner(after), strict=True):
        if one == other:
            continue
        if _is_body(one):
            yield from _differing(one, other)
        else:
            yield one, other


def _with_inner(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield a function and those within it, of which some may have been created already."""
    yield before, after
    for one, other in zip(_inner(before), _inner(after), strict=False):  # a constant condition omits some functions
        if _place(one) != _place(other):
            raise CannotReplaceError
        yield from _with_inner(one, other)


def _inner(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _plain(code: CodeType) -> list[tuple[type, object]]:
    return [(type(one), one) for one in code.co_consts if not isinstance(one, CodeType)]


def _is_body(code: CodeType) -> bool:
    """Return True if the code is a class's body."""
    return not code.co_flags & inspect.CO_OPTIMIZED
