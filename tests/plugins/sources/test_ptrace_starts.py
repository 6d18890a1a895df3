"""Start times of processes, as the source `ptrace` reports them."""

import os

from mozu.core.model.event import SyscallEvent
from mozu.core.state.observed import Forked
from mozu.core.testing import process
from mozu.plugins.sources.ptrace.reading.processes import fork_event
from mozu.plugins.sources.ptrace.reading.reader import TracedTask


def test_a_process_that_is_looked_at_late_began_when_the_kernel_made_it() -> None:
    """The tracer comes late on a busy machine; a recording has the wall clock alone, and must give the same ages."""
    here = TracedTask(os.getpid(), os.getpid())
    made = fork_event(here, here, os.getppid(), shares_files=False, nested=False)
    forked = made.observed
    assert isinstance(forked, Forked)
    child = process(start=forked.start, boot_start=forked.boot_start)
    replayed = SyscallEvent("syscall", "getpid", made.time)

    assert made.boot_time - forked.boot_start > 10**8
    assert made.age(forked.start, child) == replayed.age(forked.start, child)
