"""Look-ups of containers: what enrichers of container runtimes share, whatever they ask.

Metadata are kept in a container cache until a minute after the container's end; that a runtime does not know an id is
kept in its negative cache. Concurrent calls for one id share one look-up.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from mozu.core.api import Context
from mozu.core.common.containers.container_cache import ContainerCache
from mozu.core.model.containers.fields import Binder, container_readers
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event, SyscallEvent

Fetch = Callable[[str], Awaitable[ContainerMetadata | None]]
"""Full id → metadata, or None where the runtime has no such container. Raises one of `unreachable`."""

_CREATED_LIMIT: Final = 1024
"""Containers whose creation told of them, for those that are gone before they can be looked up."""

_NEGATIVE_TTL: Final = 60.0
"""Seconds for which an id that the runtime does not know is not looked up again (negative cache)."""

_UNREACHABLE_TTL: Final = 5.0
"""The same where the runtime could not be asked."""


class ContainerLookups:
    """Of one enricher; answers `context.fields.lookups.container` from the moment it is made.

    `runtimes` are those that the cgroup of one of its containers may show (`Container.runtime`).
    """

    def __init__(
        self, context: Context, runtimes: Collection[str], fetch: Fetch, unreachable: tuple[type[Exception], ...]
    ) -> None:
        self._context, self._runtimes, self._fetch, self._unreachable = context, runtimes, fetch, unreachable
        self._cache = ContainerCache(time.monotonic)
        self._created: dict[str, ContainerMetadata] = {}
        """What was told when a container was created."""
        self._pending: dict[str, asyncio.Event] = {}
        """Id that is being looked up → set when that is over (single flight)."""
        context.metrics.gauge("containers", lambda: len(self._cache))
        context.fields.lookups.container = self.metadata

    def key(self, event: Event) -> str | None:
        """The full id of the container that the event's process runs in, if it can be this runtime's."""
        process = event.process if isinstance(event, SyscallEvent) else None
        container = None if process is None else process.container
        return None if container is None or container.runtime not in self._runtimes else container.full_id

    def known(self, full_id: str) -> bool:
        """Whether the cache has the container, or the negative cache has its id."""
        return self._context.offline or self._cache.is_answered(full_id)

    def metadata(self, full_id: str) -> ContainerMetadata | None:
        """From the cache, else what its creation told: an event judged at its deadline has a name and an image."""
        return self._cache.get(full_id) or self._created.get(full_id)

    def readers(self) -> dict[str, Binder]:
        """The fields of containers and pods; they ask every enricher of containers, whichever was bound last."""
        lookups = self._context.fields.lookups

        def find(full_id: str) -> ContainerMetadata | None:
            found = lookups.container(full_id)
            return found if isinstance(found, ContainerMetadata) else None

        return container_readers(find)

    async def resolve(self, full_id: str) -> None:
        """Look one container up; concurrent calls for the same one share one look-up."""
        while not self.known(full_id):
            pending = self._pending.get(full_id)
            if pending is not None:
                await pending.wait()
                continue
            pending = self._pending[full_id] = asyncio.Event()
            try:
                await self.refresh(full_id)
            finally:
                del self._pending[full_id]
                pending.set()

    async def refresh(self, full_id: str) -> None:
        """Cache what the runtime says; else what its creation told; else that there is no metadata."""
        negative_ttl = _NEGATIVE_TTL
        metadata = None
        try:
            metadata = await self._fetch(full_id)
        except self._unreachable as error:
            negative_ttl = _UNREACHABLE_TTL
            self._context.log.debug("looking up %s: %s", full_id, error or type(error).__name__)
        if metadata is None and self._cache.get(full_id) is None:
            metadata = self._created.get(full_id)
            self.count("none" if metadata is None else "event")
        if metadata is not None:
            self._cache.put(metadata)
            self._context.lookups.put(full_id, metadata)
        elif self._cache.get(full_id) is None:
            self._cache.put_negative(full_id, negative_ttl)
            self._context.lookups.put(full_id, None)

    def created(self, metadata: ContainerMetadata) -> None:
        """A container was created, and this is what that told of it."""
        self._created[metadata.full_id] = metadata
        if len(self._created) > _CREATED_LIMIT:
            del self._created[next(iter(self._created))]

    def ended(self, full_id: str, last: ContainerMetadata | None = None) -> None:
        """It exists no longer: keep what is known for its last events; `last` where nothing is."""
        if self._cache.get(full_id) is None and last is not None:
            self._cache.put(last)
        self._cache.expire_soon(full_id)
        self._created.pop(full_id, None)

    def listed(self, full_ids: Collection[str]) -> None:
        """These are all that there are: the others have ended."""
        for full_id in self._cache.ids().difference(full_ids):
            self.ended(full_id)

    def forget(self, full_id: str) -> None:
        """Another container has this id now."""
        self._cache.forget(full_id)

    def count(self, by: str) -> None:
        """A look-up was answered by files, api, event or none."""
        self._context.metrics.counter("container_lookups_total", by=by).value += 1
