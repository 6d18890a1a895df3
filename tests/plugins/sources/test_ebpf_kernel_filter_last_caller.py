"""The kernel filter remembers the predicate bits of the last caller of a processor: for that caller's next
call only.
"""

import os
from collections.abc import Iterator
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter.check import ProcessCheck
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import plain_program
from tests.support import filter_facts, requirements
from tests.support.bpf_run import FilterRunner, filter_runner
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

PTRACE: Final = SYSCALL_SPECS["ptrace"]
PID: Final = 4_000_001
NATIVE, URING = 0, 2
"""Values of `enum entry_path` of bpf/mozu.h."""


@pytest.fixture(scope="module")
@needs_live
def runner() -> Iterator[FilterRunner]:
    """Yield a runner on one processor, since each processor remembers a caller of its own."""
    requirements.ebpf()
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        with filter_runner() as running:
            yield running
    finally:
        os.sched_setaffinity(0, allowed)


def call(entry_path: int, pid: int = PID) -> bytes:
    made = bytearray(wire.size("syscall_ctx"))
    for member, value in (("number", PTRACE.number), ("task", pid << 32 | pid), ("entry_path", entry_path)):
        filter_facts.put(made, "syscall_ctx", member, value)
    return bytes(made)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(NATIVE, NATIVE, 0), (NATIVE, URING, 7), (URING, URING, 7), (URING, NATIVE, 7)],
    ids=["two calls", "a call, then a completion", "two completions", "a completion, then a call"],
)
def test_what_is_remembered_of_a_call_is_no_verdict_on_a_request_of_io_uring(
    runner: FilterRunner, before: int, after: int, expected: int
) -> None:
    """A request completes in any task: this task stays the same program, while the verdict on the process of the
    request changes, as it does after an exec of that process.
    """
    with runner.loaded(plain_program(ProcessCheck(0), PTRACE), PTRACE.number) as program:
        assert not runner.passes(program, call(before), PID, 0)
        runner.publish(PID, 1)
        runner.place(call(after))

        assert runner.run(program) == expected


def test_what_is_remembered_of_a_caller_is_no_verdict_on_another_one(runner: FilterRunner) -> None:
    with runner.loaded(plain_program(ProcessCheck(0), PTRACE), PTRACE.number) as program:
        assert not runner.passes(program, call(NATIVE), PID, 0)
        runner.publish(PID + 1, 1)
        runner.place(call(NATIVE, PID + 1))

        assert runner.run(program) == 7


def test_what_is_remembered_ends_with_its_generation(runner: FilterRunner) -> None:
    with runner.loaded(plain_program(ProcessCheck(0), PTRACE), PTRACE.number) as program:
        assert not runner.passes(program, call(NATIVE), PID, 0)
        assert runner.passes(program, call(NATIVE), PID, 1)
