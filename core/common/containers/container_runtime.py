"""A container runtime, as an enricher runs it, and what the enricher gives to it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol, TypeVar

from mozu.core.api import Obstacle
from mozu.core.common.containers.container_lookups import AnswersLookups, ContainerLookups
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers.metadata import ContainerMetadata

T = TypeVar("T")


class RuntimeContext:
    """What a runtime is given: a log, threads, and where it reports its containers."""

    def __init__(
        self, name: str, timeout: float, log: logging.Logger, lookups: ContainerLookups, threads: ThreadPool
    ) -> None:
        """`timeout`: seconds for each call that blocks."""
        self.log: Final = log
        self._name, self._timeout, self._lookups, self._threads = name, timeout, lookups, threads

    async def off_loop(self, call: Callable[[], T]) -> T:
        """The result of a call that may block. Raises what it raises, and TimeoutError."""
        return await self._threads.run(call, self._timeout)

    async def appeared(self, full_id: str) -> None:
        """A container was created, started or changed: what is known of it is looked up anew, here first."""
        await self._lookups.refresh(full_id, self._name)

    def created(self, metadata: ContainerMetadata) -> None:
        """What the creation of a container said of it, until a look-up has ended."""
        self._lookups.created(metadata)

    def also(self, metadata: ContainerMetadata) -> None:
        """A look-up of one container found out about another one: its pod's sandbox."""
        self._lookups.add(metadata, self._name)

    def ended(self, full_id: str, last: ContainerMetadata | None = None) -> None:
        """It exists no longer; `last` is what is known then, where nothing was before."""
        self._lookups.ended(full_id, last)

    def listed(self, full_ids: Collection[str]) -> None:
        """These are all that this runtime has: the others that it had have ended."""
        self._lookups.recovered()
        self._lookups.listed(full_ids, self._name)

    def recovered(self) -> None:
        """It has appeared, or answers again."""
        self._lookups.recovered()

    def replaced(self, full_id: str) -> None:
        """A container of this id appears, which may be another one than before."""
        self._lookups.replaced(full_id)

    def answered(self, by: str) -> None:
        """A look-up was answered by files, api or event."""
        self._lookups.count(by, self._name)


class ContainerRuntime(AnswersLookups, Protocol):
    """One runtime. It is watched as soon as there is a trace of it on this machine, and asked at any time."""

    @property
    def tried(self) -> asyncio.Event:
        """Set by `watch` when the containers that existed before are known, or cannot be."""

    def traces(self) -> Sequence[str]:
        """Where there may come to be a trace of it: paths, and patterns of `glob`."""

    def places(self) -> Sequence[str]:
        """Where there is a trace of it on this machine: a socket, a directory. Empty: it is not here. May block."""

    async def watch(self) -> None:
        """Follow it, until cancelled; it may vanish and come back."""

    def obstacles(self) -> Sequence[Obstacle]:
        """What would keep mozu from reading it on this machine, where it is here. May block, for milliseconds."""

    async def close(self) -> None:
        """End connections. Idempotent."""
