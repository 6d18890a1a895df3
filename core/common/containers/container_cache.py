"""Container cache: metadata by container id, with expiry, and a negative cache of ids that a runtime does not know."""

from collections.abc import Callable

from mozu.core.model.containers.metadata import ContainerMetadata

_LIMIT = 8192
"""Containers, and ids without one, that are cached at most; the oldest are evicted."""

_GRACE = 60.0
"""Seconds for which a destroyed container stays cached: its last events may still be on their way."""


class ContainerCache:
    """Metadata by full id. `clock` gives seconds and never runs backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._metadata: dict[str, ContainerMetadata] = {}
        self._destroyed: dict[str, float] = {}
        """Id of a destroyed container → when to evict it; in order of time."""
        self._negative: dict[str, float] = {}
        """Id that the runtime does not know → until when that is believed."""

    def __len__(self) -> int:
        return len(self._metadata)

    def ids(self) -> frozenset[str]:
        """Every cached container that was not destroyed."""
        return frozenset(self._metadata.keys() - self._destroyed.keys())

    def get(self, full_id: str) -> ContainerMetadata | None:
        """The metadata, if the container is cached."""
        return self._metadata.get(full_id)

    def is_answered(self, full_id: str) -> bool:
        """Whether the cache has an answer: metadata, or that there is none (negative cache)."""
        if full_id in self._metadata:
            return True
        until = self._negative.get(full_id)
        return until is not None and self._clock() < until

    def put(self, metadata: ContainerMetadata) -> None:
        """Add or replace a container. One that is destroyed stays so, until `forget`."""
        self._negative.pop(metadata.full_id, None)
        self._metadata.pop(metadata.full_id, None)
        self._metadata[metadata.full_id] = metadata
        self._evict()

    def put_negative(self, full_id: str, seconds: float) -> None:
        """The runtime does not know this id: do not ask again for so long."""
        self._negative.pop(full_id, None)
        self._negative[full_id] = self._clock() + seconds
        if len(self._negative) > _LIMIT:
            del self._negative[next(iter(self._negative))]

    def clear_negative(self) -> None:
        """A runtime can be asked again: what none knew, it may know."""
        self._negative.clear()

    def expire_soon(self, full_id: str) -> None:
        """The container is destroyed: evict it after a grace period."""
        if full_id in self._metadata and full_id not in self._destroyed:
            self._destroyed[full_id] = self._clock() + _GRACE
        self._evict()

    def forget_destroyed(self, full_id: str) -> bool:
        """A container of this id appears (names are used again): forget one that was destroyed, and that none has it.
        Whether there was one. What is known of one that was not destroyed has been looked up since, and stays."""
        self._negative.pop(full_id, None)
        was_destroyed = full_id in self._destroyed
        if was_destroyed:
            self._drop(full_id)
        return was_destroyed

    def shrink(self) -> int:
        """Forget half: containers that were destroyed first, then the oldest; how many entries."""
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
