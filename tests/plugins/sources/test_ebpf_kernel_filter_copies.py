"""Kernel filters for kernels that have neither bpf_rdonly_cast nor may_goto: before Linux 6.2."""

import ctypes
import os
from collections.abc import Iterator
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.formula import any_of
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter import choose
from mozu.plugins.sources.ebpf.kernel_filter.check import SearchCheck, cost
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import MAX_COST
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName, open_program
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.objects import kernel_features
from mozu.plugins.sources.ebpf.tracepoints import filterable_types
from tests.plugins.rules.making import context
from tests.support import requirements
from tests.support.bpf_run import FilterRunner, filter_runner
from tests.support.filter_facts import put
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

OPENAT: Final = SYSCALL_SPECS["openat"].number
PID: Final = 4_000_002


@pytest.fixture(scope="module")
@needs_live
def runner() -> Iterator[FilterRunner]:
    requirements.ebpf()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_features, "casts_are_usable", lambda types: False)
        with filter_runner() as running:
            yield running


def passes(runner: FilterRunner, program: int, path: bytes) -> bool:
    """Return True if a failed openat of this path passes."""
    text, call = ctypes.create_string_buffer(path), bytearray(wire.size("syscall_ctx"))
    for element, value in enumerate((-100, ctypes.addressof(text), os.O_RDONLY)):
        put(call, "syscall_ctx", "args", value, element)
    for member, value in (("result", -2), ("number", OPENAT), ("task", PID << 32 | PID)):
        put(call, "syscall_ctx", member, value)
    return runner.passes(program, bytes(call), PID, 0)


def test_opens_are_filtered_under_all_rules_that_ship(runner: FilterRunner) -> None:
    running = context()
    demand = FalcoEvaluator(FalcoSettings(rules=(PACKS,), level="paranoid"), running).demand()
    functions = choose(demand, filterable_types(demand), cacheable_fields(running.fields)).functions

    with runner.loaded(functions["openat"].code, OPENAT) as program:
        assert not passes(runner, program, b"/usr/lib/libc.so.6")
    # A million is allowed. 450,000 were measured, 834,000 if the verifier followed all tests twice; rules are added.
    assert runner.verified(functions["openat"].code) < 650_000


def test_as_many_texts_as_a_filter_may_hold_are_searched(runner: FilterRunner) -> None:
    texts = [b"a_text_%02d_of_many"[number % 7 :] % number for number in range(MAX_COST // cost(SearchCheck(b"x")))]
    wanted = any_of(map(SearchCheck, texts))

    with runner.loaded(open_program(wanted, OpenedName.UNUSED), OPENAT) as program:
        for text in texts:
            assert passes(runner, program, b"/usr/share/" + text)
            assert passes(runner, program, b"/" + text + b"/x")
            assert not passes(runner, program, b"/usr/share/" + text[:-1])
