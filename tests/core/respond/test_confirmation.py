"""A process that was young at its event is the held one once the state has passed the moment of holding."""

import asyncio

import pytest

from mozu.core.api import Process, SyscallEvent
from mozu.core.common.boot_clock import boot_time
from mozu.core.model.event import Task
from mozu.core.respond import confirmation
from mozu.core.respond.confirmation import Confirmations

LATER = 10**9
"""Nanoseconds from now to a later moment."""


def event_of(pid: int) -> SyscallEvent:
    process = Process(Task(pid), pid, pid, start=1)
    process.task.newest = process
    return SyscallEvent("syscall", "openat", 1, 7, pid, pid, process=process)


def ended(event: SyscallEvent) -> None:
    assert event.process is not None
    event.process.exited = True


@pytest.fixture
def prods(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made: list[int] = []
    monkeypatch.setattr(confirmation, "prod", lambda: made.append(1))
    return made


def test_those_that_wait_are_distinguished_and_share_their_prods(prods: list[int]) -> None:
    stays, ends = event_of(11), event_of(12)

    async def main() -> list[bool]:
        confirmations, now = Confirmations(), boot_time()

        def latest() -> int:
            if not prods:
                return now
            ended(ends)
            return boot_time() + LATER

        return await asyncio.gather(*(confirmations.confirmed(one, latest) for one in (stays, ends, stays)))

    assert asyncio.run(main()) == [True, False, True]
    assert prods == [1]


def test_a_state_that_has_come_so_far_is_not_waited_for(prods: list[int]) -> None:
    confirmed = asyncio.run(Confirmations().confirmed(event_of(11), lambda: boot_time() + LATER))
    assert confirmed
    assert prods == []


def test_a_state_that_does_not_come_so_far_ends_in_no(prods: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "_TRIES", 5)
    assert not asyncio.run(Confirmations().confirmed(event_of(11), lambda: 0))
