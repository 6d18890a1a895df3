"""A record of a spool's numbers outside its database: owed numbers, and numbers that may be lost with its pages.

A small file of fixed size beside the spool, written in place, so that a full disk or a damaged database does not lose
it. Numbers are owed for dropped alerts that could not be recorded in the database: `Spool.skip` records them before the
next alert is stored. The epoch, the lowest number that waits and the highest that was given are written after each
transaction, without a flush: they outlive the process, so that a damaged database is never mistaken for an intact one,
and no number is given twice.
"""

import errno
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.own_file import open_own
from mozu.core.delivery.spool.file import SpoolUnusable
from mozu.core.delivery.spool.known_numbers import KnownNumbers
from mozu.core.delivery.spool.owner_lock import own

_SIZE: Final = 4096


class _Page(msgspec.Struct):
    count: int
    reason: str
    check: int
    debt: str = ""
    known: KnownNumbers | None = None


def owed_path(spool: Path) -> Path:
    """Return the path of the file with a spool's owed numbers; the mozu that uses the spool keeps this file locked."""
    return spool.with_name(spool.name + ".owed")


class OwedNumbers:
    """Number of owed numbers (`count`) and the reason of the last drop. Raises SpoolUnusable if another mozu uses the
    spool."""

    def __init__(self, spool: Path) -> None:
        self._path = owed_path(spool)
        self.count, self.reason = 0, ""
        self.debt = ""
        """Id of the present debt: the spool that pays it notes the id, so that it is paid once."""
        self.known: KnownNumbers | None = None
        try:
            spool.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = self._open()
        except OSError as error:
            raise SpoolUnusable(spool, error) from error
        if not own(self._fd):
            os.close(self._fd)
            raise SpoolUnusable(spool, BlockingIOError(errno.EAGAIN, "another mozu uses it"))
        self._load()
        self._written = self.count

    def _open(self) -> int:
        fd = open_own(self._path, os.O_CREAT | os.O_RDWR)
        with suppress(OSError):  # written when there is room; until then the count is in memory only
            os.posix_fallocate(fd, 0, _SIZE)
        return fd

    def _load(self) -> None:
        try:
            page = msgspec.json.decode(os.pread(self._fd, _SIZE, 0).rstrip(b" \0\n"), type=_Page)
        except msgspec.MsgspecError:
            return
        if page.check == _check(page):
            self.count, self.reason, self.debt = max(0, page.count), page.reason, page.debt
            self.known = page.known

    def know(self, numbers: KnownNumbers) -> None:
        """Record the spool's numbers for the next process."""
        if numbers != self.known:
            self.known = numbers
            with suppress(OSError):  # without blocks of its own on a full disk: written with the next change
                os.pwrite(self._fd, self._page(), 0)

    def add(self, count: int, reason: str) -> None:
        """Add owed numbers."""
        if not self.count:
            self.debt = f"{time.time_ns():x}"
        self.count, self.reason = self.count + count, reason
        self._write()

    def paid(self) -> None:
        """Note that all owed numbers are used up."""
        self.count, self.reason = 0, ""
        if self._written:
            self._write()

    def keep_in_place(self) -> None:
        """Create the file again if it was deleted or moved away. Raises OSError."""
        try:
            if os.path.samestat(os.stat(self._path), os.fstat(self._fd)):
                return
        except FileNotFoundError:
            pass
        fresh, before = self._open(), self._fd
        own(fresh)
        self._fd = fresh
        os.close(before)
        self._write()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _write(self) -> None:
        with suppress(OSError):  # a disk that takes nothing: written with the next change
            os.pwrite(self._fd, self._page(), 0)
            os.fdatasync(self._fd)
            self._written = self.count

    def _page(self) -> bytes:
        page = _Page(self.count, self.reason[:500], 0, self.debt, self.known)
        page.check = _check(page)
        return msgspec.json.encode(page)[:_SIZE].ljust(_SIZE)


def _check(page: _Page) -> int:
    known = "" if page.known is None else f" {page.known.epoch} {page.known.first} {page.known.last}"
    return zlib.crc32(f"{page.count} {page.debt} {page.reason}{known}".encode(errors="replace"))
