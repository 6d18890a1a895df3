"""Follows the engine: who exists, who comes, who goes; comes back whenever the engine does.

The stream of events is opened before the containers are listed, so that none falls between the two. Where the stream
breaks (the engine restarts), the next one asks for everything since the last event, and the list is taken anew: an
engine that restarted has forgotten its events, not its containers.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

from mozu.plugins.enrichers.docker.api import UNREACHABLE, EngineApi
from mozu.plugins.enrichers.docker.documents import EngineEvent

_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0
_AT_ONCE: Final = 8
"""Look-ups in flight at most: an engine on its knees is not asked more."""


class Follower(Protocol):
    """Who is told."""

    def found(self, data_root: Path) -> None:
        """The engine keeps its files there."""

    async def listed(self, full_ids: list[str]) -> None:
        """Every container there is."""

    async def happened(self, event: EngineEvent) -> None:
        """One thing that happened to one container."""


class Watch:
    """One engine, watched for as long as `run` runs."""

    def __init__(self, api: EngineApi, follower: Follower, log: logging.Logger) -> None:
        self._api, self._follower, self._log = api, follower, log
        self._since = 0
        self._delay = _FIRST_DELAY
        self._absent = False
        self.tried = asyncio.Event()
        """Set when the containers that existed at the start are known, or the engine is known to be absent."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._connection()
            except UNREACHABLE as error:
                self._complain(error)
            self.tried.set()
            await asyncio.sleep(self._delay * random.uniform(0.8, 1.2))
            self._delay = min(self._delay * 2, _LONGEST_DELAY)

    async def _connection(self) -> None:
        """From connecting to the end of the stream. Raises one of UNREACHABLE, or returns when the engine closes it."""
        await self._api.open()
        root = await self._api.data_root()
        if root is not None:
            self._follower.found(root)
        async with self._api.events(self._since) as events:
            self._rejoice()
            await self._follower.listed(await self._api.containers())
            self.tried.set()
            await self._follow(events)
        raise ConnectionResetError("it closed the stream of events")

    async def _follow(self, events: AsyncIterator[EngineEvent]) -> None:
        room = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            with contextlib.suppress(*UNREACHABLE):
                async for event in events:
                    self._since = max(self._since, event.time)
                    await room.acquire()
                    name = f"docker {event.action} {event.actor.id[:12]}"
                    task = group.create_task(self._follower.happened(event), name=name)
                    task.add_done_callback(lambda _: room.release())

    def _complain(self, error: Exception) -> None:
        """Once per absence."""
        if not self._absent:
            self._absent = True
            self._log.info(
                "no docker engine at %s (%s): containers are known by its files alone; trying again until it is there",
                self._api.socket,
                getattr(error, "strerror", None) or error or type(error).__name__,
            )

    def _rejoice(self) -> None:
        self._delay = _FIRST_DELAY
        if self._absent:
            self._absent = False
            self._log.info("the docker engine at %s is there", self._api.socket)
