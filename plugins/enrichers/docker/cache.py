"""What is known of which container, and for how long."""

from collections.abc import Callable

from mozu.core.model.containers.metadata import ContainerMetadata

_LIMIT = 8192
"""Containers, and ids without one, that are remembered at most; the oldest give way."""

_GRACE = 60.0
"""Seconds for which a destroyed container is remembered: its last events may still be on their way."""


class Book:
    """Facts by full id. `clock` gives seconds and never runs backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._metadata: dict[str, ContainerMetadata] = {}
        self._gone: dict[str, float] = {}
        """Id of a destroyed container → when to forget it; in order of time."""
        self._unknown: dict[str, float] = {}
        """Id that nobody knows → until when that is believed."""

    def __len__(self) -> int:
        return len(self._metadata)

    def ids(self) -> frozenset[str]:
        """Every container that has metadata and was not destroyed."""
        return frozenset(self._metadata.keys() - self._gone.keys())

    def get(self, full_id: str) -> ContainerMetadata | None:
        """The metadata, if there are any."""
        return self._metadata.get(full_id)

    def settled(self, full_id: str) -> bool:
        """Whether asking would bring nothing new now."""
        if full_id in self._metadata:
            return True
        until = self._unknown.get(full_id)
        return until is not None and self._clock() < until

    def learn(self, metadata: ContainerMetadata) -> None:
        """A container, for the first time or anew. Ids are never used twice: one that is destroyed stays so."""
        self._unknown.pop(metadata.full_id, None)
        self._metadata.pop(metadata.full_id, None)
        self._metadata[metadata.full_id] = metadata
        self._sweep()

    def doubt(self, full_id: str, seconds: float) -> None:
        """Nobody knows this id; do not ask again for a while."""
        self._unknown.pop(full_id, None)
        self._unknown[full_id] = self._clock() + seconds
        if len(self._unknown) > _LIMIT:
            del self._unknown[next(iter(self._unknown))]

    def bury(self, full_id: str) -> None:
        """The container is destroyed: forget it after a grace."""
        if full_id in self._metadata and full_id not in self._gone:
            self._gone[full_id] = self._clock() + _GRACE
        self._sweep()

    def _sweep(self) -> None:
        now = self._clock()
        for full_id in [full_id for full_id, when in self._gone.items() if when <= now]:
            self._forget(full_id)
        while len(self._metadata) > _LIMIT:
            self._forget(next(iter(self._gone), None) or next(iter(self._metadata)))

    def _forget(self, full_id: str) -> None:
        self._gone.pop(full_id, None)
        self._metadata.pop(full_id, None)
