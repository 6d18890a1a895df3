"""Lines of audit logs: files that are followed, with their positions on disk, or the standard input."""

import asyncio
import os
import select
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api import Context, DataEvent, Obstacle
from mozu.core.common.followed_file import FollowedFile
from mozu.core.common.k8s_audit.decoder import AuditEventDecoder, IdentifiedEvent, NoAuditEvents
from mozu.core.common.line_file import FilePosition
from mozu.core.common.own_file import open_own
from mozu.core.common.thread_pool import ThreadPool
from mozu.plugins.sources.k8s_audit.remembered import RememberedEvents
from mozu.plugins.sources.k8s_audit.settings import STANDARD_INPUT, K8sAuditSettings

_POLL_SECONDS: Final = 0.2
_POSITIONS: Final = "positions.json"
_CHUNK: Final = 1 << 20
_TOO_LARGE: Final = "too large"


class StandardInput:
    """The standard input, line by line."""

    def __init__(self, longest: int, decoder: AuditEventDecoder) -> None:
        self._longest, self._decoder = longest, decoder
        self._rest = b""
        self._is_skipping = False
        self.ended = False

    def read(self) -> list[bytes]:
        """Return the next whole lines, after 0.2 s at most; at the end of the input, the last one without its end."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        if self.ended or not poll.poll(_POLL_SECONDS * 1000):
            return []
        data = os.read(0, _CHUNK)
        self.ended = not data
        *lines, self._rest = (self._rest + (data or b"\n")).split(b"\n")
        if lines and self._is_skipping:
            self._is_skipping, lines = False, lines[1:]
        if len(self._rest) > self._longest:
            if not self._is_skipping:
                self._decoder.refuse(_TOO_LARGE)
            self._is_skipping = True
        if self._is_skipping:
            self._rest = b""
        return [line for line in lines if line.strip()]


class FileInput:
    """Files, one batch in flight at a time; their positions are stored when the batch is acknowledged."""

    def __init__(
        self, settings: K8sAuditSettings, context: Context, decoder: AuditEventDecoder, remembered: RememberedEvents
    ) -> None:
        self._settings, self._context, self._decoder, self._remembered = settings, context, decoder, remembered
        self._pool = ThreadPool("follow files", 1)
        self._stopping = asyncio.Event()
        self._files: deque[FollowedFile] = deque()
        self._stdin: StandardInput | None = None
        self._stored = b""
        self._store_error = ""
        self.gaps: list[str] = []
        """Sentences on lines that may be lost."""
        self._unread = 0
        context.metrics.gauge("k8s_audit_unread_bytes", lambda: float(self._unread))

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle for each file that may not be read, or whose directory does not exist."""
        found = []
        for path in self._settings.files:
            if isinstance(path, Path) and not _is_readable(path):
                text = f"{path} cannot be read: name a file, in a directory that exists, which mozu's user may read"
                found.append(Obstacle(text, refuses=True))
        return found

    async def open(self) -> None:
        """Open the files at their stored positions. Raises MozuError if there is no state directory."""
        if self._settings.files == (STANDARD_INPUT,):
            self._stdin = StandardInput(self._settings.max_bytes, self._decoder)
        else:
            self._stored = await self._pool.run(self._open_files, None)

    def change(self, settings: K8sAuditSettings) -> None:
        """Do nothing: the settings that may change are a receiver's."""

    async def batches(self) -> AsyncIterator[Sequence[DataEvent]]:
        """Yield the events of further lines; end at the end of the standard input, or after `stop`."""
        try:
            while not self._stopping.is_set() and not (self._stdin is not None and self._stdin.ended):
                lines = await self._pool.run(self._read, None)
                batch = self._remembered.fresh(self._decoded(lines))
                if batch:
                    yield batch
                else:
                    await self.ack(batch)
                if not lines and self._stdin is None:
                    await self._wait()
        finally:
            await self._pool.run(self._close, None)
            self._pool.stop()

    async def ack(self, batch: object) -> None:
        """Store the positions behind the batch, whose alerts are safe."""
        if self._stdin is not None:
            return
        try:
            await self._pool.run(self._store, None)
            self._store_error = ""
        except OSError as error:  # a full disk: a restart reads these lines again, and their alerts have the same ids
            if str(error) != self._store_error:
                self._context.log.warning("positions in audit logs are not stored: %s; mozu tries again", error)
            self._store_error = str(error)

    async def stop(self) -> None:
        """Read no more."""
        self._stopping.set()

    def _decoded(self, lines: Sequence[bytes]) -> list[IdentifiedEvent]:
        now = time.time_ns()
        found: list[IdentifiedEvent] = []
        for line in lines:
            try:
                found += self._decoder.decode(line, now)
            except NoAuditEvents:
                continue  # counted
        return found

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._stopping.wait()
        except TimeoutError:
            return

    # --- on the thread

    def _open_files(self) -> bytes:
        """Open the files; return the stored positions."""
        path = self._positions_path()
        stored = path.read_bytes() if path.exists() else b""
        try:
            saved = msgspec.json.decode(stored or b"{}", type=dict[str, list[FilePosition]])
        except msgspec.DecodeError:
            saved = {}
            self.gaps.append(f"{path} is damaged: files are read from their beginning")
        for file in map(Path, self._settings.files):
            positions = saved.get(str(file), [])
            self._files.append(
                FollowedFile(file, positions, self._settings.max_bytes, self.gaps.append, self._too_large)
            )
        return stored

    def _too_large(self) -> None:
        self._decoder.refuse(_TOO_LARGE)

    def _read(self) -> list[bytes]:
        """Return lines of the next file that has some."""
        if self._stdin is not None:
            return self._stdin.read()
        for _ in range(len(self._files)):
            self._files.rotate(-1)
            if lines := self._files[-1].read():
                self._unread = sum(file.unread() for file in self._files)
                return lines
        self._unread = 0
        return []

    def _store(self) -> None:
        content = msgspec.json.encode({str(file.path): file.positions for file in self._files}, order="deterministic")
        if content == self._stored:
            return
        path = self._positions_path()
        new = path.with_suffix(".new")
        with open(open_own(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        self._stored = content

    def _close(self) -> None:
        for file in self._files:
            file.close()

    def _positions_path(self) -> Path:
        return self._context.state_directory() / _POSITIONS


def _is_readable(path: Path) -> bool:
    """Return True if mozu may read the file, or look for it in its directory."""
    return os.access(path if path.exists() else path.parent, os.R_OK, effective_ids=True)
