"""Processes that share a table of descriptors are found in one pass, also while some of them end."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import pytest

from mozu.core.respond import sharers as module
from mozu.core.respond.sharers import SharerSearch, all_pids, share_files, sharers
from tests.support.requirements import require

SHARES: Final = """
import ctypes, os, signal, struct, sys
CLONE_FILES, CLONE3 = 0x400, 435
args = struct.pack("<8Q", CLONE_FILES, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
made = ctypes.CDLL(None).syscall(CLONE3, args, len(args))
if not made:
    while True:
        signal.pause()
plain = os.fork()
if not plain:
    while True:
        signal.pause()
print(made, plain, flush=True)
sys.stdin.read()
for pid in (made, plain):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""

Compare = Callable[[int, int], int]


def kernel(tables: dict[int, int], *, meet: Callable[[int, int], None] = lambda one, other: None) -> Compare:
    """Return kcmp over processes with these tables; 0 is the table of one that ends. `meet` is called before each
    comparison.
    """

    def compared(one: int, other: int) -> int:
        meet(one, other)
        if one not in tables or other not in tables:
            return -1
        first, second = tables[one], tables[other]
        return 0 if first == second else 1 if first < second else 2

    return compared


def test_each_process_has_those_of_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(24)
    tables = {pid: dice.randrange(1, 40) for pid in range(1, 200)}
    monkeypatch.setattr(module, "_compared", kernel(tables))
    found = sharers(range(1, 60), range(1, 200))
    assert {pid: sorted(others) for pid, others in found.items()} == {
        pid: [one for one in tables if one != pid and tables[one] == tables[pid]] for pid in range(1, 60)
    }


def test_one_that_ends_in_the_middle_hides_no_sharer_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {1: 50, 2: 20, 3: 80, 4: 10, 5: 20, 6: 80}

    def meet(one: int, other: int) -> None:
        if other == 5:
            tables[1] = 0  # the middle one of the order: 20 is now on its other side

    monkeypatch.setattr(module, "_compared", kernel(tables, meet=meet))
    found = sharers([1, 2, 3, 4], [4, 5, 6])
    assert (found[2], found[3], found[4]) == ([5], [6], [])


def test_one_that_has_ended_has_no_sharers_and_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {1: 50, 2: 20, 3: 20}
    monkeypatch.setattr(module, "_compared", kernel(tables))
    assert sharers([7, 1, 2], [3]) == {1: [], 2: [3]}


@pytest.mark.live
def test_real_processes_that_are_asked_about_at_once() -> None:
    require(share_files(os.getpid(), os.getpid()), "kcmp is not allowed here")
    with subprocess.Popen(
        [sys.executable, "-c", SHARES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        sharer, plain = map(int, process.stdout.readline().split())
        assert {process.pid, sharer, plain} <= set(all_pids())

        async def ask() -> list[object]:
            search = SharerSearch()
            return await asyncio.gather(*(search.sharers_of(pid) for pid in (process.pid, plain, sharer, plain)))

        found = asyncio.run(ask())
        process.communicate("")
    assert found == [[sharer], [], [process.pid], []]
