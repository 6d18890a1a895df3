"""Process verdicts in the kernel: never those of an earlier program of the process."""

import ctypes
import struct
from collections.abc import Iterator, Sequence
from os import close

import pytest

from mozu.core.api import ProcessPredicate
from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import Formula, all_of, any_of, negation
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import bpf_syscall, verdicts
from mozu.plugins.sources.ebpf.maps import ENTRY, NAME, NAMES
from mozu.plugins.sources.ebpf.verdicts import Prepared, ProcessFilterCache, by_name
from tests.support import requirements
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

PREDICATES = (compare("proc.name", "in", ("a",)), compare("proc.name", "in", ("b",)))


@pytest.fixture
@needs_live
def table() -> Iterator[dict[str, int]]:
    requirements.ebpf()
    fds = {
        "PROC_VERDICTS": bpf_syscall.create_map(bpf_syscall.HASH, "test", key=4, value=ENTRY.size, entries=64),
        "COMM_VERDICTS": bpf_syscall.create_map(bpf_syscall.HASH, "test", key=NAME, value=ENTRY.size, entries=NAMES),
        "COMM_DEFAULT": bpf_syscall.create_map(bpf_syscall.ARRAY, "test", key=4, value=ENTRY.size, entries=1),
        "GENERATION": bpf_syscall.create_map(bpf_syscall.ARRAY, "test", key=4, value=8, entries=1),
    }
    yield fds
    for fd in fds.values():
        close(fd)


def entry(table: dict[str, int], pid: int) -> tuple[bool, int] | None:
    """Return (True if the verdict is of the current generation, its bits); None without an entry."""
    generation = int.from_bytes(bpf_syscall.lookup(table["GENERATION"], 0, 8), "little")
    try:
        generation_of_verdict, bits = ENTRY.unpack(bpf_syscall.lookup(table["PROC_VERDICTS"], pid, ENTRY.size))
    except FileNotFoundError:
        return None
    return generation_of_verdict == generation, bits


class Answers:
    """Substitute for the state, whose answer for each process can be set."""

    def __init__(self) -> None:
        self.of: dict[int, Sequence[bool] | None] = {}
        self.written = 0
        """Position up to which the ring is written."""

    def decide(self, predicates: Sequence[Formula]) -> ProcessPredicate:
        assert list(predicates) in ([], list(PREDICATES))
        return lambda pid: self.of.get(pid)


def calls(pid: int, count: int, kind: str = "openat") -> list[SyscallEvent]:
    return [SyscallEvent("syscall", kind, 0, pid=pid, tid=pid)] * count


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def known(table: dict[str, int], answers: Answers) -> ProcessFilterCache:
    made = ProcessFilterCache(table, 64, answers.decide, lambda: answers.written)
    made.configure(frozenset({"openat"}), made.prepare(PREDICATES))
    return made


