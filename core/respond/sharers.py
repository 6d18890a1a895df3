"""Processes that share a table of descriptors: kcmp(2) with KCMP_FILES reports equality, and orders tables.

Simultaneous requests are answered by one pass over all processes, each of which is searched for in the ordered tables
of the requested ones: 500 kills on a machine of 1,500 processes are 13,000 comparisons, and not 750,000.
"""

import asyncio
import ctypes
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from mozu.core.model.syscalls import machine_number
from mozu.core.respond.process_facts import PROC

_KCMP: Final = machine_number("kcmp")
_KCMP_FILES: Final = 2
_EQUAL, _LESS, _MORE = 0, 1, 2
"""Results of kcmp; -1 if one of the two has ended, or the comparison is not permitted."""
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_PASSES: Final = 5
"""Most repetitions of the ordering, if one of the processes has ended meanwhile."""


def share_files(one: int, other: int) -> bool:
    """Return True if two processes share a table; False also without permission (CAP_SYS_PTRACE) or kcmp in the
    kernel."""
    return _compared(one, other) == _EQUAL


def sharers(wanted: Sequence[int], others: Sequence[int]) -> Mapping[int, Sequence[int]]:
    """Return those of `others` that share the table of each of `wanted`, without itself."""
    for _ in range(_PASSES):
        tables = _ordered(wanted)
        found: dict[int, list[int]] = {table[0]: [] for table in tables}
        for other in others:
            table = _table_of(tables, other)
            if table is not None:
                found[table[0]].append(other)
        # A process that ends loses its table, and may have misled searches since then.
        if all(_compared(first[0], second[0]) == _LESS for first, second in pairwise(tables)):
            return {pid: [one for one in found[table[0]] if one != pid] for table in tables for pid in table}
    return {pid: [other for other in others if other != pid and share_files(pid, other)] for pid in wanted}


def all_pids(proc: Path = PROC) -> list[int]:
    """Return the ids of all processes, including kernel threads."""
    return [int(name) for name in os.listdir(proc) if name.isdecimal()]


class SharerSearch:
    """Searches of a run: those requested in one iteration of the event loop are made together."""

    def __init__(self) -> None:
        self._asked: list[tuple[int, asyncio.Future[Sequence[int]]]] = []

    async def sharers_of(self, pid: int) -> Sequence[int]:
        """Return the other processes that share its table now."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._answer)
        answer: asyncio.Future[Sequence[int]] = loop.create_future()
        self._asked.append((pid, answer))
        return await answer

    def _answer(self) -> None:
        asked, self._asked = self._asked, []
        found = sharers(list(dict.fromkeys(pid for pid, _ in asked)), all_pids())
        for pid, answer in asked:
            if not answer.done():
                answer.set_result(found.get(pid, ()))


def _ordered(pids: Iterable[int]) -> list[list[int]]:
    """Return the processes grouped by table, in ascending order of tables, without those that have ended."""
    tables: list[list[int]] = []
    for pid in pids:
        place = _place(tables, pid)
        if place is None:
            continue
        number, is_there = place
        if is_there:
            tables[number].append(pid)
        elif share_files(pid, pid):
            tables.insert(number, [pid])
    return tables


def _table_of(tables: Sequence[list[int]], pid: int) -> list[int] | None:
    place = _place(tables, pid)
    return tables[place[0]] if place is not None and place[1] else None


def _place(tables: Sequence[list[int]], pid: int) -> tuple[int, bool] | None:
    """Return the index of the process's table, or where it would be inserted, and True if it is there; None if the
    table cannot be compared."""
    low, high = 0, len(tables)
    while low < high:
        middle = (low + high) // 2
        order = _compared(tables[middle][0], pid)
        if order == _EQUAL:
            return middle, True
        if order == _LESS:
            low = middle + 1
        elif order == _MORE:
            high = middle
        else:
            return None
    return low, False


def _compared(one: int, other: int) -> int:
    return int(_LIBC.syscall(_KCMP, one, other, _KCMP_FILES, 0, 0))
