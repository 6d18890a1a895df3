"""Acknowledgements that are decided but not written to a spool's file yet, because its disk was full or it was
locked."""

from collections.abc import Callable, Iterable, Sequence

from mozu.core.delivery.spool import Spool, SpoolRefused
from mozu.core.delivery.spool_file import SpoolFile


class PendingAcks:
    """Queue of acknowledgements, used on the loop's thread. `on_written` is called with the numbers that the file has
    deleted or moved, `on_refused` with the reason of each refused attempt."""

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
        self._stored: set[int] = set()
        """Numbers of acknowledged alerts that are still in the file."""

    def __bool__(self) -> bool:
        return bool(self._delete or self._dead_letter)

    def __len__(self) -> int:
        """Return the number of acknowledged alerts that are still in the file."""
        return len(self._stored)

    def add(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]]) -> None:
        """Add numbers to delete, and numbers to move to the dead letters with a reason."""
        self._delete += delivered
        self._dead_letter += dead
        self._stored.update(delivered, (number for number, _ in dead))

    def lose(self, numbers: set[int]) -> set[int]:
        """Forget numbers that the file has lost; return the acknowledged ones among them."""
        gone = self._stored & numbers
        self._stored -= gone
        return gone

    async def write(self, tried: Sequence[int] = ()) -> None:
        """Write the pending acknowledgements, and count an attempt of `tried`. Acknowledgements that the file refuses
        wait for the next call."""
        delete, dead = list(self._delete), list(self._dead_letter)
        written: list[int] = []

        def work(spool: Spool) -> None:
            """Write on the spool's thread; called again for a new file if the first was damaged."""
            written.clear()
            if delete:
                spool.delete(delete)
                written.extend(delete)
            if tried:
                spool.count_attempt(tried)
            if dead:
                spool.dead_letter(dead)
                written.extend(number for number, _ in dead)

        try:
            await self._file.run(work)
        except SpoolRefused as refused:
            self._on_refused(refused)
        done = set(written)
        self._delete = [number for number in self._delete if number not in done]
        self._dead_letter = [item for item in self._dead_letter if item[0] not in done]
        self._stored -= done
        self._on_written(written)