def test_a_process_that_keeps_calling_has_a_verdict_once_the_ring_is_read_past_its_entry(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of[7] = (False, True)

    answers.written = 100
    known.observe(calls(7, 20))
    assert (False, 0) == entry(table, 7)
    known.publish(99)
    assert (False, 0) == entry(table, 7)
    known.publish(100)

    assert (True, 0b10) == entry(table, 7)


def test_a_new_generation_finds_nothing_out_again(
    known: ProcessFilterCache, table: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding out the predicates that names decide takes 100 ms of CPU under many rules, and is done on a thread,
    before.
    """
    found: list[object] = []
    prepared = known.prepare(PREDICATES)
    monkeypatch.setattr(verdicts, "by_name", found.append)

    known.configure(frozenset({"openat"}), prepared)
    known.invalidate()
    known.suspend(0.0)

    assert [] == found


def test_the_stream_must_pass_what_was_written_before_the_entry_was_there(
    table: dict[str, int], answers: Answers
) -> None:
    """An exec that is written while the entry is made must be in the state before the answer."""
    answers.of[7] = (True, True)

    def written() -> int:
        assert entry(table, 7) == (False, 0)
        return 100

    known = ProcessFilterCache(table, 64, answers.decide, written)
    known.configure(frozenset({"openat"}), known.prepare(PREDICATES))
    known.observe(calls(7, 20))
    known.publish(99)

    assert entry(table, 7) == (False, 0)


def test_running_processes_are_queued_before_they_call(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of.update({7: (True, False), 8: (False, True)})

    known.prefetch([7, 8, 9])
    assert known.is_pending
    known.publish(0)

    assert ((True, 0b01), (True, 0b10), None) == tuple(entry(table, pid) for pid in (7, 8, 9))
    assert not known.is_pending


def test_few_verdicts_are_published_at_a_time(table: dict[str, int], answers: Answers) -> None:
    larger = bpf_syscall.create_map(bpf_syscall.HASH, "test", key=4, value=ENTRY.size, entries=999)
    kernel_table = table | {"PROC_VERDICTS": larger}
    known = ProcessFilterCache(kernel_table, 999, answers.decide, lambda: 0)
    known.configure(frozenset({"openat"}), known.prepare(PREDICATES))
    answers.of.update(dict.fromkeys(range(1, 501), (True, True)))

    known.prefetch(range(1, 501))
    found = []
    for _ in range(3):
        known.publish(0)
        verdicts = [entry(kernel_table, pid) for pid in range(1, 501)]
        found.append(verdicts.count((True, 0b11)))
    close(kernel_table["PROC_VERDICTS"])

    assert [200, 400, 500] == found


def test_known_processes_are_queued_again_when_the_state_was_wrong(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of[7] = (True, False)
    known.prefetch([7])
    known.publish(0)
    answers.of[7] = (False, True)

    known.invalidate()
    assert entry(table, 7) == (False, 0)
    known.publish(0)

    assert (True, 0b10) == entry(table, 7)


def test_a_process_that_calls_seldom_or_something_else_has_no_verdict(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of.update(dict.fromkeys((7, 8), (True, True)))

    known.observe(calls(7, 10) + calls(8, 100, "connect"))
    known.publish(0)

    assert (None, None) == (entry(table, 7), entry(table, 8))


def test_an_answer_is_refused_where_the_kernel_has_forgotten_the_process(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of[7] = (True, True)

    answers.written = 100
    known.observe(calls(7, 20))
    bpf_syscall.delete(table["PROC_VERDICTS"], 7)  # its exec did
    known.publish(100)

    assert entry(table, 7) is None


def test_a_process_that_the_state_does_not_know_has_no_verdict(
    known: ProcessFilterCache, table: dict[str, int]
) -> None:
    known.observe(calls(7, 20))
    known.publish(0)

    assert entry(table, 7) is None


def test_a_process_whose_entry_is_gone_is_queued_again(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of[7] = (True, False)
    known.observe(calls(7, 20))
    bpf_syscall.delete(table["PROC_VERDICTS"], 7)
    known.publish(0)

    known.observe(calls(7, 1100))
    known.publish(0)

    assert (True, 0b01) == entry(table, 7)


@pytest.mark.parametrize("end", ["execve", "procexit"])
def test_counting_begins_anew_with_an_exec_and_ends_with_the_process(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers, end: str
) -> None:
    answers.of[7] = (True, False)

    known.observe(calls(7, 10) + calls(7, 1, end) + calls(7, 10))
    known.publish(0)

    assert entry(table, 7) is None


def test_other_predicates_drop_every_verdict(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of[7] = (True, False)
    known.observe(calls(7, 20))
    known.publish(0)
    known.observe(calls(8, 20))

    known.configure(frozenset(), Prepared())
    known.observe(calls(9, 20))
    known.publish(0)

    assert [None, None, None] == [entry(table, pid) for pid in (7, 8, 9)]


def test_suspending_drops_every_verdict_and_queues_no_process(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of.update(dict.fromkeys((7, 8), (True, True)))
    known.observe(calls(7, 20))
    known.publish(0)

    known.suspend(3600)
    known.observe(calls(8, 20))
    known.publish(0)

    assert (None, None) == (entry(table, 7), entry(table, 8))


def test_no_more_are_known_than_there_is_room_for(table: dict[str, int], answers: Answers) -> None:
    known = ProcessFilterCache(table, 2, answers.decide, lambda: answers.written)
    known.configure(frozenset({"openat"}), known.prepare(PREDICATES))
    answers.of.update(dict.fromkeys(range(1, 5), (True, True)))

    known.observe([event for pid in range(1, 5) for event in calls(pid, 20)])
    known.publish(0)

    assert 2 == sum(entry(table, pid) is not None for pid in range(1, 5))


def test_a_process_for_which_the_kernel_has_no_room_has_no_verdict(table: dict[str, int], answers: Answers) -> None:
    known = ProcessFilterCache(table, 1000, answers.decide, lambda: answers.written)
    known.configure(frozenset({"openat"}), known.prepare(PREDICATES))
    for child in range(1000, 1064):
        bpf_syscall.update(table["PROC_VERDICTS"], child, ENTRY.pack(1, 1))  # as a fork does

    known.observe(calls(7, 20))
    known.publish(0)

    assert entry(table, 7) is None


def test_what_a_name_alone_decides_is_known_of_every_program() -> None:
    predicates = (
        compare("proc.name", "in", ("tar", "cp")),
        negation(compare("proc.name", "in", ("tar",))),
        compare("proc.name", "!=", ("cp",)),
        all_of((compare("proc.name", "in", ("tar", "cat")), compare("proc.exepath", "startswith", ("/usr",)))),
        any_of(
            (
                compare("proc.name", "in", ("a_name_too_long_for_a_name",)),
                compare("proc.name", "startswith", ("x",)),
            )
        ),
    )

    assert {"": 0b10110, "tar": 0b11101, "cp": 0b10011, "cat": 0b11110} == by_name(predicates)


def named(table: dict[str, int], name: bytes) -> tuple[int, int]:
    """Return (generation, answers) of a name."""
    key = ctypes.create_string_buffer(name.ljust(NAME, b"\0"), NAME)
    value = ctypes.create_string_buffer(ENTRY.size)
    attributes = struct.pack("<IIQQQ", table["COMM_VERDICTS"], 0, ctypes.addressof(key), ctypes.addressof(value), 0)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    assert ctypes.CDLL(None).syscall(321, 1, buffer, len(attributes)) == 0
    generation, yes = ENTRY.unpack(value.raw)
    return generation, yes


def test_names_of_earlier_predicates_are_names_like_any_other(known: ProcessFilterCache, table: dict[str, int]) -> None:
    known.invalidate()

    generation, others = ENTRY.unpack(bpf_syscall.lookup(table["COMM_DEFAULT"], 0, ENTRY.size))
    assert (0b00, 0b01, 0b10) == (others, named(table, b"a")[1], named(table, b"b")[1])
    current = int.from_bytes(bpf_syscall.lookup(table["GENERATION"], 0, 8), "little")
    assert generation == named(table, b"a")[0] == current


def test_a_process_that_is_moved_to_another_cgroup_is_queued_again(
    known: ProcessFilterCache, table: dict[str, int], answers: Answers
) -> None:
    answers.of.update({7: (True, False)})
    known.prefetch([7])
    known.publish(0)
    bpf_syscall.delete(table["PROC_VERDICTS"], 7)  # the move did
    answers.of[7] = (False, True)

    known.observe(calls(7, 1, "_cgroup") + calls(8, 1, "_cgroup"))
    known.publish(0)

    assert ((True, 0b10), None) == (entry(table, 7), entry(table, 8))


def test_without_predicates_no_name_has_a_verdict(known: ProcessFilterCache, table: dict[str, int]) -> None:
    known.configure(frozenset(), Prepared())

    assert (0, 0) == ENTRY.unpack(bpf_syscall.lookup(table["COMM_DEFAULT"], 0, ENTRY.size))
    assert named(table, b"a")[0] < int.from_bytes(bpf_syscall.lookup(table["GENERATION"], 0, 8), "little")
