"""The table of an enricher's results: bounded, the least recently used forgotten first."""

from collections import OrderedDict
from typing import Any, Final, Generic, TypeVar

import msgspec

V = TypeVar("V")

_PARALLEL: Final = 16
"""The default of `LookupLimits.parallel`, which stands for no number of the declaration's own."""


class LookupLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the core's calls of `Enricher.resolve`, and of the time that an answer is valid; setting `lookups` of
    an entry."""

    parallel: int = 16
    """Calls at the same time; further keys wait. A blocking enricher has as many threads, and one if this is 16: its
    declaration says by another number that its `resolve` may be called on several threads."""
    per_second: float = 0.0
    """Calls a second, on average, for an API that has a limit; 0: no limit."""
    ttl: float = 600.0
    """Seconds after which a known key is resolved again, while the old value serves; 0: never, because the enricher
    keeps its answers current itself."""
    negative_ttl: float = 60.0
    """Seconds for which a key without a value (`resolve` raised, or found nothing) is not resolved again."""
    cache: int = 10_000
    """Entries of `Context.lookups`."""

    def at_once(self, *, blocking: bool) -> int:
        """Return the number of calls that may be under way at the same time."""
        return 1 if blocking and self.parallel == _PARALLEL else self.parallel


class LookupTable(Generic[V]):
    """A map from keys to values, or to None for a key that is known to have no value. The core makes one for each
    enricher."""

    def __init__(self, size: int = LookupLimits().cache) -> None:
        self._size = size
        self._values: OrderedDict[str, V | None] = OrderedDict()

    def put(self, key: str, value: V | None) -> None:
        """Keep an answer; None: there is no value. Drops the least recently used answer if the table is full."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def get(self, key: str) -> V | None:
        """Return the value; None if there is none or the key is not known."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def shrink(self) -> int:
        """Forget the least recently used half of the answers and return how many were forgotten."""
        count = (len(self._values) + 1) // 2
        for _ in range(count):
            self._values.popitem(last=False)
        return count

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)


AnyLookupTable = LookupTable[Any]
"""A table of any enricher: the core looks only at its keys, and at whether there is a value."""
