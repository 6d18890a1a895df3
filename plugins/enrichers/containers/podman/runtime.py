"""The runtime podman, of root and of users: finds containers in the files of its storage."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api import Obstacle
from mozu.core.common.file_access import may
from mozu.core.common.owners import ROOT
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.bundle_prefetch import BundlePrefetch
from mozu.plugins.enrichers.containers.bundle_watch import BundleWatch
from mozu.plugins.enrichers.containers.podman.documents import Found, metadata
from mozu.plugins.enrichers.containers.podman.files import LISTING, AllStorage, Storage
from mozu.plugins.enrichers.containers.runtime import RuntimeContext
from mozu.plugins.enrichers.containers.runtime_api import is_directory
from mozu.plugins.enrichers.containers.settings import PodmanSettings

_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between reads of a container whose directory has just been made: it is listed before, and its specification
is written when it is started."""
_START_SECONDS: Final = 10.0
"""Seconds for which a container that is made and not started yet is read: the machine may be busy."""


class PodmanRuntime:
    """The containers of podman, of root and of users. Implements ContainerRuntime."""

    name = "podman"
    kinds = frozenset({"podman", "cri-o"})  # CRI-O's storage is of the same library, and in the same place
    unreachable = (OSError,)
    completes = frozenset[str]()

    def __init__(self, settings: PodmanSettings, context_of: Callable[[str, float], RuntimeContext]) -> None:
        self._settings, self._context = settings, context_of(self.name, settings.timeout)
        self._storage = AllStorage(settings.storage)
        self._listed: dict[str, list[str]] = {}
        """Path of a storage → the containers that it had when it was last listed."""
        self._reported: dict[str, tuple[str, ...]] = {}
        """Full id → the container's names that were reported."""
        self._awaited: set[Path] = set()
        """Lists of containers that are about to be read."""
        self._watches: dict[str, BundleWatch] = {}
        self._prefetches: dict[str, BundlePrefetch[Found]] = {}
        self.tried = asyncio.Event()

    def traces(self) -> Sequence[str]:
        """Return the patterns of every storage."""
        return self._settings.storage

    def places(self) -> Sequence[str]:
        """Return every storage of root; those of users if root has none."""
        of_root = [str(storage.root) for storage in self._storage.roots(ROOT) if is_directory(storage.root)]
        return of_root or [str(storage.root) for storage in self._storage.roots() if is_directory(storage.root)]

    async def watch(self) -> None:
        """Follow every storage of root. A user's storage only names that user's containers, and is read if one of them
        is seen."""
        async with asyncio.TaskGroup() as group:
            with contextlib.closing(PathWatch()) as users:
                while True:
                    users.renew()
                    for storage in await self._roots(users):
                        if str(storage.root) not in self._watches:
                            self._follow(storage, group)
                    for watch in self._watches.values():
                        await watch.tried.wait()
                    self.tried.set()
                    await users.wait(LOOK_INTERVAL)

    async def fetch(self, full_id: str, uid: int = ROOT) -> ContainerMetadata | None:
        """Return the facts from the first storage of this user that has the container; None if none has it."""
        read = self._prefetched(full_id) if uid == ROOT else None
        try:
            lane = "" if uid == ROOT else f"user {uid}"
            found = await self._context.off_loop(partial(self._storage.find, full_id, uid), lane) or read
        except TimeoutError:
            if read is None:
                raise
            found = read
        if found is None:
            return None
        self._context.answered("files")
        if uid == ROOT:
            self._reported[full_id] = tuple(found.listed.names or ())
        return metadata(found)

    def obstacles(self) -> Sequence[Obstacle]:
        """Return storage that may not be read."""
        return tuple(self._obstacles())

    async def close(self) -> None:
        """End the threads that read what appears."""
        for prefetch in self._prefetches.values():
            prefetch.stop()

    def _obstacles(self) -> Iterator[Obstacle]:
        for storage in self._storage.roots():
            if is_directory(storage.root) and not may(storage.root, os.R_OK | os.X_OK):
                text = f"{storage.root} may not be read: mozu needs CAP_DAC_READ_SEARCH; without, its containers are "
                yield Obstacle(f"{text}known by their ids alone")

    def _follow(self, storage: Storage, group: asyncio.TaskGroup) -> None:
        place = str(storage.root)
        made = BundleWatch(
            storage, self._on_new, self._on_end, partial(self._on_list, place), partial(self._on_file, storage)
        )
        self._watches[place] = made
        read = partial(self._read, storage, asyncio.get_running_loop())
        prefetch = self._prefetches[place] = BundlePrefetch(storage, read, _START_SECONDS)
        prefetch.start()
        group.create_task(made.run(), name=f"watch {place}")

    async def _roots(self, users: PathWatch) -> Sequence[Storage]:
        """Return the storages of root; empty if a file system does not answer: the next call may succeed."""

        def roots() -> Sequence[Storage]:
            return [storage for storage in self._storage.roots(ROOT) if storage.owner() == ROOT]

        with contextlib.suppress(OSError):  # the ways lead through the directories of all users
            await self._context.off_loop(partial(users.add, self._settings.storage), "podman by all")
        with contextlib.suppress(OSError):
            return await self._context.off_loop(roots)
        return ()

    def _read(self, storage: Storage, loop: asyncio.AbstractEventLoop, full_id: str) -> tuple[Found, bool] | None:
        """Return the storage's facts, and True if they are complete: the specification is written at the start. Runs on
        a thread; the loop learns the facts immediately, for events whose look-up does not end before their deadline."""
        found = storage.find(full_id)
        if found is None:
            return None
        with contextlib.suppress(RuntimeError):  # the run is over
            loop.call_soon_threadsafe(self._context.created, metadata(found))
        return found, found.spec is not None

    def _prefetched(self, full_id: str) -> Found | None:
        """Return the facts that were read when the container appeared, or None: its files may have been deleted
        since."""
        return next(filter(None, (one.get(full_id) for one in self._prefetches.values())), None)

    def _on_end(self, full_id: str) -> None:
        self._reported.pop(full_id, None)
        self._context.ended(full_id)

    def _on_list(self, place: str, full_ids: list[str]) -> None:
        """End the containers that one storage had at the last listing and no longer has."""
        for full_id in set(self._listed.get(place, ())).difference(full_ids):
            self._on_end(full_id)
        self._listed[place] = full_ids

    async def _on_file(self, storage: Storage, path: Path) -> None:
        """Report containers whose names have changed, after the list of containers was written anew."""
        if path.name != LISTING or path in self._awaited:
            return
        self._awaited.add(path)
        try:
            names = await self._context.off_loop(partial(self._names_of, storage, path))
        finally:
            self._awaited.discard(path)
        for full_id, name in names.items():
            if self._reported.get(full_id, name) != name:
                await self._context.appeared(full_id)

    def _names_of(self, storage: Storage, path: Path) -> dict[str, tuple[str, ...]]:
        self._awaited.discard(path)  # what is written from now on needs another read
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return storage.names(path.parent.name)
        return {}

    async def _on_new(self, full_id: str) -> None:
        """Report a new container. It may be started at any time from now on, and its specification comes with the
        start."""
        for pause in _PAUSES:
            found = await self._context.off_loop(partial(self._storage.find, full_id))
            if found is not None:
                self._context.created(metadata(found))
                if found.spec is not None:
                    break
            await asyncio.sleep(pause)  # no event reports that a file is complete, only that it was made
        else:
            return  # not started yet: its first event looks it up
        await self._context.appeared(full_id)
