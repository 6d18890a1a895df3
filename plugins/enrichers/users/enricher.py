"""The enricher `users`: names from caches while events are evaluated; files and name services (NSS) on a thread pool.

A key contains the numbers that an event needs and the caches lack: `ROOT/UID/GID/LOGINUID/GENERATION`, with an empty
ROOT for the host and else a container's full id, and with the number of the last read of its files as GENERATION, if
that one failed. Once resolved, every number has an answer, which may be that there is no name (negative cache).
"""

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mozu.core.api import Context
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.file_lanes import file_lanes
from mozu.core.common.subuids import SubordinateIds
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.common.ticks import tick
from mozu.core.model.event import Event, Process, claimed
from mozu.plugins.enrichers.users import nss
from mozu.plugins.enrichers.users.fields import user_readers
from mozu.plugins.enrichers.users.roots import of_container, of_directory
from mozu.plugins.enrichers.users.settings import UsersSettings
from mozu.plugins.enrichers.users.user_names import RECHECK_INTERVAL, Content, Limits, UserNames, read

_HOST_LIMITS: Final = Limits(size=64 << 20, lines=1_000_000)
_CONTAINER_LIMITS: Final = Limits(size=1 << 20, lines=4096)
_CONTAINER_LIMIT: Final = 512
"""Most containers whose names are cached; the least recently used is evicted."""

_REREAD_INTERVAL: Final = 1.0
"""Seconds between two reads of the files of a root in use."""

_TIMEOUT: Final = 2.0
"""Seconds after which a read of a file, or a query of a name service, counts as hung."""

_ROOT_POLL_INTERVAL: Final = 0.01
"""Seconds between two checks if a starting container has changed to its own root (pivot_root)."""
_ROOT_POLLS: Final = 20

_TTL: Final = 600.0
"""Seconds for which a name service's answer is cached."""
_NEGATIVE_TTL: Final = 60.0
"""Seconds for which a name service's missing name is cached."""

_UNSET: Final = 0xFFFFFFFF


