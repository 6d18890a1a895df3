"""Events other than calls, made on purpose: switches and page faults; signals are in test_every_call."""

import logging
import os
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS
from mozu.core.abi.syscall_tables import TRACEPOINT_EVENTS
from mozu.core.errors import SourceUnavailable
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import flag_names
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS, Program
from mozu.plugins.sources.ptrace.reading.processes import parent_of
from tests.support import requirements
from tests.support.acts import scalar_events
from tests.support.acts.scalar_events import PAGE
from tests.support.live import Act, Live, context, demand

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

PAGES: Final = 50
NOT_FOLDED: Final = 3 * 32 * 4
"""Size in kB that each CPU may keep to itself of three counters of resident pages (percpu_counter_batch)."""
THREADS: Final = Path("/proc/self/task")
KTHREADD: Final = 2


def made(live: Live, kind: str, function: Any, *arguments: Any) -> Act:
    """Return an act during which only this type is watched."""
    live.update(demand(kind))
    return live.whole(lambda _: live.act(function, *arguments))


def test_a_sleep_is_a_switch_with_the_numbers_of_the_sleeper(undemanded: Live) -> None:
    act = made(undemanded, "switch", scalar_events.sleep, 20)

    before, after = act.value
    of_sleeps = [event.args for event in act.of("switch") if before["minor"] <= event.args[2] <= after["minor"]]
    tolerance = NOT_FOLDED * (os.cpu_count() or 1)
    assert len(of_sleeps) >= 20
    for _, major, _, size, resident, swapped in of_sleeps:
        assert before["major"] <= major <= after["major"]
        assert before["VmSize"] <= size <= after["VmSize"]
        assert before["VmRSS"] - tolerance <= resident <= after["VmRSS"] + tolerance
        assert swapped == after["VmSwap"]


def test_the_next_is_who_gets_the_cpu(undemanded: Live) -> None:
    act = made(undemanded, "switch", scalar_events.hand_over, 100)

    pairs = {(event.tid, event.args[0]) for event in act.of("switch")}
    assert {(act.pid, act.value), (act.value, act.pid)} <= pairs


def test_switches_of_kernel_threads_are_reported(undemanded: Live) -> None:
    undemanded.update(demand("switch"))
    kernel = {pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if parent_of(pid) == KTHREADD}

    seen = undemanded.wait(lambda events: any(event.type == "switch" and event.tid in kernel for event in events))
    assert {event.args[3:] for event in seen if event.type == "switch" and event.tid in kernel} == {(0, 0, 0)}


def test_mozu_s_own_switches_are_left_out_and_so_is_the_idle_task_that_makes_way_for_it(undemanded: Live) -> None:
    made(undemanded, "switch", scalar_events.sleep, 20)

    threads = {int(thread.name) for thread in THREADS.iterdir()}
    seen = [event for event in undemanded.seen() if event.type == "switch"]
    assert seen
    assert [] == [event for event in seen if event.pid == os.getpid()]
    assert [] == [event for event in seen if event.tid == 0 and event.args[0] in threads]
    assert undemanded.source.counts()["switch"].filtered > 0


def faults(act: Act, address: int, place: int) -> list[SyscallEvent]:
    """Return the faults at an offset `place` in each page from `address` on, in the order of the pages."""
    wanted = {address + page * PAGE + place: page for page in range(PAGES)}
    found = [event for event in act.of("page_fault") if event.args[0] in wanted]
    return sorted(found, key=lambda event: event.args[0])


def flags(events: list[SyscallEvent]) -> set[str]:
    """Return the names of the flags that the events have."""
    return {flag_names("pf_flags", event.args[2]) for event in events}


def test_each_page_that_is_touched_for_the_first_time_is_a_fault(undemanded: Live) -> None:
    act = made(undemanded, "page_fault", scalar_events.touch, PAGES)

    written, read = faults(act, act.value["written"], 8), faults(act, act.value["read"], 16)
    again = faults(act, act.value["read"], 24)
    assert (len(written), len(read), len(again)) == (PAGES, PAGES, PAGES)
    assert flags(written) == {"PAGE_NOT_PRESENT|WRITE_ACCESS|USER_FAULT"}
    assert flags(read) == {"PAGE_NOT_PRESENT|READ_ACCESS|USER_FAULT"}
    assert flags(again) == {"PROTECTION_VIOLATION|WRITE_ACCESS|USER_FAULT"}
    code = act.value["code"]
    assert all(any(start <= event.args[1] < end for start, end in code) for event in [*written, *read, *again])


def test_a_fault_of_the_kernel_for_a_program_is_reported_as_such(undemanded: Live) -> None:
    act = made(undemanded, "page_fault", scalar_events.touch, PAGES)

    start = act.value["filled"]
    filled = [event for event in act.of("page_fault") if start <= event.args[0] < start + PAGES * PAGE]
    assert len({event.args[0] // PAGE for event in filled}) == PAGES
    assert flags(filled) == {"PAGE_NOT_PRESENT|WRITE_ACCESS|SUPERVISOR_FAULT"}
    assert all(event.args[1] >= 1 << 63 for event in filled)


def test_a_jump_into_data_is_the_fetch_of_an_instruction(undemanded: Live) -> None:
    act = made(undemanded, "page_fault", scalar_events.run_data)

    fetched = [event for event in act.of("page_fault") if event.args[:2] == (act.value, act.value)]
    assert flags(fetched) == {"PROTECTION_VIOLATION|READ_ACCESS|USER_FAULT|INSTRUCTION_FETCH"}


def test_a_signal_that_ends_a_process_arrives_as_the_one_that_nobody_can_handle(undemanded: Live) -> None:
    act = made(undemanded, "signaldeliver", scalar_events.terminate)

    assert [event.args for event in act.of("signaldeliver") if event.tid == act.value] == [(0, act.value, 9)]


def test_only_a_rule_that_names_them_gets_them() -> None:
    assert TRACEPOINT_EVENTS <= SYSCALL_SPECS.keys()
    assert not DEFAULT_TYPES & TRACEPOINT_EVENTS


def nowhere(name: str) -> tuple[Program, ...]:
    """Return the event's programs as on a kernel that lacks its tracepoints."""
    return tuple(program._replace(tracepoint="mozu_has_none") for program in PROGRAMS[name])


def test_a_kernel_without_births_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    monkeypatch.setitem(PROGRAMS, "_fork", nowhere("_fork"))

    live = Live(EbpfSource(4096, context()), demand())
    with pytest.raises(SourceUnavailable, match="no tracepoints sched_process_"), live:
        pass


def test_a_kernel_without_the_tracepoint_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    requirements.ebpf()
    monkeypatch.setitem(PROGRAMS, "switch", nowhere("switch"))

    with caplog.at_level(logging.WARNING), Live(EbpfSource(1 << 20, context()), demand("switch", "kill")) as live:
        live.update(demand("switch"))
        assert "switch" not in live.source.counts()

    assert [record.getMessage() for record in caplog.records] == [
        "source ebpf cannot see the event types switch on this kernel"
    ]
