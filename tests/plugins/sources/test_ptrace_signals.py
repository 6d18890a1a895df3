"""Events of a tracer that are no calls. Signals and their ways are in test_every_call."""

import asyncio
import logging
import signal

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace.source import TREE, PtraceSource, wanted_types
from tests.support.live import context, demand

pytestmark = pytest.mark.live  # traces processes

COMMAND = ("sh", "-c", "trap : USR1; kill -USR1 $$; :")


def test_signals_are_reported_and_switches_and_page_faults_are_not() -> None:
    reported, missing = wanted_types(demand("signaldeliver", "switch", "page_fault"))

    assert (reported, missing) == (TREE | {"signaldeliver"}, frozenset({"switch", "page_fault"}))


def test_signals_need_no_filter_and_can_be_demanded_later(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> list[SyscallEvent]:
        source = PtraceSource(COMMAND, None, job_control=False, context=context("ptrace"))
        await source.start(demand("kill"))
        await source.update(demand("signaldeliver"))
        return [event async for batch in source.batches() for event in batch]

    with caplog.at_level(logging.WARNING):
        events = asyncio.run(run())

    assert [(e.args, e.pid) for e in events if e.type == "signaldeliver"] == [
        ((pid, pid, int(signal.SIGUSR1)), pid) for pid in {event.pid for event in events if event.type == "execve"}
    ]
    assert caplog.records == []


def test_signals_without_demand_are_not_emitted() -> None:
    async def run() -> list[SyscallEvent]:
        source = PtraceSource(COMMAND, None, job_control=False, context=context("ptrace"))
        await source.start(demand("kill"))
        return [event async for batch in source.batches() for event in batch]

    types = {event.type for event in asyncio.run(run())}
    assert "kill" in types
    assert "signaldeliver" not in types
