"""Import notes: which plugin was being imported or built when a start ended without a message (os._exit, a crash).

A note is a locked file that names the plugin; it is removed when the plugin's code has returned. A note that exists and
is not locked therefore belongs to a process that has ended.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_FOLDER: Final = "importing"
"""Directory below `state_dir`."""
_LONGEST: Final = 1_024
"""Most bytes of a note."""


class ImportNotes:
    """The notes of one state directory; none are written if the directory is not writable."""

    def __init__(self, state_dir: Path) -> None:
        self._directory = state_dir / _FOLDER

    def report(self) -> None:
        """Print and remove the notes of earlier starts, before anything else: this start may end in the same way."""
        for text in self._left():
            print(f"mozu: warning: an earlier start ended without a word while {text}", file=sys.stderr)

    def _left(self) -> list[str]:
        found = []
        with suppress(OSError):
            for path in sorted(self._directory.iterdir()):
                with suppress(OSError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its process lives
                    found.append(file.read(_LONGEST).decode("utf-8", "replace"))
                    path.unlink()
        return [text for text in found if text]

    @contextmanager
    def noted(self, text: str) -> Iterator[None]:
        """Leave a note with this text if the process ends in the block."""
        descriptor = self._written(text)
        try:
            yield
        finally:
            if descriptor is not None:
                with suppress(OSError):
                    self._path().unlink()
                os.close(descriptor)

    def _written(self, text: str) -> int | None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path(), flags, 0o600)
        except OSError:
            return None
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, text.encode()[:_LONGEST])
        return descriptor

    def _path(self) -> Path:
        return self._directory / str(os.getpid())
