"""The file of a disk queue: the spool and its owed numbers, used on one thread and repaired when they fail."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from mozu.core.common.thread_pool import WorkerThread
from mozu.core.delivery.alert_queue import GIVEN_UP, SPOOL_DAMAGED, DroppedRange
from mozu.core.delivery.spool import (
    OwedNumbers,
    Spool,
    SpoolCounts,
    SpoolRefused,
    SpoolUnusable,
    SpoolUnwritable,
    is_damage,
    refusal,
    remove_unplaced,
)

T = TypeVar("T")

_WATCH_INTERVAL: Final = 1.0
"""Seconds between two checks that the files are in their places."""
_REBUILD_PAUSE: Final = 10.0
"""Seconds between a failed rebuild of the file and the next attempt; each attempt reads all that is left."""


class SpoolFile:
    """Spool of a queue. A damaged file is set aside and its readable rows are copied into a new one; a deleted file is
    rebuilt."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        fsync: bool,
        on_lost: Callable[[Sequence[tuple[int, int]]], list[tuple[int, int]]],
        on_counted: Callable[[SpoolCounts, SpoolCounts], None],
    ) -> None:
        """Prepare the file, which `open` opens. `on_lost` is called with the ranges of numbers that a damaged file has
        lost, before the file is read again, and returns those that are lost if the process ends now. `on_counted` is
        called with the counts before and after each operation, before its caller continues."""
        self.path, self._max_bytes, self._fsync, self._on_lost = path, max_bytes, fsync, on_lost
        self._on_counted = on_counted
        self.counts = SpoolCounts()
        """The counts after the last operation."""
        self._log = logging.getLogger("mozu.spool")
        self._thread = WorkerThread(f"mozu-spool-{path.stem}")
        self._spool: Spool | None = None
        self._owed: OwedNumbers | None = None
        self._problems: list[str] = []
        self._is_unwritable = False
        self._next_rebuild = 0.0
        self._watched = asyncio.Event()
        """Event set once no more checks are wanted."""

    async def open(self) -> Spool:
        """Open the files. Raises SpoolUnusable."""
        owed = await self._thread.run(lambda: OwedNumbers(self.path))
        try:
            spool = await self._thread.run(
                lambda: Spool(self.path, max_bytes=self._max_bytes, fsync=self._fsync, known=owed.known)
            )
        except BaseException:
            owed.close()
            raise
        await self._thread.run(lambda: _tidy(spool, owed))
        self._owed, self._spool, self.counts = owed, spool, spool.counts()
        return spool

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`."""
        return self._spool is not None

    async def configure(self, *, max_bytes: int, fsync: bool) -> None:
        """Use other settings for the same file. Raises SpoolRefused."""
        self._max_bytes, self._fsync = max_bytes, fsync
        await self.run(lambda spool: spool.configure(max_bytes=max_bytes, fsync=fsync))

    async def run(self, work: Callable[[Spool], T]) -> T:
        """Run `work` on the thread of the file. A damaged file is set aside, and the work tried once more in the new
        one.

        Raises SpoolRefused; if not even a new file can be made the problem is reported as well.
        """
        spool = self._spool
        if spool is None:
            raise SpoolUnwritable(f"{self.path} is not open")
        for is_last in (False, True):
            try:
                return await self._counted(spool, work)
            except sqlite3.Error as error:
                if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
                    raise refusal(self.path, error) from error
                if not is_last:
                    await self._rebuild(spool, str(error))
        raise SpoolUnwritable(f"{self.path} cannot be used")

    async def _counted(self, spool: Spool, work: Callable[[Spool], T]) -> T:
        """Run `work` on the thread; then, even if it raises, record the known numbers and report the counts."""
        counts: list[SpoolCounts] = []
        owed = self._owed

        def counting() -> T:
            try:
                return work(spool)
            finally:
                if owed is not None:
                    owed.know(spool.known())
                counts.append(spool.counts())

        try:
            return await self._thread.run(counting)
        finally:
            if counts:
                before, self.counts = self.counts, counts[0]
                self._on_counted(before, self.counts)

    async def watch(self) -> None:
        """Rebuild files that were deleted or moved away, with the contents of the open ones, until `end_watch`."""
        while not await self._is_watched():
            spool, owed = self._spool, self._owed
            if spool is None or owed is None:
                return
            await self._counted(spool, Spool.look)
            if not await self._thread.run(spool.is_in_place):
                with suppress(SpoolRefused):
                    await self._rebuild(spool, f"{self.path} is not in its place any more")
            with suppress(OSError):
                await self._thread.run(owed.keep_in_place)

    def end_watch(self) -> None:
        """End the checks of `watch`."""
        self._watched.set()

    async def _is_watched(self) -> bool:
        """Return True if `end_watch` is called within the interval, False after it."""
        try:
            async with asyncio.timeout(_WATCH_INTERVAL):
                await self._watched.wait()
        except TimeoutError:
            return False
        return True

    def note(self, refused: SpoolRefused | None) -> None:
        """Note the result of the last attempt to store alerts: a disk that refuses to write is reported once."""
        is_unwritable = isinstance(refused, SpoolUnwritable)
        if is_unwritable and not self._is_unwritable:
            self._report(f"{refused}; alerts of this sink are dropped until it takes them again")
        self._is_unwritable = is_unwritable

    def take_problems(self) -> list[str]:
        """Return sentences on damage found while running, since the last call."""
        problems, self._problems = self._problems, []
        return problems

    async def owe(self, count: int, why: str) -> None:
        """Owe numbers of dropped alerts that could not be used up: they are used up before the next alert is stored."""
        owed = self._owed
        if owed is not None:
            await self._thread.run(lambda: owed.add(count, why))

    async def pay_owed(self) -> DroppedRange | None:
        """Use up the owed numbers and return their range; None if none are owed. Raises SpoolRefused."""
        owed = self._owed
        if owed is None or not owed.count:
            return None
        first, last = await self.run(lambda spool: spool.skip(owed.count, owed.reason, owed.debt))
        paid = DroppedRange(first, last, owed.reason)
        await self._thread.run(owed.paid)
        return paid

    async def announced(self, ranges: Sequence[DroppedRange]) -> None:
        """Note that notices on disk announce these ranges, so that the next run need not. If the file refuses the
        write, it does."""
        if ranges:
            with suppress(SpoolRefused):
                await self.run(lambda spool: spool.announced([(one.first, one.last) for one in ranges]))

    async def drop_again(self, ranges: Sequence[DroppedRange]) -> None:
        """Keep ranges whose notice was given up: the next run announces them if this one does not."""
        if ranges:
            with suppress(SpoolRefused):
                await self.run(lambda spool: spool.note_lost([(one.first, one.last) for one in ranges], GIVEN_UP))

    async def close(self) -> None:
        """Close the files; alerts in them wait for the next run. Idempotent."""
        spool, self._spool = self._spool, None
        if spool is not None:
            with suppress(sqlite3.Error):
                await self._thread.run(spool.close)
        owed, self._owed = self._owed, None
        if owed is not None:
            await self._thread.run(owed.close)
        self._thread.close()

    async def _rebuild(self, spool: Spool, why: str) -> None:
        """Rebuild the file and report its damage. Raises SpoolUnwritable."""
        now = asyncio.get_running_loop().time
        if now() < self._next_rebuild:
            raise SpoolUnwritable(f"{self.path} cannot be written: {why}")
        try:
            damage = await self._counted(spool, Spool.rebuild)
        except SpoolUnusable as unusable:
            self._next_rebuild = now() + _REBUILD_PAUSE
            self._report(f"{why}; {unusable}")
            raise SpoolUnwritable(f"{self.path} cannot be written: {why}") from unusable
        lost = self._on_lost(damage.lost)
        if lost:
            with suppress(SpoolRefused, sqlite3.Error):
                await self._thread.run(lambda: spool.note_lost(lost, SPOOL_DAMAGED))
        self._report(f"{why}; {damage}")

    def _report(self, problem: str) -> None:
        self._log.error("%s", problem)
        if problem not in self._problems:
            self._problems.append(problem)


def _tidy(spool: Spool, owed: OwedNumbers) -> None:
    """Clean up after a killed run: a debt already paid is not paid again, and an unplaced new file is removed."""
    with suppress(sqlite3.Error, OSError):
        owed.know(spool.known())
        if owed.count and spool.has_paid(owed.debt):
            owed.paid()
        remove_unplaced(spool.path)
