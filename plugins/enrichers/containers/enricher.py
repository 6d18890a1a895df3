"""The enricher of container runtimes: one or several, with one cache, one eviction and one negative cache.

A runtime is searched at the start, and again when something appears at the places of its traces (inotify). As soon as
it exists it is watched; a runtime that is absent costs nothing, and is not mentioned.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from mozu.core.api import Context, FieldReaders, Obstacle
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.cpu_wait import timeout
from mozu.core.model.event import Event
from mozu.plugins.enrichers.containers.lookups import ContainerLookups
from mozu.plugins.enrichers.containers.runtime import ContainerRuntime, RuntimeContext

MakeRuntime = Callable[[Callable[[str, float], RuntimeContext]], ContainerRuntime]
"""Function from a factory (name, timeout in seconds → `RuntimeContext`) to the runtime."""

_LOOK_SECONDS: Final = 0.4
"""The most seconds that one search may take."""
_OBSTACLE_SECONDS: Final = 0.2
"""The most seconds that a start waits for obstacles."""
_START_SECONDS: Final = 2.0
"""The most seconds that a start waits for the existing containers."""


class ContainerEnricher:
    """An enricher of these runtimes' containers. Implements the Enricher contract."""

    def __init__(self, context: Context, runtimes: Sequence[MakeRuntime]) -> None:
        self._context = context
        self._lookups = ContainerLookups(context)
        self._threads = ThreadPool("containers", 8)
        self._runtimes = [make(self._context_of) for make in runtimes]
        self._lookups.use(self._runtimes)
        self._tasks = [BackgroundTask(partial(self._follow, runtime)) for runtime in self._runtimes]

    async def start(self) -> None:
        """Begin to watch; return when the existing containers are known, as far as runtimes are present and answer."""
        started = [
            task.start(self._context, f"watch {runtime.name}")
            for task, runtime in zip(self._tasks, self._runtimes, strict=True)
        ]
        if not any(started):
            return
        with contextlib.suppress(TimeoutError):
            async with timeout(_START_SECONDS):
                for runtime in self._runtimes:
                    await runtime.tried.wait()

    def key(self, event: Event) -> str | None:
        """Return the key of the container that the event's process runs in, if one of the runtimes can have it;
        otherwise None."""
        return self._lookups.key(event)

    def known(self, key: str) -> bool:
        """Return True if the cache has the container, or the negative cache has its id."""
        return self._lookups.known(key)

    async def resolve(self, key: str) -> None:
        """Look one container up."""
        await self._lookups.resolve(key)

    def readers(self) -> FieldReaders:
        """Return readers of the fields of containers and pods."""
        return self._lookups.readers()

    def shrink(self) -> int:
        """Forget half of the containers and return how many. See `Shrinks`."""
        return self._lookups.shrink()

    def obstacles(self) -> Sequence[Obstacle]:
        """Return runtimes that are present and may not be read, without those whose files do not answer in time."""
        found: list[Obstacle] = []

        def ask(runtime: ContainerRuntime) -> None:
            if runtime.places():
                found.extend(runtime.obstacles())

        asking = [threading.Thread(target=ask, args=(runtime,), daemon=True) for runtime in self._runtimes]
        for thread in asking:
            thread.start()
        until = time.monotonic() + _OBSTACLE_SECONDS
        for thread in asking:
            thread.join(max(0.0, until - time.monotonic()))
        return tuple(found)

    async def stop(self) -> None:
        """End the watches, the connections and the threads."""
        for task in self._tasks:
            await task.stop()
        for runtime in self._runtimes:
            await runtime.close()
        self._threads.stop()

    async def _follow(self, runtime: ContainerRuntime) -> None:
        """Search the runtime until it is found, then watch it until cancelled."""
        came_later = False
        with contextlib.closing(PathWatch()) as watch:
            while not (found := await self._look(runtime, watch)):
                came_later = True
                runtime.tried.set()
                await watch.wait(LOOK_INTERVAL)
        self._lookups.recovered()
        self._context.log.info("reading containers of %s: %s", runtime.name, ", ".join(found))
        if came_later:  # otherwise the start has reported them (`obstacles`)
            with contextlib.suppress(OSError):
                for obstacle in await self._threads.run(runtime.obstacles, _LOOK_SECONDS, (f"{runtime.name} by all",)):
                    self._context.log.warning("%s", obstacle.reason)
        await runtime.watch()

    async def _look(self, runtime: ContainerRuntime, watch: PathWatch) -> Sequence[str]:
        """Return the runtime's places; empty also if a file system does not answer. Anything that appears from now on
        ends a wait."""
        lanes = (f"{runtime.name} by all",)
        watch.renew()
        with contextlib.suppress(OSError):
            if found := await self._threads.run(runtime.places, _LOOK_SECONDS, lanes):
                return found
            await self._threads.run(lambda: watch.add(runtime.traces()), _LOOK_SECONDS, lanes)
            return await self._threads.run(runtime.places, _LOOK_SECONDS, lanes)
        return ()

    def _context_of(self, name: str, timeout: float) -> RuntimeContext:
        return RuntimeContext(name, timeout, self._context.log, self._lookups, self._threads)
