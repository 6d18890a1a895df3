"""Shared parts of all decoders: readers of wire structs, texts and paths behind them, and the wall time of records.

The kernel's boot clock (bpf_ktime_get_boot_ns) and the wall clock run at the same rate (NTP adjusts them together), so
their difference, in any time namespace of mozu, changes only when the wall clock is set. It is measured once and again
every second. The source reports changes of `STEP` and more as gaps.
"""

import struct
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mozu.core.common.boot_clock import boot_time
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import wire

Decode = Callable[[bytes, int], SyscallEvent]
"""Function from (record, wall time minus boot time in ns) to event."""

MARKS: Final = wire.marks()
_CUT: Final = MARKS["CUT"]


def reader(name: str, names: str) -> tuple[Callable[..., tuple[Any, ...]], int]:
    """Return `unpack_from` of a wire struct, and its size. `names` is the order that the caller expects."""
    layout = wire.layouts()[name]
    if names.split() != layout.names():
        raise ValueError(f"bpf/mozu.h: struct {name} is {' '.join(layout.names())}, its decoder expects {names}")
    packer: struct.Struct = layout.packer
    return packer.unpack_from, layout.size


HEAD: Final = "head_time head_cgroup head_pid head_tid head_cpu head_type head_marks head_entry_path head_result "
CALL: Final = HEAD + (
    "args0 args1 args2 args3 args4 args5 args6 args7 text0 text1 text2 base0 base1 base_marks0 base_marks1 data"
)
FILE: Final = "file_ino file_dev file_magic file_mode file_uid "


def text(record: bytes, start: int, end: int) -> str:
    """Return kernel bytes as text."""
    return record[start:end].decode("utf-8", "surrogateescape")


def path(record: bytes, start: int, end: int, marks: int) -> str:
    """Return one of the kernel's paths. A path that lost its beginning (too deep or too long) begins without a
    slash."""
    whole = record[start:end].decode("utf-8", "surrogateescape")
    return whole[1:] if marks & _CUT else whole


TOLERANCE: Final = 5_000_000
"""ns by which two measurements of an unchanged difference may disagree on a busy machine."""
STEP: Final = 100_000_000
"""Least ns that are reported as a step. NTP's clients slew smaller differences (ntpd below 128 ms, timesyncd 400 ms,
chrony 1 s); what remains is a guest's correction after a pause."""


class ClockStep(NamedTuple):
    """A setting of the wall clock by `STEP` or more."""

    time: int
    """New wall time at which the step was noticed, ns since the epoch."""
    by: int
    """Size of the step in ns; negative for a step backwards."""


def measure() -> int:
    """Return wall time minus boot time in ns, from the fastest of a few measurements."""
    best, offset = 1 << 62, 0
    for _ in range(5):
        before = boot_time()
        wall = time.time_ns()
        after = boot_time()
        if after - before < best:
            best, offset = after - before, wall - (before + after) // 2
    return offset


class Clock:
    """The present offset, replaced whenever it is measured to have changed by more than `TOLERANCE`."""

    def __init__(self) -> None:
        self.offset = measure()

    def check(self) -> ClockStep | None:
        """Measure again; return the step if the wall clock was set by `STEP` or more since, else None."""
        found = measure()
        by = found - self.offset
        if abs(by) > TOLERANCE:
            self.offset = found
        return ClockStep(time.time_ns(), by) if abs(by) >= STEP else None
