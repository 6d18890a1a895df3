"""Claims: containers whose cgroup was made by a user other than root, or by a process of a container
(`Container.claim`).

A claim gets the name and image of a container only if a runtime has made the container in that very cgroup. Otherwise
it is what its maker says: a container in the storage of the user who made it, or a part of the container in which it
was made. A claim to the id of a container that is elsewhere is forged. A user can make any number of claims: few are
looked up at a time, and few are kept, apart from containers.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import msgspec

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Process, claimed
from mozu.core.model.fields import Forgery

T = TypeVar("T")

_MOST: Final = 256
"""The most claims that are kept; the oldest are evicted."""
_MOST_WAITING: Final = 32
"""The most claims that are looked up or wait for it; further ones count as unknown, for `_BUSY_TTL`."""
_TOGETHER: Final = 2
_TTL: Final = 60.0
"""Seconds for which an answer is valid."""
_BUSY_TTL: Final = 1.0


class AsksRuntimes(Protocol):
    """The part of `ContainerLookups` that claims need."""

    async def ask(self, full_id: str, uid: int) -> ContainerMetadata | None:
        """Return the facts that root's runtimes have about a container or, with a uid, those in that user's storage."""

    async def resolve(self, full_id: str) -> None:
        """Look a container or a claim up."""

    def metadata(self, full_id: str) -> ContainerMetadata | None:
        """Return the known facts of a container."""


class _Answer(msgspec.Struct, frozen=True):
    metadata: ContainerMetadata | None
    until: float


class Claims:
    """The container claims of one enricher. `forged` is called with each claim that is forged."""

    def __init__(self, lookups: AsksRuntimes, forged: Callable[[Forgery], object]) -> None:
        self._lookups, self._forged = lookups, forged
        self._answers: dict[str, _Answer] = {}
        self._makers: dict[str, Forgery] = {}
        """Key of an unanswered claim → the process to report if the claim is forged."""
        self._room = asyncio.Semaphore(_TOGETHER)
        self._waiting = 0

    def seen(self, process: Process) -> None:
        """Note a process in the cgroup of a claim."""
        container = process.container
        if container is not None and container.key not in self._makers and not self.is_answered(container.key):
            _put(self._makers, container.key, Forgery(container, process.pid, process.name))

    def is_answered(self, key: str) -> bool:
        """Return True if the claim was looked up and the answer has not expired."""
        answer = self._answers.get(key)
        return answer is not None and time.monotonic() < answer.until

    def metadata(self, key: str) -> ContainerMetadata | None:
        """Return the container's own facts if its claim is proven, otherwise those of the container in which it was
        made; None if unknown."""
        answer, outer = self._answers.get(key), claimed(key)[3]
        found = None if answer is None else answer.metadata
        return found or (self._lookups.metadata(outer) if outer else None)

    async def resolve(self, key: str) -> None:
        """Look a claim up, unless too many are waiting."""
        if self._waiting >= _MOST_WAITING:
            self._answered(key, None, _BUSY_TTL)
            return
        self._waiting += 1
        try:
            async with self._room:
                self._answered(key, await self._look(key), _TTL)
        finally:
            self._waiting -= 1

    async def _look(self, key: str) -> ContainerMetadata | None:
        full_id, maker, place, outer = claimed(key)
        process = self._makers.pop(key, None)
        real = await self._lookups.ask(full_id, 0)
        if real is not None and place in (real.cgroups or ()):
            return real
        if real is not None and process is not None:
            self._forged(process)
        if outer:
            await self._lookups.resolve(outer)
        if outer or real is not None or maker <= 0:  # a forged claim has no name, whatever its maker's storage lists
            return None
        return await self._lookups.ask(full_id, maker)

    def _answered(self, key: str, metadata: ContainerMetadata | None, seconds: float) -> None:
        _put(self._answers, key, _Answer(metadata, time.monotonic() + seconds))


def _put(kept: dict[str, T], key: str, value: T) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _MOST:
        del kept[next(iter(kept))]
