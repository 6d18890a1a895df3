"""Look-ups of containers for an enricher, in whichever runtime knows them.

Metadata are kept in one container cache until a minute after the container's end; ids that no runtime knows are kept in
its negative cache. Concurrent calls for one id share one look-up.
"""

import asyncio
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from mozu.core.api import Context
from mozu.core.common.owners import ROOT
from mozu.core.model.containers.fields import Binder, container_readers
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event, SyscallEvent
from mozu.plugins.enrichers.containers.cache import ContainerCache
from mozu.plugins.enrichers.containers.claims import Claims

_CREATED_LIMIT: Final = 1024
"""The most descriptions from containers' creation that are kept, for containers that are gone before they can be looked
up."""

_SHOWN_LIMIT: Final = 8192

_NEGATIVE_TTL: Final = 60.0
"""Seconds for which an id that no runtime knows is not looked up again (negative cache)."""

_UNREACHABLE_TTL: Final = 5.0
"""The shorter time in seconds if one of the runtimes could not be asked."""


class AnswersLookups(Protocol):
    """The part of a runtime that a look-up needs (`ContainerRuntime`)."""

    @property
    def name(self) -> str:
        """The name: docker, containerd, cri, podman."""

    @property
    def kinds(self) -> frozenset[str]:
        """Runtimes that the cgroup of one of its containers may show (`Container.runtime`); orchestrators hide the real
        one."""

    @property
    def unreachable(self) -> tuple[type[Exception], ...]:
        """Errors that `fetch` raises if the runtime is absent, slow, stops in the middle, refuses, or answers
        nonsense."""

    @property
    def completes(self) -> frozenset[str]:
        """Names of runtimes whose answers about pods this one can complete."""

    async def fetch(self, full_id: str, uid: int = ROOT) -> ContainerMetadata | None:
        """Return the facts about a container; None if the runtime has none of that id. `uid`: read this user's files.
        Raises one of `unreachable`."""


