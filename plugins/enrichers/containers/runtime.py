"""The interface of a container runtime, as an enricher runs it, and the services that the enricher offers to it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol, TypeVar

from mozu.core.api import Obstacle
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.lookups import AnswersLookups, ContainerLookups

T = TypeVar("T")


class RuntimeContext:
    """The services for a runtime: a log, threads, and reports of its containers."""

    def __init__(
        self, name: str, timeout: float, log: logging.Logger, lookups: ContainerLookups, threads: ThreadPool
    ) -> None:
        """Set up the services. `timeout`: seconds for each call that blocks."""
        self.log: Final = log
        self._name, self._timeout, self._lookups, self._threads = name, timeout, lookups, threads

    async def off_loop(self, call: Callable[[], T], lane: str = "") -> T:
        """Return the result of a call that may block, run on a thread. `lane`: as of ThreadPool; empty: the runtime.
        Raises what the call raises, TimeoutError, and BlockingIOError."""
        return await self._threads.run(call, self._timeout, (lane or self._name,))

    async def appeared(self, full_id: str) -> None:
        """Look up a container that was created, started or changed, in this runtime first."""
        await self._lookups.refresh(full_id, self._name)

    def created(self, metadata: ContainerMetadata) -> None:
        """Report the facts from a container's creation, valid until a look-up has ended."""
        self._lookups.created(metadata)

    def also(self, metadata: ContainerMetadata) -> None:
        """Report facts about another container that a look-up found: its pod's sandbox."""
        self._lookups.add(metadata, self._name)

    def ended(self, full_id: str, last: ContainerMetadata | None = None) -> None:
        """Report that a container has ended; `last` are facts to use if none are known."""
        self._lookups.ended(full_id, last)

    def listed(self, full_ids: Collection[str]) -> None:
        """Report all containers of this runtime: others that it had have ended."""
        self._lookups.recovered()
        self._lookups.listed(full_ids, self._name)

    def recovered(self) -> None:
        """Report that the runtime has appeared, or answers again."""
        self._lookups.recovered()

    def replaced(self, full_id: str) -> None:
        """Report that a container of this id appears, which may be another one than before."""
        self._lookups.replaced(full_id)

    def answered(self, by: str) -> None:
        """Count a look-up that was answered by files, api or event."""
        self._lookups.count(by, self._name)


class ContainerRuntime(AnswersLookups, Protocol):
    """A container runtime. It is watched as soon as there is a trace of it on this machine, and asked at any time."""

    @property
    def tried(self) -> asyncio.Event:
        """Event set by `watch` when the containers that existed before are known, or cannot be."""

    def traces(self) -> Sequence[str]:
        """Return the places where traces of the runtime may appear: paths, and patterns of `glob`."""

    def places(self) -> Sequence[str]:
        """Return the existing traces of the runtime: a socket, a directory. Empty if it is not present. May block."""

    async def watch(self) -> None:
        """Follow the runtime, until cancelled; it may vanish and come back."""

    def obstacles(self) -> Sequence[Obstacle]:
        """Return what would keep mozu from reading the runtime, if it is present. May block, for milliseconds."""

    async def close(self) -> None:
        """End connections. Idempotent."""
