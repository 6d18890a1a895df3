"""The sink itself: lines, and what has to be done now and then."""

import asyncio
import threading
import time
from collections.abc import Sequence

from mozu.core.api import Context, Record
from mozu.plugins.sinks.file.appender import Appender, sync_directory
from mozu.plugins.sinks.file.archive import Archive, Schedule
from mozu.plugins.sinks.file.settings import FileSettings
from mozu.plugins.sinks.lines import one_line

_TIDY_EVERY = 1.0


class FileSink:
    """A batch is in the file as a whole when it is acknowledged, and on the disk if `fsync` says so."""

    def __init__(self, settings: FileSettings, context: Context) -> None:
        self._path, self._log = settings.path, context.log
        self._every = settings.fsync if isinstance(settings.fsync, float) else None
        """Seconds between two syncs."""
        self._each, self._never = settings.fsync == "batch", settings.fsync == "never"
        self._file = Appender(settings.path, int(settings.mode, 8), context.log)
        rotate = settings.rotate
        self._schedule = Schedule(rotate.size, rotate.every)
        self._archive = Archive(settings.path, rotate.keep, compress=rotate.gzip)
        self._guard = threading.Lock()
        """Of the file: the keeper syncs on a thread of its own."""
        self._dirty, self._synced = False, time.monotonic()
        self._moved = False
        self._kept = context.spawn is not None
        if context.spawn is not None and (self._every is not None or rotate.gzip):
            context.spawn(self._keep(), f"keep {context.id}")

    def start(self) -> None:
        """Nothing to prepare: the file is made with the first alert."""

    def deliver(self, records: Sequence[Record]) -> None:
        """One line a record. Raises OSError, after which nothing of the batch is in the file."""
        if not records:
            return
        data = b"".join(one_line(record.body) + b"\n" for record in records)
        with self._guard:
            if self._moved:
                self._moved = False
                self._file.close()
            while not self._write(data):
                self._put_aside()
            self._dirty = True
            if self._each or (self._every is not None and time.monotonic() - self._synced >= self._every):
                self._sync()
        if self._archive.pending and not self._kept:
            self._archive.tidy()

    def reopen(self) -> None:
        """Whoever moved the file away is told the truth: nothing more is written to it."""
        self._moved = True

    def stop(self) -> None:
        """Everything on the disk, unless it is never asked for."""
        self._archive.leaving = True
        with self._guard:
            if self._dirty and not self._never:
                self._sync()
            self._file.close()

    def _write(self, data: bytes) -> bool:
        """False: the file must be put aside first; it is, and closed."""
        with self._file.locked() as descriptor:
            if self._schedule.due(descriptor, len(data)):
                if not self._never:
                    self._file.sync()
                self._archive.put_aside()
                return False
            self._file.append(descriptor, data)
            return True

    def _put_aside(self) -> None:
        self._file.close()
        if not self._never:
            sync_directory(self._path.parent)

    def _sync(self) -> None:
        self._file.sync()
        self._dirty, self._synced = False, time.monotonic()

    async def _keep(self) -> None:
        """Sync what no later batch would, and compress; for as long as the engine runs."""
        while True:
            await asyncio.sleep(min(_TIDY_EVERY, self._every or _TIDY_EVERY))
            try:
                await asyncio.to_thread(self._keep_once)
            except OSError as error:
                self._log.warning("%s: %s", self._path, error)

    def _keep_once(self) -> None:
        if self._every is not None and self._dirty and time.monotonic() - self._synced >= self._every:
            with self._guard:
                self._sync()
        if self._archive.pending:
            self._archive.tidy()
