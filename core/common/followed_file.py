"""A file of lines that is followed while it grows and is rotated: by rename, by copy and truncation, or by
replacement. All functions may block; call them on a thread."""

import errno
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from mozu.core.common.line_file import FilePosition, LineFile, continues, moved, open_lines

_GRACE: Final = 30.0
"""Seconds for which a renamed file is read further: its writer goes on until it opens the new one."""
_FINISHED: Final = 8
"""Files read to their end whose positions are kept, so that they are not read again."""
_ROTATED: Final = (
    "{name}[.-][0-9][0-9T.:_-]*",
    "{stem}[.][0-9]+{suffix}",
    "{stem}-[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}}[0-9T.:_-]*{suffix}",
)
"""Names of rotated files: those of logrotate (`audit.log.1`, `audit.log-20261202`, `audit.1.log`, `audit-20261202.log`)
and of the API server (lumberjack: `audit-2026-12-02T14-13-33.000.log`)."""


class FollowedFile:
    """A path that is followed. `on_gap` is called with a sentence if lines may be lost, `on_long` for each line of more
    than `longest` bytes, which is left out. `saved`: the positions of the last run."""

    def __init__(
        self, path: Path, saved: list[FilePosition], longest: int, on_gap: Callable[[str], None],
        on_long: Callable[[], None],
    ) -> None:  # fmt: skip
        self.path, self._longest, self._on_gap, self._on_long = path, longest, on_gap, on_long
        self._files: list[LineFile] = []
        """The open files, oldest first; the last one is that of the path."""
        self._finished: deque[FilePosition] = deque(maxlen=_FINISHED)
        self._error = ""
        self._restore(saved)

    @property
    def positions(self) -> list[FilePosition]:
        """The positions in finished and in open files, oldest first."""
        return [*self._finished, *(file.position for file in self._files)]

    def unread(self) -> int:
        """Return the number of bytes that were not read yet."""
        return sum(file.unread() for file in self._files)

    def read(self) -> list[bytes]:
        """Return the next whole lines; empty if there are none now, or the files cannot be read."""
        lines: list[bytes] = []
        try:
            self._look()
            for file in list(self._files):
                lines = self._read(file)
                if lines:
                    break
            self._error = ""
        except OSError as error:
            if str(error) != self._error and error.errno != errno.ENOENT:
                self._on_gap(f"{self.path} cannot be read ({error.strerror}); mozu goes on once it can")
            self._error = str(error)
        return lines

    def close(self) -> None:
        """Close all files. Idempotent."""
        while self._files:
            os.close(self._files.pop().descriptor)

    def _read(self, file: LineFile) -> list[bytes]:
        """Return the next lines of an open file; close it if it has ended."""
        while True:
            offset = file.position.offset
            lines = file.read(self._longest, self._on_long)
            if lines:
                return lines
            if file.position.offset == offset:
                break
        if file is self._files[-1] or not self._is_done(file):
            return []
        lines = file.rest(self._longest)
        file.position.is_finished = True
        self._finished.append(file.position)
        self._close(file)
        return lines

    # --- rotation

    def _look(self) -> None:
        """Notice what has become of the path. Raises OSError."""
        for file in list(self._files):
            if file.is_rewritten():
                self._rewritten(file)
        try:
            found = os.stat(self.path)
        except FileNotFoundError:  # renamed, and the new file has not been made yet
            return
        newest = self._files[-1] if self._files else None
        if newest is not None and (newest.position.device, newest.position.inode) == (found.st_dev, found.st_ino):
            return
        added = open_lines(self.path)
        if newest is not None and newest.position.before and continues(added.descriptor, newest.position):
            added.position = moved(newest.position, added.position)  # a copy has taken the place of the file
            self._close(newest)
        self._files.append(added)
        if newest in self._files:  # further rotations may have come since the last look
            self._files[-1:-1] = self._between(max(newest.position.modified, os.fstat(newest.descriptor).st_mtime_ns))

    def _rewritten(self, file: LineFile) -> None:
        """Begin at the beginning; before that, read what is left in a copy that was made before the truncation."""
        copy = self._copy_of(file.position)
        if copy is None:
            self._on_gap(f"{self.path} was truncated, and there is no copy: lines since the last read may be lost")
        else:
            self._files.insert(self._files.index(file), copy)
        file.position = FilePosition(file.position.device, file.position.inode)

    def _is_done(self, file: LineFile) -> bool:
        return file.ends or time.monotonic() - file.quiet_since > _GRACE

    def _close(self, file: LineFile) -> None:
        self._files.remove(file)
        os.close(file.descriptor)

    # --- files made by rotation

    def _restore(self, saved: list[FilePosition]) -> None:
        """Open the files of these positions, and those that rotation has put between the last one and the path."""
        open_ones = [position for position in saved if not position.is_finished]
        self._finished.extend(position for position in saved if position.is_finished)
        for position in open_ones:
            self._reopen(position)
        with suppress(OSError):
            if open_ones and not (self._files and _is_same(self._files[-1].position, os.stat(self.path))):
                self._files += self._between(open_ones[-1].modified)

    def _reopen(self, position: FilePosition) -> None:
        paths = (self.path, *self._siblings())
        for path in paths:
            with suppress(OSError):
                if _is_same(position, os.stat(path)) and self._take(path, position, ends=False):
                    return
        for path in paths:
            with suppress(OSError):
                if position.before and self._take(path, position, ends=path != self.path):
                    return
        if position.before:
            self._on_gap(f"{self.path} was rotated while mozu did not run, and the file that it was is gone: its last "
                         "lines may be lost")  # fmt: skip

    def _take(self, path: Path, position: FilePosition, *, ends: bool) -> bool:
        """Open a file that has the bytes before the position; return False if it has others."""
        file = open_lines(path, ends=ends)
        if not continues(file.descriptor, position):
            os.close(file.descriptor)
            return False
        file.position = moved(position, file.position)
        self._files.append(file)
        return True

    def _between(self, after: int) -> list[LineFile]:
        """Return the rotated files that were changed since `after` (ns since the epoch) and are not known, opened,
        oldest first."""
        found: list[tuple[int, LineFile]] = []
        path_now = os.stat(self.path)
        for path in self._siblings():
            with suppress(OSError):
                file = open_lines(path, ends=True)
                changed = os.fstat(file.descriptor).st_mtime_ns
                if changed < after or _is_same(file.position, path_now) or self._is_known(file):
                    os.close(file.descriptor)
                else:
                    found.append((changed, file))
        return [file for _, file in sorted(found, key=lambda one: one[0])]

    def _is_known(self, file: LineFile) -> bool:
        """Return True if it is one of the files that are open or finished, or a copy of one."""
        return any(
            continues(file.descriptor, position) if position.before else _is_same(position, os.fstat(file.descriptor))
            for position in self.positions
        )

    def _copy_of(self, position: FilePosition) -> LineFile | None:
        for path in self._siblings() if position.before else ():
            with suppress(OSError):
                file = open_lines(path, ends=True)
                if continues(file.descriptor, position):
                    file.position = moved(position, file.position)
                    return file
                os.close(file.descriptor)
        return None

    def _siblings(self) -> Iterator[Path]:
        """Yield the files that rotation may have made of the path, by name, except packed ones."""
        parts = {"name": self.path.name, "stem": self.path.stem, "suffix": self.path.suffix}
        names = {key: re.escape(part) for key, part in parts.items()}
        pattern = re.compile("|".join(form.format(**names) for form in _ROTATED))
        try:
            paths = sorted(self.path.parent.iterdir())
        except OSError:  # a directory that mozu may not list
            return
        yield from (path for path in paths if pattern.fullmatch(path.name) and path != self.path)


def _is_same(position: FilePosition, found: os.stat_result) -> bool:
    return (position.device, position.inode) == (found.st_dev, found.st_ino)
