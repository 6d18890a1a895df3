"""The writer of a recording: a thread that compresses (gzip) and rotates files, behind a queue of bounded size."""

import contextlib
import os
import re
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from mozu.core.common.own_file import open_own
from mozu.core.metrics import Metrics

_counter_lock: Final = threading.Lock()
"""Lock of the counter that the writers of a source share."""

Text = Callable[[], Iterable[bytes]]
"""Function that makes the lines, called on the writer's thread."""

_LEVEL: Final = 3
"""Level of deflate: measured, the last level that costs less than encoding an event."""
_GZIP: Final = 31
_WAIT_SECONDS: Final = 1.0
_MAX_QUEUED: Final = 64 << 20
"""Maximum bytes of text in the queue."""
_MODE: Final = 0o600
"""File mode, readable by the owner only: recordings hold data that programs read and wrote."""


class RecordingFiles:
    """Names of the files of one recording: FILE, then FILE with a number before its first dot. No file is overwritten;
    if there are more than `keep`, the oldest are deleted (0: keep all)."""

    def __init__(self, path: Path, keep: int = 0) -> None:
        self._path, self._keep = path, keep
        stem, dot, rest = path.name.partition(".")
        self._stem, self._rest = stem, dot + rest
        self._pattern = re.compile(rf"{re.escape(stem)}(?:-(\d+))?{re.escape(self._rest)}")

    def open(self) -> tuple[Path, BinaryIO]:
        """Create and open the next file. Raises OSError."""
        number = max(self._numbers(), default=0) + 1
        name = self._path if number == 1 else self._named(number)
        file = os.fdopen(open_own(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb")
        if self._keep:
            for old in sorted(self._numbers())[: -self._keep]:
                with contextlib.suppress(OSError):
                    self._named(old).unlink()
        return name, file

    def _named(self, number: int) -> Path:
        return self._path.with_name(f"{self._stem}-{number}{self._rest}") if number > 1 else self._path

    def _numbers(self) -> Iterator[int]:
        for found in self._path.parent.iterdir():
            matched = self._pattern.fullmatch(found.name)
            if matched is not None:
                yield int(matched[1] or 1)


class RecordingWriter:
    """Writer of the parts of one recording."""

    def __init__(self, parts: RecordingFiles, metrics: Metrics, on_open: Callable[[Path], None]) -> None:
        self._parts, self._on_open = parts, on_open
        self._bytes = metrics.counter("recorded_bytes_total")
        self._queue: deque[tuple[Text, int, bool] | None] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="mozu-recording", daemon=True)
        self._file: BinaryIO | None = None
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self.size = 0
        """Compressed bytes of the current part."""
        self.begun = time.monotonic()
        """Time at which the current part was opened."""
        self.problem = ""
        """Reason nothing more is written; empty if there is no problem."""
        self._thread.start()

    def put(self, text: Text, size: int, *, part: bool = False, force: bool = False) -> bool:
        """Queue text (`size`: approximate bytes); `part`: it begins a file. Return False if the queue is full or
        writing failed."""
        with self._changed:
            if self.problem or (self._queued > _MAX_QUEUED and not force):
                return False
            self._queue.append((text, size, part))
            self._queued += size
            self._changed.notify_all()
        return True

    def wait_capacity(self) -> bool:
        """Wait up to a second until the queue is half empty; return True if it is, or if writing failed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._queued <= _MAX_QUEUED // 2 or bool(self.problem), _WAIT_SECONDS)

    def end(self) -> None:
        """Mark the end; text in the queue is still written."""
        with self._changed:
            self._queue.append(None)
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait until all text is written, after `end`; give up after this time."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            self.problem = self.problem or f"the disk did not take the end of it within {seconds:.0f} s"

    @property
    def alive(self) -> bool:
        """True if the thread still writes."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue))
                item = self._queue.popleft()
            try:
                if item is None:
                    self._finish()
                    return
                self._write(item[0], part=item[2])
            except OSError as error:
                self._fail(f"{error.filename or 'the recording'} cannot be written: {error.strerror}")
                return
            with self._changed:
                self._queued -= item[1]
                self._changed.notify_all()

    def _write(self, text: Text, *, part: bool) -> None:
        if part or self._file is None:
            self._finish()
            path, self._file = self._parts.open()
            self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
            self.size, self.begun = 0, time.monotonic()
            self._on_open(path)
        for piece in text():
            self._append(self._compressor.compress(piece))
        self._append(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self.size += len(data)
        with _counter_lock:
            self._bytes.value += len(data)

    def _finish(self) -> None:
        if self._file is not None:
            self._append(self._compressor.flush())
            self._file.close()
            self._file = None

    def _fail(self, problem: str) -> None:
        with self._changed:
            self.problem = problem
            self._queue.clear()
            self._queued = 0
            self._changed.notify_all()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
