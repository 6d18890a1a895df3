"""The enricher `hashes`: sha256 of the file that a process executes, for rules that name `proc.exe_hash`.

The file is opened as /proc/PID/exe, which is the running one whatever its path refers to now, in any container. It is
read on threads of the enricher's own, because it may be on a file system that never answers (FUSE, NFS). Results are
cached by inode, ctime and path; a file whose ctime changes while it is read has no hash.
"""

import os
import stat
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from pydantic import ByteSize
from pydantic import Field as Setting

from mozu.core.api import (
    Context,
    EnricherDeclaration,
    Event,
    Field,
    FieldReaders,
    FieldType,
    LookupLimits,
    LookupTable,
    Settings,
    SyscallEvent,
    hookimpl,
)
from mozu.core.common.file_lanes import file_lanes
from mozu.core.common.subuids import SubordinateIds
from mozu.core.common.thread_pool import ThreadPool

FIELD: Final = "proc.exe_hash"
_CHUNK: Final = 1 << 18
_THREADS: Final = 4
_MOST: Final = 1 << 14
"""Most executables whose last process is remembered."""


class HashesSettings(Settings):
    """Settings of the enricher."""

    max_size: ByteSize = Setting(
        ByteSize(128 << 20), ge=1, description="Bytes of the largest file that is read; larger ones have no hash."
    )
    seconds: float = Setting(2.0, gt=0, le=60, description="What reading one file may take; a slower one has no hash.")


class Hashes:
    """Enricher with executables as keys, by inode, ctime and path."""

    def __init__(self, settings: HashesSettings, context: Context) -> None:
        self._settings = settings
        self._hashes: LookupTable[str] = context.lookups
        self._threads = ThreadPool("hashes", _THREADS)
        self._seen: OrderedDict[str, tuple[int, str, int]] = OrderedDict()
        """Pid, container key and user of the process last seen to execute a file, by key."""
        self._ids = SubordinateIds()

    async def start(self) -> None:
        """Do nothing: files are read on request."""

    def key(self, event: Event) -> str | None:
        """Return the executable of the event's process; None if its inode is unknown."""
        process = event.process if isinstance(event, SyscallEvent) else None
        if process is None or not process.exe_ino or not process.exe_ctime:
            return None
        key = f"{process.exe_ino} {process.exe_ctime} {process.exepath}"
        container = "" if process.container is None else process.container.key
        self._seen[key] = process.pid, container, process.ruid
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        return key

    def known(self, key: str) -> bool:
        """Return True once the file was hashed or could not be read."""
        return key in self._hashes

    async def resolve(self, key: str) -> None:
        """Read the file. Raises OSError, and TimeoutError if it does not answer in time."""
        ino, ctime, _ = key.split(" ", 2)
        (pid, container, uid), seconds = self._seen[key], self._settings.seconds
        lanes = file_lanes([f"/proc/{pid}/exe"], container, uid, self._ids)
        self._hashes.put(key, await self._threads.run(lambda: self._read(pid, int(ino), int(ctime)), seconds, lanes))

    def readers(self) -> FieldReaders:
        """Return the reader of the only field."""
        return {FIELD: self._bind}

    async def stop(self) -> None:
        """Stop the threads."""
        self._threads.stop()

    def _bind(self, _: str | None) -> Callable[[Any], str | None]:
        def read(event: SyscallEvent) -> str | None:
            key = self.key(event)
            return None if key is None else self._hashes.get(key)

        return read

    def _read(self, pid: int, ino: int, ctime: int) -> str | None:
        """Return the hash, on a thread; None if the process executes another file now, or the file is too large."""
        until = time.monotonic() + self._settings.seconds
        descriptor = os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or (found.st_ino, found.st_ctime_ns) != (ino, ctime):
                return None
            if found.st_size > self._settings.max_size:
                return None
            digest, left = sha256(), found.st_size
            while left > 0 and (piece := os.read(descriptor, min(_CHUNK, left))):
                digest.update(piece)
                left -= len(piece)
                if time.monotonic() > until:
                    return None
            return digest.hexdigest() if os.fstat(descriptor).st_ctime_ns == ctime and not left else None
        finally:
            os.close(descriptor)


@hookimpl
def mozu_components() -> EnricherDeclaration[HashesSettings]:
    """Declare the enricher."""
    return EnricherDeclaration(
        name="hashes",
        build=Hashes,
        settings=HashesSettings,
        summary="sha256 of the files that processes execute, for rules that name it.",
        fields=(
            Field(
                name=FIELD,
                type=FieldType.STRING,
                doc="sha256 of the file that the process executes, 64 hexadecimal digits. Mozu's own.",
                needs=frozenset({"tree"}),
            ),
        ),
        lookups=LookupLimits(parallel=4 * _THREADS, per_second=50, ttl=0, negative_ttl=30),
    )
