"""Container cache: metadata by container id, with expiry, and a negative cache of ids that no runtime knows."""

from collections.abc import Callable

from mozu.core.model.containers.metadata import ContainerMetadata

_LIMIT = 8192
"""The most containers, and the most ids without one, that are cached; the oldest are evicted."""

_GRACE = 60.0
"""Seconds for which a destroyed container stays cached, for its last events."""


class ContainerCache:
    """A cache of metadata by full id. `clock` returns seconds and never runs backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._metadata: dict[str, ContainerMetadata] = {}
        self._destroyed: dict[str, float] = {}
        """Id of a destroyed container → time to evict it, in order of time."""
        self._negative: dict[str, float] = {}
        """Id that no runtime knows → time until which that is valid."""

    def __len__(self) -> int:
        return len(self._metadata)

    def ids(self) -> frozenset[str]:
        """Return the ids of cached containers that were not destroyed."""
        return frozenset(self._metadata.keys() - self._destroyed.keys())

    def get(self, full_id: str) -> ContainerMetadata | None:
        """Return the metadata; None if the container is not cached."""
        return self._metadata.get(full_id)

    def is_answered(self, full_id: str) -> bool:
        """Return True if the cache has metadata for the id, or knows that there are none (negative cache)."""
        if full_id in self._metadata:
            return True
        until = self._negative.get(full_id)
        return until is not None and self._clock() < until

    def put(self, metadata: ContainerMetadata) -> None:
        """Add or replace a container. A destroyed container stays destroyed until `forget_destroyed`."""
        self._negative.pop(metadata.full_id, None)
        self._metadata.pop(metadata.full_id, None)
        self._metadata[metadata.full_id] = metadata
        self._evict()

    def put_negative(self, full_id: str, seconds: float) -> None:
        """Note that no runtime knows this id, for so many seconds."""
        self._negative.pop(full_id, None)
        self._negative[full_id] = self._clock() + seconds
        if len(self._negative) > _LIMIT:
            del self._negative[next(iter(self._negative))]

    def clear_negative(self) -> None:
        """Clear the negative cache: a runtime can be asked again, and may know these ids."""
        self._negative.clear()

    def expire_soon(self, full_id: str) -> None:
        """Evict a destroyed container after a grace period."""
        if full_id in self._metadata and full_id not in self._destroyed:
            self._destroyed[full_id] = self._clock() + _GRACE
        self._evict()

    def forget_destroyed(self, full_id: str) -> bool:
        """Forget a destroyed container of this id, and the negative answer, because a new one appears (names are used
        again). Return True if there was a destroyed one. The metadata of one that was not destroyed has been looked up
        since, and stays."""
        self._negative.pop(full_id, None)
        was_destroyed = full_id in self._destroyed
        if was_destroyed:
            self._drop(full_id)
        return was_destroyed

    def shrink(self) -> int:
        """Forget half of the entries, destroyed containers first, then the oldest; return how many."""
        count, negative = (len(self._metadata) + 1) // 2, (len(self._negative) + 1) // 2
        for full_id in [*self._destroyed, *(one for one in self._metadata if one not in self._destroyed)][:count]:
            self._drop(full_id)
        for full_id in list(self._negative)[:negative]:
            del self._negative[full_id]
        return count + negative

    def _evict(self) -> None:
        now = self._clock()
        for full_id in [full_id for full_id, when in self._destroyed.items() if when <= now]:
            self._drop(full_id)
        while len(self._metadata) > _LIMIT:
            self._drop(next(iter(self._destroyed), None) or next(iter(self._metadata)))

    def _drop(self, full_id: str) -> None:
        self._destroyed.pop(full_id, None)
        self._metadata.pop(full_id, None)
