"""podman, of root and of users: looks containers up in the files of its storage."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api import Obstacle
from mozu.core.common.containers.bundle_prefetch import BundlePrefetch
from mozu.core.common.containers.bundle_watch import BundleWatch
from mozu.core.common.containers.container_runtime import RuntimeContext
from mozu.core.common.containers.podman.documents import Found, metadata
from mozu.core.common.containers.podman.files import LISTING, AllStorage, Storage
from mozu.core.common.containers.podman.settings import PodmanSettings
from mozu.core.common.containers.runtime_api import is_directory
from mozu.core.common.file_access import may
from mozu.core.common.owners import ROOT
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch
from mozu.core.model.containers.metadata import ContainerMetadata

_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between looks at a container whose directory has just been made: it is listed before, its specification is
written when it is started."""
_START_SECONDS: Final = 10.0
"""Seconds for which a container that is made and not started yet is looked at: the machine may be busy."""


class PodmanRuntime:
    """Containers of podman, of root and of users. Implements ContainerRuntime."""

    name = "podman"
    kinds = frozenset({"podman", "cri-o"})  # CRI-O's storage is of the same library, and in the same place
    unreachable = (OSError,)
    completes = frozenset[str]()

    def __init__(self, settings: PodmanSettings, context_of: Callable[[str, float], RuntimeContext]) -> None:
        self._settings, self._context = settings, context_of(self.name, settings.timeout)
        self._storage = AllStorage(settings.storage)
        self._listed: dict[str, list[str]] = {}
        """Path of a storage → the containers that it had when it was listed."""
        self._reported: dict[str, tuple[str, ...]] = {}
        """Full id → the names that were reported of it."""
        self._awaited: set[Path] = set()
        """Lists of containers that are about to be read."""
        self._watches: dict[str, BundleWatch] = {}
        self._prefetches: dict[str, BundlePrefetch[Found]] = {}
        self.tried = asyncio.Event()

    def traces(self) -> Sequence[str]:
        """The patterns of every storage."""
        return self._settings.storage

    def places(self) -> Sequence[str]:
        """Every storage."""
        return [str(storage.root) for storage in self._storage.roots() if is_directory(storage.root)]

    async def watch(self) -> None:
        """Follow every storage of root. That of a user names no containers of others, and is read where one of that
        user's is seen."""
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
        """From the files of the first storage of this user that has it."""
        read = self._prefetched(full_id) if uid == ROOT else None
        try:
            found = await self._context.off_loop(partial(self._storage.find, full_id, uid)) or read
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
        """Storage that may not be read."""
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
        """Empty where a file system does not answer: the next look may."""

        def roots() -> Sequence[Storage]:
            users.add(self._settings.storage)
            return [storage for storage in self._storage.roots() if storage.owner() == ROOT]

        with contextlib.suppress(OSError):
            return await self._context.off_loop(roots)
        return ()

    def _read(
        self, storage: Storage, loop: asyncio.AbstractEventLoop, full_id: str
    ) -> tuple[Found, bool] | None:
        """Return what the storage says, and whether that is all: its specification is written when it is started. On a
        thread; the loop learns it at once, for events whose look-up does not end before their deadline."""
        found = storage.find(full_id)
        if found is None:
            return None
        with contextlib.suppress(RuntimeError):  # the run is over
            loop.call_soon_threadsafe(self._context.created, metadata(found))
        return found, found.spec is not None

    def _prefetched(self, full_id: str) -> Found | None:
        """The facts that were read when the container appeared: its files may have been deleted since."""
        return next(filter(None, (one.get(full_id) for one in self._prefetches.values())), None)

    def _on_end(self, full_id: str) -> None:
        self._reported.pop(full_id, None)
        self._context.ended(full_id)

    def _on_list(self, place: str, full_ids: list[str]) -> None:
        """All containers of one storage: those that it had before and has no more have ended."""
        for full_id in set(self._listed.get(place, ())).difference(full_ids):
            self._on_end(full_id)
        self._listed[place] = full_ids

    async def _on_file(self, storage: Storage, path: Path) -> None:
        """The list of containers was written anew: one of another name than was reported of it has been renamed."""
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
        self._awaited.discard(path)  # what is written from now on needs another look
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return storage.names(path.parent.name)
        return {}

    async def _on_new(self, full_id: str) -> None:
        """A container was made, and may be started at any time from now on: its specification comes with its start."""
        for pause in _PAUSES:
            found = await self._context.off_loop(partial(self._storage.find, full_id))
            if found is not None:
                self._context.created(metadata(found))
                if found.spec is not None:
                    break
            await asyncio.sleep(pause)  # no event says that a file is complete, only that it was made
        else:
            return  # not started yet: its first event looks it up
        await self._context.appeared(full_id)

