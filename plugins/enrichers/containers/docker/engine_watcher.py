"""A watcher of a docker engine: lists containers, follows the event stream, and reconnects.

The stream of events is opened before the containers are listed, so that no container is missed between the two. If the
stream breaks (the engine restarts), the next one asks for everything since the last event, and the list is read again:
an engine that restarted has lost its events, not its containers.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

from mozu.plugins.enrichers.containers.docker.api import UNREACHABLE, EngineApi
from mozu.plugins.enrichers.containers.docker.documents import EngineEvent
from mozu.plugins.enrichers.containers.runtime_api import Reconnection, RuntimeApi

_MAX_LOOK_UPS: Final = 8
"""The most concurrent look-ups caused by events: an overloaded engine is not asked more."""


class EngineListener(Protocol):
    """The callbacks of the watcher."""

    def on_data_root(self, data_root: Path) -> None:
        """Note the directory in which the engine keeps its files, as it reports."""

    async def on_list(self, full_ids: list[str]) -> None:
        """Take the full ids of all containers."""

    async def on_event(self, event: EngineEvent) -> None:
        """Handle an engine event about one container."""


class EngineWatcher:
    """A watch of one engine, for as long as `run` runs."""

    def __init__(self, api: EngineApi, listener: EngineListener, reports: RuntimeApi) -> None:
        self._api, self._listener, self._reports = api, listener, reports
        self._since = 0
        """Time of the last event (ns)."""
        self._reconnection = Reconnection(api.socket)
        self.is_connected = False
        """True while the stream of events is open."""
        self.tried = asyncio.Event()
        """Set when the containers that existed at the start are known, or the engine is known to be absent."""

    async def run(self) -> None:
        """Watch until cancelled."""
        with contextlib.closing(self._reconnection):
            while True:
                self._reconnection.begin()
                try:
                    await self._connection()
                except UNREACHABLE as error:
                    self._reports.failed(error)
                self.tried.set()
                await self._reconnection.wait()

    async def _connection(self) -> None:
        """Follow the engine from connecting to the end of the stream. Raises one of UNREACHABLE."""
        await self._api.open()
        root = await self._api.data_root()
        if root is not None:
            self._listener.on_data_root(root)
        async with self._api.events(self._since) as events:
            self._reconnection.succeeded()
            self._reports.answered()
            self.is_connected = True
            try:
                await self._listener.on_list(await self._api.containers())
                self.tried.set()
                await self._follow(events)
            finally:
                self.is_connected = False
        raise ConnectionResetError("it closed the stream of events")

    async def _follow(self, events: AsyncIterator[EngineEvent]) -> None:
        room = asyncio.Semaphore(_MAX_LOOK_UPS)
        async with asyncio.TaskGroup() as group:
            with contextlib.suppress(*UNREACHABLE):
                async for event in events:
                    self._since = max(self._since, event.time)
                    await room.acquire()
                    name = f"docker {event.action} {event.actor.id[:12]}"
                    task = group.create_task(self._listener.on_event(event), name=name)
                    task.add_done_callback(lambda _: room.release())
