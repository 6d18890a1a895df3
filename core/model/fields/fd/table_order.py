"""The order in which Falco walks a table of descriptors, which outputs of `fd.types` show and rules cannot see.

Falco keeps descriptors in chained buckets: a number goes to the bucket of its remainder, a new bucket to the front of
the walk, a new entry to the front of its bucket. A full table is distributed anew, in the order of the walk, over the
next number of buckets.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Final

_BUCKETS: Final = (13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697)


def walked(numbers: Iterable[int]) -> list[int]:
    """Return distinct numbers in Falco's order, given in the order in which they were added."""
    sizes = chain(_BUCKETS)
    size = next(sizes)
    buckets: dict[int, list[int]] = {}
    for count, number in enumerate(numbers):
        if count == size:
            known, size, buckets = _walk(buckets), next(sizes, size), {}
            for one in known:
                buckets.setdefault(one % size, []).append(one)
        buckets.setdefault(number % size, []).append(number)
    return _walk(buckets)


def _walk(buckets: dict[int, list[int]]) -> list[int]:
    return [number for bucket in reversed(buckets.values()) for number in reversed(bucket)]
