"""A record's beginning, accounting and submission to the ring buffer (bpf/record.h), in user space. Appended data:
test_path.py."""

import ctypes
import struct
from typing import Final, NamedTuple

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.support.kernel_tree import memory

pytestmark = pytest.mark.live

OPENAT: Final = 257
PID, TID = 70, 77
COMMON, RESERVED, EXACT = range(3)
NO_WAKEUP, FORCE_WAKEUP = 1, 2
OWN, ANY, NAMED = 1, 2, 3
COUNTS, SETTINGS, SCRATCH, FLOW = 7, 8, 6, 1
"""Numbers of maps in kernel_model.h."""
ACT_KILLED: Final = 0x200
HEADER: Final = wire.layouts()["header"]


class Counts(NamedTuple):
    """struct counts."""

    over_share: int = 0
    filtered: int = 0
    lost: int = 0
    seen: int = 0


def counts(kernel: ctypes.CDLL) -> Counts:
    found = memory(kernel, "counts", "counted", OPENAT)
    return Counts(*(found[name] for name in Counts._fields))


def begun(kernel: ctypes.CDLL, *, own: int = 1, off: int = 0, exact: int = 0, entry_path: int = 0) -> bool:
    """Return True if a record of 100 bytes was begun for an openat."""
    kernel.begin()
    settings, call = memory(kernel, "settings", "set"), memory(kernel, "syscall_ctx", "calls")
    settings.put("own", own)
    settings.put("off", off)
    for name, value in {"number": OPENAT, "task": PID << 32 | TID, "result": -2, "exact": exact}.items():
        call.put(name, value)
    call.put("entry_path", entry_path)
    kernel.use_record(ctypes.c_uint64(9999))
    return bool(kernel.begin_open(ctypes.c_uint64(100)))


def head(kernel: ctypes.CDLL, function: str = "record") -> dict[str, int]:
    get = kernel[function]
    get.restype = ctypes.c_void_p
    values = struct.unpack_from(HEADER.packer.format, ctypes.string_at(get(), HEADER.size))
    return dict(zip(HEADER.names(), values, strict=True))


def test_a_record_begins_with_what_is_known_of_every_call(kernel: ctypes.CDLL) -> None:
    assert begun(kernel)

    kernel.used.restype = ctypes.c_uint64
    assert (100, 0, COMMON) == (kernel.used(), kernel.marks_of_record(), kernel.share())
    assert Counts(seen=1) == counts(kernel)
    assert {
        "time": 1001, "cgroup": 0, "pid": PID, "tid": TID, "cpu": 3, "type": OPENAT, "marks": 0, "entry_path": 0,
        "result": -2,
    } == head(kernel)  # fmt: skip


@pytest.mark.parametrize(
    ("exact", "share", "entry_path"),
    [(0, COMMON, 2), (1, EXACT, 2), (ACT_KILLED, EXACT, 2 | ACT_KILLED), (0x801, EXACT, 2)],
)
def test_an_exact_match_has_the_reserve_and_says_what_was_done(
    kernel: ctypes.CDLL, exact: int, share: int, entry_path: int
) -> None:
    assert begun(kernel, exact=exact, entry_path=2)
    assert (share, entry_path) == (kernel.share(), head(kernel)["entry_path"])


@pytest.mark.parametrize(("exact", "share"), [(0, RESERVED), (1, EXACT)])
def test_a_call_that_must_not_be_lost_has_the_reserve_as_well(kernel: ctypes.CDLL, exact: int, share: int) -> None:
    assert begun(kernel, exact=exact)
    kernel.reserve_record()
    assert share == kernel.share()


def test_calls_of_mozu_are_filtered_and_none_is_counted_while_the_source_is_off(kernel: ctypes.CDLL) -> None:
    assert not begun(kernel, own=PID)
    assert Counts(filtered=1, seen=1) == counts(kernel)
    assert begun(kernel, own=TID)
    assert not begun(kernel, off=1)
    assert Counts() == counts(kernel)


@pytest.mark.parametrize("realpath", [0, 1])
def test_the_path_that_was_reached_is_read_where_a_rule_reads_it(kernel: ctypes.CDLL, realpath: int) -> None:
    assert begun(kernel)
    memory(kernel, "settings", "set").put("realpath", realpath)
    assert realpath == kernel.wants_paths()
    kernel.without(SETTINGS)
    assert not kernel.wants_paths()


@pytest.mark.parametrize("missing", [COUNTS, SETTINGS])
def test_without_a_place_to_count_nothing_is_recorded(kernel: ctypes.CDLL, missing: int) -> None:
    assert begun(kernel)
    kernel.without(missing)
    assert not kernel.begin_open(ctypes.c_uint64(100))


