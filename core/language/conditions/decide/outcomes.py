"""Translation of `evt.failed` and `evt.res` into comparisons of `evt.rawres`."""

from collections.abc import Callable
from functools import cache
from typing import Final

from mozu.core.filter.comparison import EQUALITY, Comparison, compare
from mozu.core.filter.formula import FALSE, Formula, Leaf, any_of
from mozu.core.model.fields.possible import error_numbers

_RESULT: Final = "evt.rawres"
_FAILED: Final = compare(_RESULT, "<", ("0",))
_SUCCEEDED: Final = compare(_RESULT, ">=", ("0",))


def by_result(leaf: Leaf) -> Formula:
    """Return an equivalent formula over `evt.rawres`; the leaf itself if it does not compare an outcome."""
    if not isinstance(leaf, Comparison) or leaf.op not in EQUALITY or leaf.field not in _NOTATIONS:
        return leaf
    return any_of(_NOTATIONS[leaf.field](value) for value in leaf.values)


def _of_failed(value: str) -> Formula:
    return _FAILED if value == "true" else _SUCCEEDED


@cache
def _of_res(value: str) -> Formula:
    if value == "SUCCESS":
        return _SUCCEEDED
    number = error_numbers().get(value)
    if number is not None:
        return compare(_RESULT, "=", (str(-number),))
    is_number = value.startswith("-") and value[1:].isdecimal() and not value.startswith("-0")
    is_named = is_number and int(value[1:]) in error_numbers().values()
    return compare(_RESULT, "=", (value,)) if is_number and not is_named else FALSE


_NOTATIONS: Final[dict[str, Callable[[str], Formula]]] = {"evt.failed": _of_failed, "evt.res": _of_res}
