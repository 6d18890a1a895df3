"""Acknowledgements that are decided and not in the file of a spool yet: its disk had no room, or it was locked."""

from collections.abc import Callable, Iterable, Sequence

from mozu.core.delivery.spool import Spool, SpoolRefused
from mozu.core.delivery.spool_file import SpoolFile


class PendingAcks:
    """On the loop's thread. `on_written` is called with the numbers that the file has deleted or moved, `on_refused`
    with the reason of each attempt that it refused."""

    def __init__(
        self,
        file: SpoolFile,
        *,
        on_written: Callable[[Iterable[int]], None],
        on_refused: Callable[[SpoolRefused], None],
    ) -> None:
        self._file, self._on_written, self._on_refused = file, on_written, on_refused
        self._delete: list[int] = []
        self._dead_letter: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._delete) + len(self._dead_letter)

    def add(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]]) -> None:
        """Numbers to delete, and to move to the dead letters with a reason."""
        self._delete += delivered
        self._dead_letter += dead

    async def write(self, tried: Sequence[int] = ()) -> None:
        """Write what waits, and count an attempt of `tried`. What the file refuses now waits for the next call."""
        delete, self._delete = self._delete, []
        dead, self._dead_letter = self._dead_letter, []
        written: list[int] = []

        def work(spool: Spool) -> None:
            """On the spool's thread."""
            if delete:
                spool.delete(delete)
                written.extend(delete)
                delete.clear()
            if tried:
                spool.count_attempt(tried)
            if dead:
                spool.dead_letter(dead)
                written.extend(number for number, _ in dead)

        try:
            await self._file.run(work)
        except SpoolRefused as refused:
            self._on_refused(refused)
            self._delete[:0] = delete
            self._dead_letter[:0] = dead
        self._on_written(written)