def test_an_event_that_finds_no_place_for_its_record_is_lost(kernel: ctypes.CDLL) -> None:
    assert begun(kernel)
    kernel.without(SCRATCH)
    assert not kernel.begin_open(ctypes.c_uint64(100))
    assert Counts(lost=1, seen=2) == counts(kernel)


def written(kernel: ctypes.CDLL) -> tuple[int, int]:
    """Return (length, flags) of the record in the ring buffer; length 0 if there is none."""
    kernel.written.restype = ctypes.c_uint64
    flags = ctypes.c_uint64(0)
    return kernel.written(ctypes.byref(flags)), flags.value


@pytest.mark.parametrize(
    ("exact", "waits", "wants_exact", "flags"),
    [
        (0, 0, 1, NO_WAKEUP),
        (0, 1, 1, 0),
        (1, 0, 0, NO_WAKEUP),
        (1, 0, 1, FORCE_WAKEUP),
        (1, 1, 1, FORCE_WAKEUP),
        (1, 1, 0, 0),
    ],
)
def test_a_record_is_put_out_in_its_true_length_and_wakes_a_reader_that_waits_for_it(
    kernel: ctypes.CDLL, exact: int, waits: int, wants_exact: int, flags: int
) -> None:
    assert begun(kernel, exact=exact)
    flow = memory(kernel, "flow", "flows")
    flow.put("waits", waits)
    flow.put("wants_exact", wants_exact)
    kernel.append_walk(0, 512, ctypes.byref(ctypes.c_uint16(0)))

    assert 0 == kernel.submit()

    assert (100, flags) == written(kernel)
    assert head(kernel, "outputs") == head(kernel)
    assert flow["wants_exact"] == (wants_exact and not (exact and wants_exact))
    assert Counts(seen=1) == counts(kernel)


def test_marks_of_a_record_are_those_that_were_made_until_its_end(kernel: ctypes.CDLL) -> None:
    assert begun(kernel)
    kernel.use_record(ctypes.c_uint64(16384))
    kernel.append_bytes(0, ctypes.c_uint64(0), ctypes.c_uint64(3))
    kernel.submit()
    assert wire.marks()["TEXT_CUT"] == head(kernel, "outputs")["marks"]
    assert (16384, NO_WAKEUP) == written(kernel)


def test_a_record_is_not_longer_than_its_place(kernel: ctypes.CDLL) -> None:
    for used, expected in ((20479, 20479), (20480, 20480), (20481, 20480)):
        assert begun(kernel)
        kernel.use_record(ctypes.c_uint64(used))
        kernel.submit()
        assert (expected, NO_WAKEUP) == written(kernel)


def test_a_record_that_is_refused_is_lost_and_counted_by_what_refused_it(kernel: ctypes.CDLL) -> None:
    assert begun(kernel)
    kernel.set_ring(1, ctypes.c_uint64(0))
    kernel.submit()
    assert Counts(lost=1, seen=1) == counts(kernel)
    assert begun(kernel)
    kernel.set_ring(0, ctypes.c_uint64(1 << 21))
    memory(kernel, "flow", "flows").put("reserved", 0)
    for _ in range(8):
        kernel.submit()
    found = counts(kernel)
    assert found.over_share == found.lost > 0
    kernel.without(FLOW)
    assert 0 == kernel.submit()
    assert found == counts(kernel)


@pytest.mark.parametrize("generation", [0, 5])
@pytest.mark.parametrize(("kind", "renewed", "added"), [(0, 0, 0), (OWN, 1, 0), (ANY, 0, 1), (NAMED, 0, 0)])
def test_calls_are_recognised_by_another_version_after_a_record_that_says_something_new(
    kernel: ctypes.CDLL, generation: int, kind: int, renewed: int, added: int
) -> None:
    """Holds for refused records and for others."""
    kernel.version.restype = ctypes.c_uint64
    for refuses in (0, 1):
        assert begun(kernel)
        kernel.set_version(PID, ctypes.c_uint64(1))
        kernel.set_change(OPENAT, kind)
        kernel.set_ring(refuses, ctypes.c_uint64(0))
        flow = memory(kernel, "flow", "flows")
        flow.put("generation", generation)

        kernel.submit()

        assert (kernel.version(PID) != 1) == (renewed and generation > 0)
        assert flow["changes"] == (added and generation > 0)


def test_a_process_that_a_record_names_has_another_version_and_one_without_needs_none(kernel: ctypes.CDLL) -> None:
    kernel.begin()
    kernel.version.restype = ctypes.c_uint64
    for kind, renewed in ((0, False), (OWN, False), (ANY, False), (NAMED, True)):
        kernel.set_version(9, ctypes.c_uint64(1))
        kernel.set_change(OPENAT, kind)
        kernel.change(9, OPENAT)
        kernel.change(10, OPENAT)
        assert (kernel.version(9) != 1) is renewed
        assert kernel.version(10) == 0
