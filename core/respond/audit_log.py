"""The audit log of responses: one JSON object per line, append-only, each with a hash of the line before it.

A line is one `write` to a file opened with O_APPEND, under a lock that other processes of mozu (`mozu responders`)
take, too. The kernel has it before the act begins, so that a kill -9 of mozu loses none; a loss of power may lose the
last ones. A changed or removed line breaks the chain (`broken_at`).

The file may be rotated at any time: the next writer continues in a new one (`_renew`). Its first line has a hash of the
last line of FILE.1, the name that logrotate uses, if there is such a file; a start reads FILE.1 first.
"""

import enum
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.own_file import open_own

_TAIL: Final = 1 << 16
"""Bytes at the end of the file in which the last line is searched for; longer lines are not written."""
_MOST_TEXT: Final = 4096


class ActStage(enum.StrEnum):
    """Stage of an act that an entry records."""

    PLANNED = "planned"
    """The act is about to be done: its next entry records the outcome."""
    DONE = "done"
    WOULD = "would"
    """Dry run: the act would have been done."""
    REFUSED = "refused"
    FAILED = "failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo failed"
    BROKEN_OFF = "broken off"
    """mozu ended during the act."""
    SWITCHED = "switched"
    """The kill switch was changed."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Line of the log."""

    time: int
    """ns since the epoch."""
    stage: ActStage
    act: str = ""
    """`ALERT/RESPONDER`: the id of the alert and of the responder."""
    rule: str = ""
    text: str = ""
    reason: str = ""
    pids: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    """Start times of the processes `pids`, ns since boot."""
    boot: str = ""
    """The kernel's boot id."""
    detail: Mapping[str, str] = {}
    lasts: bool = False
    until: int = 0
    """Wall-clock time at which the act is undone, ns since the epoch; used for display and after a reboot. 0 if
    never."""
    until_boot: int = 0
    """Time at which the act is undone, in ns since the boot `boot`; used until the next boot. 0 if never."""
    by: int = 0
    """Pid of the process that wrote the entry."""
    before: str = ""
    """Hash of the line before this one."""

    @property
    def responder(self) -> str:
        """The id of the responder."""
        return self.act.partition("/")[2]

    @property
    def alert(self) -> str:
        """The id of the alert."""
        return self.act.partition("/")[0]


class AuditLog:
    """The log file; it and its directory are created for root alone."""

    def __init__(self, path: Path) -> None:
        """Open the log. Raises OSError."""
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._rotated = path.with_name(f"{path.name}.1")
        self._waiting = [entry for line in _lines_of(self._rotated) if (entry := _entry(line)) is not None]
        """Entries of earlier files that `new` has not returned yet."""
        self._open()

    def _open(self) -> None:
        self._fd = open_own(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
        self._read = 0
        """Number of bytes that `new` has read."""
        self._partial = b""
        self._end, self._last = -1, b""
        """Size of the file after the last line that this object wrote, and that line."""

    def _renew(self) -> bool:
        """Continue in a new file if this one was rotated; return True if it was. Raises OSError."""
        try:
            there, own = self.path.stat(follow_symlinks=False), os.fstat(self._fd)
            if (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino):
                return False
        except FileNotFoundError:
            pass
        self._waiting += self._rest()
        before = self._fd
        self._open()
        os.close(before)
        return True

    def append(self, entry: AuditEntry) -> None:
        """Append an entry under the lock. Raises OSError."""
        with self._locked():
            self.append_locked(entry)

    def append_locked(self, entry: AuditEntry) -> None:
        """Append an entry within `locked`. Raises OSError."""
        end = os.fstat(self._fd).st_size
        changed = msgspec.structs.replace(
            entry, by=os.getpid(), before=_digest(self._last_line(end)), text=entry.text[:_MOST_TEXT],
            reason=entry.reason[:_MOST_TEXT],
        )  # fmt: skip
        line = msgspec.json.encode(_printable(changed))
        written = os.write(self._fd, line + b"\n")
        if written <= len(line):  # the disk is full: half a line is none
            os.ftruncate(self._fd, end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end, self._last = end + written, line

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock, so that no other process writes between a read and a write."""
        with self._locked():
            yield

    def new(self) -> list[AuditEntry]:
        """Return the entries written since the last call, by any process, without undecodable lines."""
        self._renew()
        found, self._waiting = self._waiting, []
        return found + self._rest()

    def _rest(self) -> list[AuditEntry]:
        found = []
        while chunk := os.pread(self._fd, 1 << 20, self._read):
            self._read += len(chunk)
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            found += [entry for line in lines if (entry := _entry(line)) is not None]
        return found

    def broken_at(self) -> int | None:
        """Return the number of the first line that does not follow the one before it; None if all do."""
        rotated = _lines_of(self._rotated)
        before = rotated[-1] if rotated else b""
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            entry = _entry(line)
            if entry is None or entry.before != _digest(before):
                return number
            before = line
        return None

    def sync(self) -> None:
        """Flush the file to disk. Raises OSError."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        while self._renew():
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _last_line(self, size: int) -> bytes:
        if size == self._end:
            return self._last
        if not size:
            rotated = _lines_of(self._rotated)
            return rotated[-1] if rotated else b""
        tail = os.pread(self._fd, _TAIL, max(0, size - _TAIL))
        return tail.rstrip(b"\n").rpartition(b"\n")[2]


def _lines_of(file: Path) -> list[bytes]:
    """Return the lines of a file; empty if it cannot be read."""
    try:
        return file.read_bytes().splitlines()
    except OSError:
        return []


def _digest(line: bytes) -> str:
    return blake2b(line, digest_size=16).hexdigest() if line else ""


def _entry(line: bytes) -> AuditEntry | None:
    try:
        return msgspec.json.decode(line, type=AuditEntry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _printable(entry: AuditEntry) -> AuditEntry:
    """Return the entry as valid UTF-8: texts of hostile processes may hold other bytes."""
    return msgspec.structs.replace(
        entry, act=_text(entry.act), rule=_text(entry.rule), text=_text(entry.text), reason=_text(entry.reason),
        detail={key: _text(value) for key, value in entry.detail.items()},
    )  # fmt: skip


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
