"""The table of what an enricher has looked up: bounded, the least recently used forgotten first."""

from collections import OrderedDict
from typing import Any, Generic, TypeVar

import msgspec

V = TypeVar("V")


class LookupLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How the core calls `Enricher.resolve`, and how long an answer counts; setting `lookups` of an entry."""

    parallel: int = 16
    """Calls at the same time; further keys wait for their turn."""
    per_second: float = 0.0
    """Calls a second, on average; 0: no limit. For an API that has one."""
    ttl: float = 600.0
    """Seconds after which a known key is resolved again, while its old value serves; 0: never, because the enricher
    keeps its answers true itself."""
    negative_ttl: float = 60.0
    """Seconds for which a key without a value (`resolve` raised, or found nothing) is not resolved again."""
    cache: int = 10_000
    """Entries of `Context.lookups`."""


class LookupTable(Generic[V]):
    """Key → value, or None where it is known that there is none. One for each enricher, made by the core."""

    def __init__(self, size: int = LookupLimits().cache) -> None:
        self._size = size
        self._values: OrderedDict[str, V | None] = OrderedDict()

    def put(self, key: str, value: V | None) -> None:
        """Keep an answer; None: there is nothing. The least recently used one goes where there is no room."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def get(self, key: str) -> V | None:
        """The value; None where there is none or the key is not known."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def shrink(self) -> int:
        """Forget half of the answers, the least recently used; how many."""
        count = (len(self._values) + 1) // 2
        for _ in range(count):
            self._values.popitem(last=False)
        return count

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)


AnyLookupTable = LookupTable[Any]
"""One of any enricher: the core looks at its keys, and at whether there is a value."""
