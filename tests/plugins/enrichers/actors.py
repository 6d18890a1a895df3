"""Processes and events as the enrichers get to see them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from mozu.core.api import Context, Enricher
from mozu.core.metrics import Metrics
from mozu.core.model.event import Container, Process, SyscallEvent, Task
from mozu.core.model.fields import FieldRegistry


def event_of(container: str | None = None, *, runtime: str = "docker", pid: int = 1, **process: Any) -> SyscallEvent:
    """Return an event of a process in a container (full id), or on the host; `process` has its uid, gid and so on."""
    place = None if container is None else Container(container, runtime)
    version = Process(Task(pid), pid, pid, container=place, **process)
    version.task.newest = version
    return SyscallEvent("syscall", "openat", 1, tid=pid, pid=pid, process=version)


def context_of(*, spawn: Any = None, offline: bool = False) -> Context:
    """Return the context that the core passes to an enricher."""
    return Context("test", logging.getLogger("mozu.test"), Metrics(), FieldRegistry(), offline=offline, spawn=spawn)


@asynccontextmanager
async def working(build: Any, settings: Any) -> AsyncIterator[Any]:
    """Yield an enricher that has started and whose background work has an owner, until the block ends."""
    async with asyncio.TaskGroup() as group:

        async def owned(work: Awaitable[None]) -> None:
            await work

        def spawn(work: Awaitable[None], name: str) -> None:
            group.create_task(owned(work), name=name)

        enricher: Enricher = build(settings, context_of(spawn=spawn))
        await enricher.start()
        try:
            yield enricher
        finally:
            await enricher.stop()


async def reported(enricher: Enricher, event: SyscallEvent) -> None:
    """Resolve the event's key if it is not known, as the core does before the event is judged."""
    key = enricher.key(event)
    if key is not None and not enricher.known(key):
        await enricher.resolve(key)
        assert enricher.known(key)


def read(enricher: Enricher, event: SyscallEvent, field: str, argument: str | None = None) -> Any:
    """Return the value of one field of an event."""
    return enricher.readers()[field](argument)(event)


async def until(test: Any, what: str) -> None:
    """Wait until `test` is true of something that happens elsewhere."""
    try:
        async with asyncio.timeout(20):
            while not test():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within 20 s: {what}") from None