class UsersEnricher:
    """Names of users and groups. Implements the Enricher contract."""

    def __init__(self, settings: UsersSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._host = UserNames(f"the host ({settings.root})")
        self._containers: dict[str, UserNames] = {}
        self._unread: dict[str, tuple[int, ...]] = {}
        """Processes seen in containers whose files were not read yet, by full id."""
        self._files = ThreadPool("files", 4)
        self._ids = SubordinateIds()
        self._services = ThreadPool("nss", 2)
        self._names_used = asyncio.Event()
        self._generation = 0
        self._background_task = BackgroundTask(self._reread)
        self._failures = context.metrics.counter("user_database_failures_total")
        context.metrics.gauge("user_databases", lambda: 1 + len(self._containers))
        if not context.offline:
            context.fields.lookups.user, context.fields.lookups.group = self._user_name, self._group_name

    async def start(self) -> None:
        """Read the host's files."""
        if self._context.offline:
            return
        await self._refresh_host()
        self._background_task.start(self._context, "reread user databases")

    def key(self, event: Event) -> str | None:
        """Return the key of the numbers that the caches lack for the event's process; None if they lack none."""
        process: Process | None = getattr(event, "process", None)
        if process is None or self._context.offline:
            return None
        container = process.container
        full_id = "" if container is None else container.key
        names = self._host if container is None else self._containers.get(full_id)
        generation = 0
        loginuid = -1 if process.loginuid == _UNSET else process.loginuid
        if names is not None:
            names.pid = process.pid
            if not names.used:
                names.used = True
                self._names_used.set()
            if names.needs_retry(process.pid):
                generation = names.generation
            elif names.has(process.uid, process.gid, loginuid):
                return None
        if full_id:
            self._remember_pids(full_id, names, process)
        return f"{full_id}/{process.uid}/{process.gid}/{loginuid}/{generation}"

    def known(self, key: str) -> bool:
        """Return True if every number of the key has an answer."""
        full_id, uid, gid, loginuid, generation = _parts(key)
        names = self._containers.get(full_id) if full_id else self._host
        if self._context.offline:
            return True
        return names is not None and names.generation > generation and names.has(uid, gid, loginuid)

    async def resolve(self, key: str) -> None:
        """Read the files again, then query the name services (host only); a number found in neither gets no name."""
        full_id, uid, gid, loginuid, generation = _parts(key)
        names = self._container(full_id) if full_id else self._host
        async with names.lock:
            if names.generation > generation and names.has(uid, gid, loginuid):
                return
            if names.generation <= generation or time.monotonic() - names.checked >= RECHECK_INTERVAL:
                await (self._refresh_container(full_id, names) if full_id else self._refresh_host())
            if not full_id and self._settings.nss and self._settings.root == Path("/"):
                await self._ask_services(uid, gid, loginuid)
            names.set_user(uid, None)
            names.set_user(loginuid, None)
            names.set_group(gid, None)

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        """Return the readers of the fields of user and group names."""
        return user_readers(self._names)

    def shrink(self) -> int:
        """Forget the names of half of the containers, and the answers of name services; return their number. See
        `Shrinks`."""
        count, unread = (len(self._containers) + 1) // 2, (len(self._unread) + 1) // 2
        answers = len(self._host.expiry)
        self._host.expire(math.inf)
        for full_id in list(self._containers)[:count]:
            del self._containers[full_id]
        for full_id in list(self._unread)[:unread]:
            del self._unread[full_id]
        return count + unread + answers

    def _user_name(self, uid: int, event: Any) -> str | None:
        """Return the cached name for a uid among an event's parameters; None if unknown."""
        names = None if event.process is None else self._names(event.process)
        user = None if names is None else names.users.get(uid)
        return user.name if user is not None else None if uid else "root"

    def _group_name(self, gid: int, event: Any) -> str | None:
        names = None if event.process is None else self._names(event.process)
        name = None if names is None else names.groups.get(gid)
        return name if name is not None else None if gid else "root"

    async def stop(self) -> None:
        """Stop the background task and the threads."""
        await self._background_task.stop()
        self._files.stop()
        self._services.stop()

    def _names(self, process: Process) -> UserNames | None:
        container = process.container
        return self._host if container is None else self._containers.get(container.key)

    def _remember_pids(self, full_id: str, names: UserNames | None, process: Process) -> None:
        """Remember processes by which the container's root may be reached: this one and its ancestors."""
        pids = [process.pid]
        above = process.parent
        while above is not None and len(pids) < 4:
            parent = above.newest
            if parent is None or parent.container is None or parent.container.key != full_id:
                break
            pids.append(parent.pid)
            above = parent.parent
        if names is not None:
            names.pids = tuple(pids)
        else:
            self._unread[full_id] = tuple(pids)
            if len(self._unread) > _CONTAINER_LIMIT:
                del self._unread[next(iter(self._unread))]

    def _container(self, full_id: str) -> UserNames:
        """Return the names of a container, empty at first; the least recently used container is evicted."""
        names = self._containers.pop(full_id, None)
        if names is None:
            names = UserNames(f"container {full_id[:12]}")
            names.pids = self._unread.pop(full_id, ())
            if len(self._containers) >= _CONTAINER_LIMIT:
                del self._containers[next(iter(self._containers))]
        self._containers[full_id] = names
        return names

    async def _refresh_host(self) -> None:
        def call() -> Content:
            with of_directory(str(self._settings.root)) as root:
                return read(root, stamps, _HOST_LIMITS)

        stamps = self._host.stamps
        await self._refresh(self._host, call)

    async def _refresh_container(self, full_id: str, names: UserNames) -> None:
        """Read a container's files, once it has a root of its own."""

        def call() -> Content | None:
            with of_container(claimed(full_id)[0], names.candidate_pids()) as root:
                found = os.fstat(root)
                if (found.st_dev, found.st_ino) == host_root and polls_left > 0:
                    return None
                return read(root, stamps, _CONTAINER_LIMITS)

        stamps = names.stamps
        links = [f"/proc/{pid}/root" for pid in (names.pid, *names.pids) if pid]
        lanes = file_lanes(links, full_id, 0, self._ids)
        host = os.stat(self._settings.root)
        host_root = (host.st_dev, host.st_ino)
        polls_left = _ROOT_POLLS
        while not await self._refresh(names, call, lanes):
            polls_left -= 1
            await asyncio.sleep(_ROOT_POLL_INTERVAL)

    async def _refresh(
        self, names: UserNames, call: Callable[[], Content | None], lanes: Sequence[str] = ()
    ) -> bool:
        """Read once; return False if it was too early. `lanes`: see ThreadPool."""
        self._generation += 1
        names.generation = self._generation
        names.used = names.failed = False
        names.checked = time.monotonic()
        if not names.may_be_read():
            return True
        try:
            content = await self._files.run(names.watched(call), _TIMEOUT, lanes)
        except TimeoutError:
            self._note_silence(names)
        except PermissionError as error:
            self._fail(f"the users of {names.root} cannot be read: {error}; those of containers take CAP_SYS_PTRACE")
        except OSError as error:
            names.failed = True
            self._context.log.debug("user database: %s", error)
        else:
            if names.silent:
                names.silent = False
                names.backoff.succeeded()
                self._context.log.info("the users of %s could be read again", names.root)
            if content is None:
                return False
            names.update(content)
        return True

    def _note_silence(self, names: UserNames) -> None:
        """Note a read that did not answer; the first one in a row for a root is a warning."""
        seconds = names.backoff.failed()
        level = logging.DEBUG if names.silent else logging.WARNING
        text = "the users of %s could not be read within %g s; they are read again in %g s, when a name is needed"
        self._context.log.log(level, text, names.root, _TIMEOUT, seconds)
        self._failures.value += 1
        names.silent = True

    def _fail(self, text: str) -> None:
        """Count a failure; the first one is a warning."""
        self._context.log.log(logging.DEBUG if self._failures.value else logging.WARNING, text)
        self._failures.value += 1

    async def _ask_services(self, uid: int, gid: int, loginuid: int) -> None:
        now = time.monotonic()
        for number in (uid, loginuid):
            if number >= 0 and number not in self._host.users:
                user = await self._service(nss.user, number)
                self._host.set_user(number, user, now + (_TTL if user else _NEGATIVE_TTL))
        if gid not in self._host.groups:
            name = await self._service(nss.group, gid)
            self._host.set_group(gid, name, now + (_TTL if name else _NEGATIVE_TTL))

    async def _service(self, ask: Callable[[int], Any], number: int) -> Any:
        try:
            return await self._services.run(lambda: ask(number), _TIMEOUT)
        except OSError as error:
            self._fail(f"the name services do not answer about number {number} ({error or 'no answer in time'})")
            return None

    async def _reread(self) -> None:
        """Read the files of every root in use again, at most once a second."""
        while True:
            await self._names_used.wait()
            await tick(_REREAD_INTERVAL)
            self._names_used.clear()
            self._host.expire(time.monotonic())
            if self._host.used:
                async with self._host.lock:
                    await self._refresh_host()
            for full_id, names in list(self._containers.items()):
                if names.used:
                    async with names.lock:
                        await self._refresh_container(full_id, self._container(full_id))


def _parts(key: str) -> tuple[str, int, int, int, int]:
    full_id, uid, gid, loginuid, generation = key.rsplit("/", 4)
    return full_id, int(uid), int(gid), int(loginuid), int(generation)
