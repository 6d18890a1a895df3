"""From the kernel's boot clock (bpf_ktime_get_boot_ns) to wall time, in whichever time namespace mozu is.

Both clocks run at the same rate (NTP adjusts them together), so their difference changes only when the wall clock is
set. It is measured once and again every second; a change is a step, which the source reports as a gap.
"""

import time
from typing import Final, NamedTuple

from mozu.core.common.boot_clock import boot_time

TOLERANCE: Final = 5_000_000
"""ns by which two measurements of an unchanged difference may disagree on a busy machine."""


class ClockStep(NamedTuple):
    """The wall clock was set."""

    time: int
    """New wall time at which it was noticed, ns since the epoch."""
    by: int
    """How far, ns; negative: backwards."""


def measure() -> int:
    """Wall time minus boot time in ns: of a few tries the one that took least time."""
    best, offset = 1 << 62, 0
    for _ in range(5):
        before = boot_time()
        wall = time.time_ns()
        after = boot_time()
        if after - before < best:
            best, offset = after - before, wall - (before + after) // 2
    return offset


class Clock:
    """One offset, replaced at each step."""

    def __init__(self) -> None:
        self.offset = measure()

    def check(self) -> ClockStep | None:
        """Measure again; a step if the wall clock was set since."""
        found = measure()
        by = found - self.offset
        if abs(by) <= TOLERANCE:
            return None
        self.offset = found
        return ClockStep(time.time_ns(), by)