class ContainerLookups:
    """The look-ups of one enricher, which answer `context.fields.lookups.container` as soon as they are made."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._runtimes: Sequence[AnswersLookups] = ()
        self._kinds: frozenset[str] = frozenset()
        self._cache = ContainerCache(time.monotonic)
        self._created: dict[str, ContainerMetadata] = {}
        """Full id → facts known when the container was created."""
        self._shown: dict[str, str] = {}
        """Id that is not known yet → the runtime that its cgroup shows."""
        self._pending: dict[str, asyncio.Event] = {}
        """Id that is being looked up → event set at the end (single flight)."""
        self._asked: set[str] = set()
        """Ids that runtimes are being asked about."""
        self._claims = Claims(self, context.fields.lookups.forgeries.append)
        context.metrics.gauge("containers", lambda: len(self._cache))
        context.fields.lookups.container = self.metadata
        context.fields.lookups.container_state = self.state

    def use(self, runtimes: Sequence[AnswersLookups]) -> None:
        """Ask these runtimes, in this order. Called once, before the first look-up."""
        self._runtimes = runtimes
        self._kinds = frozenset[str]().union(*(runtime.kinds for runtime in runtimes))

    def key(self, event: Event) -> str | None:
        """Return the key of the container that the event's process runs in, if one of the runtimes can have it;
        otherwise None."""
        process = event.process if isinstance(event, SyscallEvent) else None
        container = None if process is None else process.container
        if process is None or container is None or container.runtime not in self._kinds:
            return None
        if container.claim is not None:
            self._claims.seen(process)
            return container.key
        full_id = container.full_id
        if full_id not in self._shown and not self._cache.is_answered(full_id):
            self._shown[full_id] = container.runtime
            if len(self._shown) > _SHOWN_LIMIT:
                del self._shown[next(iter(self._shown))]
        return full_id

    def known(self, full_id: str) -> bool:
        """Return True if the cache has the container, or the negative cache has its id."""
        return self._context.offline or self._is_answered(full_id)

    def _is_answered(self, full_id: str) -> bool:
        return self._claims.is_answered(full_id) if _is_claim(full_id) else self._cache.is_answered(full_id)

    def metadata(self, full_id: str) -> ContainerMetadata | None:
        """Return the facts in the cache, otherwise those from its creation, so that an event judged at its deadline has
        a name and an image; None if there are none."""
        if _is_claim(full_id):
            return self._claims.metadata(full_id)
        return self._cache.get(full_id) or self._created.get(full_id)

    def state(self, full_id: str) -> str:
        """Return `known`, `late` or `unknown`, the value of `container.state`."""
        if (self.metadata if _is_claim(full_id) else self._cache.get)(full_id) is not None:
            return "known"
        is_awaited = full_id in self._asked or full_id in self._shown
        return "late" if is_awaited else "unknown"

    def readers(self) -> dict[str, Binder]:
        """Return readers of the fields of containers and pods; they ask every enricher of containers, whichever was
        bound last."""
        lookups = self._context.fields.lookups

        def find(full_id: str) -> ContainerMetadata | None:
            found = lookups.container(full_id)
            return found if isinstance(found, ContainerMetadata) else None

        def state(event: SyscallEvent) -> str | None:
            container = None if event.process is None else event.process.container
            return None if container is None else lookups.container_state(container.key)

        return {**container_readers(find), "container.state": lambda _: state}

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

    async def refresh(self, full_id: str, first: str = "") -> None:
        """Cache the answer of the runtimes, `first` asked first; otherwise the facts from the creation; otherwise a
        negative entry."""
        self._asked.add(full_id)
        try:
            if _is_claim(full_id):
                await self._claims.resolve(full_id)
                self._context.lookups.put(full_id, self.metadata(full_id))
                return
            metadata, negative_ttl = await self._ask(full_id, first)
        finally:
            self._asked.discard(full_id)
        if metadata is None and self._cache.get(full_id) is None:
            metadata = self._created.get(full_id)
            self.count("none" if metadata is None else "event", "" if metadata is None else metadata.runtime)
        if metadata is not None:
            self._cache.put(metadata)
            self._context.lookups.put(full_id, metadata)
        elif self._cache.get(full_id) is None:
            self._cache.put_negative(full_id, negative_ttl)
            self._context.lookups.put(full_id, None)
        self._shown.pop(full_id, None)

    async def ask(self, full_id: str, uid: int) -> ContainerMetadata | None:
        """Return what runtimes (root's or, with a uid, that user's) know about a container, without caching it."""
        return (await self._ask(full_id, "", uid))[0]

    async def _ask(self, full_id: str, first: str, uid: int = ROOT) -> tuple[ContainerMetadata | None, float]:
        """Return (the first answer, completed if it is a pod's; seconds for which a negative answer is valid)."""
        negative_ttl = _NEGATIVE_TTL
        found: ContainerMetadata | None = None
        for runtime in self._candidates(full_id, first):
            if found is not None and not (found.lacks_of_pod and found.runtime in runtime.completes):
                continue
            try:
                answer = await runtime.fetch(full_id, uid)
            except runtime.unreachable as error:
                negative_ttl = _UNREACHABLE_TTL
                self._context.log.debug("looking up %s: %s", full_id, error or type(error).__name__)
                continue
            if answer is not None:
                answer = msgspec.structs.replace(answer, runtime=answer.runtime or runtime.name)
                found = answer if found is None else found.completed(answer)
                if uid == ROOT:
                    self._created_more(found)
        return found, negative_ttl

    def _candidates(self, full_id: str, first: str) -> Iterator[AnswersLookups]:
        """Yield the runtime that reported the container, then those whose containers the cgroup may show, then those
        that complete their answers."""
        shown = self._shown.get(full_id)
        asked = [one for one in self._runtimes if one.name == first]
        asked += [one for one in self._runtimes if one not in asked and (shown is None or shown in one.kinds)]
        yield from asked
        yield from (one for one in self._runtimes if one.completes and one not in asked)

    def _created_more(self, metadata: ContainerMetadata) -> None:
        """Keep one runtime's answer while the next one is asked."""
        if self._cache.get(metadata.full_id) is None:
            self.created(metadata)

    def created(self, metadata: ContainerMetadata) -> None:
        """Note the facts from a container's creation."""
        self._created[metadata.full_id] = metadata
        if len(self._created) > _CREATED_LIMIT:
            del self._created[next(iter(self._created))]

    def add(self, metadata: ContainerMetadata, runtime: str) -> None:
        """Complete a container's facts with data that a runtime has reported without a look-up."""
        known = self._cache.get(metadata.full_id)
        metadata = msgspec.structs.replace(metadata, runtime=runtime)
        self._cache.put(metadata if known is None else known.completed(metadata))

    def ended(self, full_id: str, last: ContainerMetadata | None = None) -> None:
        """Note that a container has ended: its facts are kept for its last events; `last` is used if there are none."""
        if self._cache.get(full_id) is None and last is not None:
            self._cache.put(last)
        self._cache.expire_soon(full_id)
        self._created.pop(full_id, None)

    def recovered(self) -> None:
        """Clear the negative cache: a runtime has appeared, or answers again, and may know these ids."""
        self._cache.clear_negative()

    def listed(self, full_ids: Collection[str], runtime: str) -> None:
        """End the containers of a runtime that are not among `full_ids`, which are all it has."""
        for full_id in self._cache.ids().difference(full_ids):
            found = self._cache.get(full_id)
            if found is not None and found.runtime == runtime:
                self.ended(full_id)

    def replaced(self, full_id: str) -> None:
        """Forget the facts about an ended container, because a new one with its id appears."""
        if self._cache.forget_destroyed(full_id):
            self._created.pop(full_id, None)

    def shrink(self) -> int:
        """Forget half of the containers and return how many; the runtimes are asked again for those that still run. See
        `Shrinks`."""
        count = (len(self._created) + 1) // 2
        for full_id in list(self._created)[:count]:
            del self._created[full_id]
        return count + self._cache.shrink()

    def count(self, by: str, runtime: str = "") -> None:
        """Count a look-up that was answered by files, api, event or none, and the runtime that answered, if any."""
        self._context.metrics.counter("container_lookups_total", by=by, runtime=runtime or "none").value += 1


def _is_claim(key: str) -> bool:
    return "\n" in key
