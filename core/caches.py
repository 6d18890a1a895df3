"""Caches: bounded in number, and emptied together if memory is short (`memory.limit`)."""

import functools
import weakref
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_FUNCTIONS: Final[list[Callable[[], int]]] = []
"""Functions that each empty the cache of a function wrapped by `cached` and return its number of entries; modules wrap
theirs once, when they are imported."""
_TABLES: Final["weakref.WeakValueDictionary[int, CacheTable[object, object]]"] = weakref.WeakValueDictionary()


def cached(size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember the results of the last `size` different calls, for functions whose arguments come from events."""

    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        wrapped = functools.lru_cache(maxsize=size)(function)

        def forget() -> int:
            count = wrapped.cache_info().currsize
            wrapped.cache_clear()
            return count

        _FUNCTIONS.append(forget)
        return cast("Callable[P, T]", wrapped)

    return wrap


class CacheTable(dict[K, V]):
    """A dictionary whose values can all be found again. Its owner bounds it."""

    def __init__(self) -> None:
        super().__init__()
        _TABLES[id(self)] = cast("CacheTable[object, object]", self)


def empty() -> int:
    """Empty all caches; return the number of entries."""
    count = sum(forget() for forget in _FUNCTIONS)
    for table in list(_TABLES.values()):
        count += len(table)
        table.clear()
    return count
