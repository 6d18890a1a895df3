"""Acknowledgements that are decided and not in the file of a spool yet: its disk had no room, or it was locked."""

from collections.abc import Callable, Iterator, Sequence

from mozu.core.delivery.spool import Spool, SpoolRefused
from mozu.core.delivery.spool_file import SpoolFile


class PendingAcks:
    """On the loop's thread. `on_refused` is called with the reason of each attempt that the file refused."""

    def __init__(self, file: SpoolFile, on_refused: Callable[[SpoolRefused], None]) -> None:
        self._file, self._on_refused = file, on_refused
        self._delete: list[int] = []
        self._dead_letter: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._delete) + len(self._dead_letter)

    def add(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]]) -> Iterator[int]:
        """Numbers to delete, and to move to the dead letters with a reason; all these numbers."""
        self._delete += delivered
        self._dead_letter += dead
        return iter((*delivered, *(number for number, _ in dead)))

    async def write(self, tried: Sequence[int] = ()) -> None:
        """Write what waits, and count an attempt of `tried`. What the file refuses now waits for the next call."""
        delete, self._delete = self._delete, []
        dead, self._dead_letter = self._dead_letter, []

        def work(spool: Spool) -> None:
            """On the spool's thread."""
            if delete:
                spool.delete(delete)
                delete.clear()
            if tried:
                spool.count_attempt(tried)
            if dead:
                spool.dead_letter(dead)
                dead.clear()

        try:
            await self._file.run(work)
        except SpoolRefused as refused:
            self._on_refused(refused)
            self._delete[:0] = delete
            self._dead_letter[:0] = dead
