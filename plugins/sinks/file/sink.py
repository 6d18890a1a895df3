"""The sink `file`: appends lines, rotates and syncs; `reopen` follows a file that logrotate has renamed."""

import asyncio
import threading
import time
from collections.abc import Sequence

from mozu.core.api import ChecksStart, Context, Obstacle, Record, Reopens
from mozu.core.common.control_chars import single_line
from mozu.core.common.file_access import why_not_writable
from mozu.plugins.sinks.file.appender import Appender, sync_directory
from mozu.plugins.sinks.file.rotation import RotatedFiles, RotationSchedule
from mozu.plugins.sinks.file.settings import FileSettings

_UPKEEP_INTERVAL = 1.0


class FileSink(ChecksStart, Reopens):
    """Sink whose acknowledged batches are entirely in the file, and on the disk if `fsync` requires it."""

    def __init__(self, settings: FileSettings, context: Context) -> None:
        self._path, self._log = settings.path, context.log
        self._every = settings.fsync if isinstance(settings.fsync, float) else None
        """Seconds between two syncs; None unless `fsync` is a number."""
        self._each, self._never = settings.fsync == "batch", settings.fsync == "never"
        self._file = Appender(settings.path, int(settings.mode, 8), context.log)
        rotate = settings.rotate
        self._schedule = RotationSchedule(rotate.size, rotate.every)
        self._rotated = RotatedFiles(settings.path, rotate.keep, compress=rotate.gzip)
        self._lock = threading.Lock()
        """Lock for the file, since the upkeep syncs on a thread of its own."""
        self._dirty, self._synced = False, time.monotonic()
        self._reopen_due = False
        self._has_upkeep = context.spawn is not None
        if context.spawn is not None and (self._every is not None or rotate.gzip):
            context.spawn(self._upkeep(), f"upkeep {context.id}")

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the file can be neither written nor created with its directories."""
        reason = why_not_writable(self._path, makes_folders=True)
        return [] if reason is None else [Obstacle(reason)]

    def start(self) -> None:
        """Do nothing: the file is created with the first alert."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Append one line per record. Raises OSError, after which nothing of the batch is in the file."""
        if not records:
            return
        data = b"".join(single_line(record.body) + b"\n" for record in records)
        with self._lock:
            if self._reopen_due:
                self._reopen_due = False
                self._file.close()
            while not self._write(data):
                self._finish_rotation()
            self._dirty = True
            if self._each or (self._every is not None and time.monotonic() - self._synced >= self._every):
                self._sync()
        if self._rotated.pending and not self._has_upkeep:
            self._rotated.compress_and_prune()

    def reopen(self) -> None:
        """Open the path again for the next alert, because the file may have been renamed."""
        self._reopen_due = True

    def stop(self) -> None:
        """Sync, unless `fsync` is `never`, and close the file."""
        self._rotated.stopping = True
        with self._lock:
            if self._dirty and not self._never:
                self._sync()
            self._file.close()

    def _write(self, data: bytes) -> bool:
        """Append the data; return False if the file was due for rotation and was renamed instead, to be closed by
        `_finish_rotation`."""
        with self._file.locked() as descriptor:
            if self._schedule.due(descriptor, len(data)):
                if not self._never:
                    self._file.sync()
                self._rotated.rotate()
                return False
            self._file.append(descriptor, data)
            return True

    def _finish_rotation(self) -> None:
        self._file.close()
        if not self._never:
            sync_directory(self._path.parent)

    def _sync(self) -> None:
        self._file.sync()
        self._dirty, self._synced = False, time.monotonic()

    async def _upkeep(self) -> None:
        """Sync data that no later batch has synced, and compress rotated files, as long as the engine runs."""
        while True:
            await asyncio.sleep(min(_UPKEEP_INTERVAL, self._every or _UPKEEP_INTERVAL))
            try:
                await asyncio.to_thread(self._upkeep_once)
            except OSError as error:
                self._log.warning("%s: %s", self._path, error)

    def _upkeep_once(self) -> None:
        if self._every is not None and self._dirty and time.monotonic() - self._synced >= self._every:
            with self._lock:
                self._sync()
        if self._rotated.pending:
            self._rotated.compress_and_prune()
