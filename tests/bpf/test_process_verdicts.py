"""The kernel filter's knowledge of a process, and its validity (bpf/process_verdicts.h, bpf/kernel_filter.h), in user
space."""

import ctypes
from typing import Final

import pytest

from tests.support.kernel_tree import memory

pytestmark = pytest.mark.live

OPENAT: Final = 257
ALL: Final = (1 << 64) - 1
NATIVE, URING = 0, 2
COUNTS, SETTINGS, GENERATION, CGROUP_MOVES = 7, 8, 12, 13
"""Numbers of maps in kernel_model.h."""


def bits(kernel: ctypes.CDLL) -> int:
    kernel.bits.restype = ctypes.c_uint64
    return int(kernel.bits())


def verdict(kernel: ctypes.CDLL, which: int, pid: int, of: int, value: int) -> None:
    kernel.set_verdict(which, pid, ctypes.c_uint64(of), ctypes.c_uint64(value))


OF_PROCESS, OF_NAME = 1, 2


def called_by(kernel: ctypes.CDLL, pid: int, entry_path: int = NATIVE) -> None:
    call = memory(kernel, "syscall_ctx", "calls")
    call.put("task", pid << 32 | 99)
    call.put("entry_path", entry_path)


def test_a_verdict_on_the_process_counts_before_one_on_its_name_and_none_is_all(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    called_by(kernel, 7)
    assert ALL == bits(kernel)
    verdict(kernel, OF_NAME, 7, 4, 1)
    assert ALL == bits(kernel)
    verdict(kernel, OF_NAME, 7, 5, 2)
    assert 2 == bits(kernel)
    verdict(kernel, OF_PROCESS, 7, 4, 3)
    assert 2 == bits(kernel)
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    assert 4 == bits(kernel)
    called_by(kernel, 8)
    assert ALL == bits(kernel)


@pytest.mark.parametrize("missing", [GENERATION, CGROUP_MOVES])
def test_without_a_generation_everything_may_hold(kernel: ctypes.CDLL, missing: int) -> None:
    kernel.begin()
    called_by(kernel, 7)
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    kernel.without(missing)
    assert ALL == bits(kernel)


@pytest.mark.parametrize(
    "changed", ["task", "born", "execs", "moves", "generation", "uring", "none"],
)  # fmt: skip
def test_what_is_remembered_of_the_last_caller_holds_for_the_same_one_only(kernel: ctypes.CDLL, changed: str) -> None:
    kernel.begin()
    called_by(kernel, 7)
    kernel.set_time(ctypes.c_uint64(9), ctypes.c_uint64(1))
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    assert 4 == bits(kernel)
    generation = 6 if changed == "generation" else 5
    verdict(kernel, OF_PROCESS, 7, generation, 8)
    verdict(kernel, OF_PROCESS, 8, generation, 8)
    kernel.set_time(ctypes.c_uint64(9 + (changed == "born")), ctypes.c_uint64(1 + (changed == "execs")))
    kernel.set_generation(ctypes.c_uint64(generation), ctypes.c_uint64(changed == "moves"))
    called_by(kernel, 8 if changed == "task" else 7, URING if changed == "uring" else NATIVE)

    assert (4 if changed == "none" else 8) == bits(kernel)


def test_a_request_of_io_uring_is_remembered_for_no_call(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    called_by(kernel, 7, URING)
    verdict(kernel, OF_PROCESS, 7, 5, 4)
    assert 4 == bits(kernel)
    verdict(kernel, OF_PROCESS, 7, 5, 8)
    called_by(kernel, 7)
    assert 8 == bits(kernel)


def known(kernel: ctypes.CDLL, which: int, pid: int) -> tuple[int, int]:
    kernel.verdict.restype = ctypes.c_uint64
    of = ctypes.c_uint64(0)
    value = kernel.verdict(which, pid, ctypes.byref(of))
    return of.value, value


def test_a_child_has_the_verdicts_of_its_parent_that_hold(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    verdict(kernel, OF_NAME, 7, 5, 2)
    verdict(kernel, OF_PROCESS, 7, 4, 3)
    verdict(kernel, OF_PROCESS, 8, 5, 9)
    kernel.inherit(7, 8)
    assert ((5, 2), (0, 0)) == (known(kernel, OF_NAME, 8), known(kernel, OF_PROCESS, 8))
    verdict(kernel, OF_NAME, 7, 4, 2)
    verdict(kernel, OF_PROCESS, 7, 5, 3)
    kernel.inherit(7, 8)
    assert ((0, 0), (5, 3)) == (known(kernel, OF_NAME, 8), known(kernel, OF_PROCESS, 8))
    kernel.without(GENERATION)
    kernel.inherit(7, 8)
    assert ((0, 0), (0, 0)) == (known(kernel, OF_NAME, 8), known(kernel, OF_PROCESS, 8))


@pytest.mark.parametrize(
    ("comm", "expected"), [(b"cat", (5, 1)), (b"sh", (5, 2)), (b"", (0, 0)), (b"caterpillar", (5, 2))]
)
def test_an_exec_begins_with_the_verdict_on_its_name(
    kernel: ctypes.CDLL, comm: bytes, expected: tuple[int, int]
) -> None:
    kernel.begin()
    kernel.set_name_verdict(b"cat", ctypes.c_uint64(5), ctypes.c_uint64(1))
    verdict(kernel, 3, 0, 5, 2)
    verdict(kernel, OF_NAME, 7, 5, 7)
    verdict(kernel, OF_PROCESS, 7, 5, 7)

    kernel.renew(7, ctypes.create_string_buffer(comm, 16))

    assert (expected, (0, 0)) == (known(kernel, OF_NAME, 7), known(kernel, OF_PROCESS, 7))


def test_a_name_without_a_verdict_has_none(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    verdict(kernel, 3, 0, 0, 0)
    kernel.renew(7, ctypes.create_string_buffer(b"sh", 16))
    assert known(kernel, OF_NAME, 7) == (0, 0)
    kernel.set_name_verdict(b"cat", ctypes.c_uint64(0), ctypes.c_uint64(1))
    kernel.renew(7, ctypes.create_string_buffer(b"cat", 16))
    assert known(kernel, OF_NAME, 7) == (0, 0)


@pytest.mark.parametrize("off", [0, 1])
def test_a_discarded_call_is_counted_as_filtered_unless_the_source_is_off(kernel: ctypes.CDLL, off: int) -> None:
    kernel.begin()
    memory(kernel, "syscall_ctx", "calls").put("number", OPENAT)
    memory(kernel, "settings", "set").put("off", off)
    counts = memory(kernel, "counts", "counted", OPENAT)

    assert 0 == kernel.discard() == kernel.discard()

    assert [0, 2 - 2 * off, 0, 2 - 2 * off] == [counts[name] for name in ("over_share", "filtered", "lost", "seen")]
    for missing in (COUNTS, SETTINGS):
        kernel.without(missing)
        assert 0 == kernel.discard()
