"""Acknowledgements wait in order while the file of the spool refuses writes."""

import asyncio
from collections.abc import Callable
from typing import Any

from mozu.core.delivery.pending_acks import PendingAcks
from mozu.core.delivery.spool import SpoolRefused
from mozu.core.delivery.spool.refusal import DiskFull


class File:
    """A file of a spool that records what is written, and refuses the calls named in `refuses`."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.written: list[tuple[str, list[Any]]] = []

    async def run(self, work: Callable[[Any], None]) -> None:
        work(self)

    def _write(self, name: str, what: Any) -> None:
        if name in self.refuses:
            raise DiskFull("full")
        self.written.append((name, [*what]))

    def delete(self, numbers: Any) -> None:
        self._write("delete", numbers)

    def count_attempt(self, numbers: Any) -> None:
        self._write("attempt", numbers)

    def dead_letter(self, numbers: Any) -> None:
        self._write("dead", numbers)


class Acks(PendingAcks):
    """Pending acknowledgements that record what they report."""

    def __init__(self, file: File) -> None:
        self.gone: list[int] = []
        """Numbers that the file has written."""
        self.refused: list[SpoolRefused] = []
        as_much_as_is_used: Any = file
        super().__init__(as_much_as_is_used, on_written=self.gone.extend, on_refused=self.refused.append)


def made() -> tuple[File, Acks]:
    file = File()
    return file, Acks(file)


def test_what_is_decided_is_written_once_in_one_order() -> None:
    file, acks = made()
    acks.add([3, 1], [(2, "bad")])
    assert (3, []) == (len(acks), acks.gone)
    asyncio.run(acks.write([7]))
    assert [3, 1, 2] == acks.gone
    assert [("delete", [3, 1]), ("attempt", [7]), ("dead", [(2, "bad")])] == file.written
    asyncio.run(acks.write())
    assert (0, 3) == (len(acks), len(file.written))


def test_what_the_file_refuses_is_written_before_what_comes_later_and_attempts_are_not_repeated() -> None:
    file, acks = made()
    file.refuses = {"delete"}
    acks.add([1], [(2, "bad")])
    asyncio.run(acks.write([7]))
    assert ([], [], 2, 1) == (file.written, acks.gone, len(acks), len(acks.refused))
    file.refuses = set()
    acks.add([5], [(6, "worse")])
    asyncio.run(acks.write())
    assert [("delete", [1, 5]), ("dead", [(2, "bad"), (6, "worse")])] == file.written
    assert [1, 5, 2, 6] == acks.gone


def test_what_was_written_before_a_refusal_is_not_written_again() -> None:
    file, acks = made()
    file.refuses = {"dead"}
    acks.add([1], [(2, "bad")])
    asyncio.run(acks.write([7]))
    assert ([1], 1) == (acks.gone, len(acks))
    file.refuses = set()
    asyncio.run(acks.write())
    assert [("delete", [1]), ("attempt", [7]), ("dead", [(2, "bad")])] == file.written


def test_what_is_decided_while_the_file_refuses_is_written_after_what_it_refused() -> None:
    file, acks = made()
    acks.add([1], [(2, "bad")])

    async def refused(work: Callable[[Any], None]) -> None:
        acks.add([5], [(6, "worse")])
        raise DiskFull("full")

    run, file.run = file.run, refused  # type: ignore[method-assign]  # once
    asyncio.run(acks.write())
    file.run = run  # type: ignore[method-assign]  # from now on as before
    asyncio.run(acks.write())
    assert [("delete", [1, 5]), ("dead", [(2, "bad"), (6, "worse")])] == file.written
