"""Follower: the processes that the tracer follows if it starts no command, and their fate.

`root`: a process to follow with its descendants; None for every process of this pid namespace that may be traced,
including later ones. All methods except `limits`, `refused` and `poke` are called on the tracer's thread.
"""

import logging
import threading
import time
from collections import Counter
from typing import Final

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ptrace.attach import Attacher, attach_problem, check_procfs
from mozu.plugins.sources.ptrace.reading.reader import TracedTask
from mozu.plugins.sources.ptrace.set_uid import gains_privilege, has_ptrace_capability
from mozu.plugins.sources.ptrace.stop_timer import StopTimer
from mozu.plugins.sources.ptrace.tracer import Tracer

SCAN_SECONDS: Final = 1.0
"""Seconds between two searches for processes that no traced one has started."""
_PASSES: Final = 20
"""Most searches at the start for processes that appear while others are seized."""
_LET_GO: Final = "let go before a set-uid program, which loses its privilege if it is traced"


class Follower:
    """Follower of one tracer."""

    scan_seconds = SCAN_SECONDS

    def __init__(self, tracer: Tracer, root: int | None, log: logging.Logger) -> None:
        self._tracer, self._root, self._log = tracer, root, log
        self._attacher = Attacher(root, tracer.is_traced, tracer.adopt)
        self._detached = False
        self._poked = threading.Event()
        self._next_scan = 0.0
        tracer.idle = self._idle
        if not has_ptrace_capability():
            tracer.lets_go = self._lets_go
        if root is None:
            tracer.limited = StopTimer()

    @property
    def scans(self) -> bool:
        """True if it searches for processes that appear later."""
        return self._root is None and not self._detached

    @property
    def refused(self) -> Counter[str]:
        """Number of processes that are not traced, by reason."""
        return self._attacher.refused

    def limits(self) -> list[str]:
        """Return the gaps in the view of followed processes, as phrases."""
        found = [f"{count} processes ({reason})" for reason, count in sorted(self.refused.items())]
        if self._root is None:
            found.append(
                f"processes that others than these start, for {SCAN_SECONDS:.0f} s until they are found, and mozu's own"
            )
        return found

    def attach(self) -> None:
        """Seize the existing processes. Raises SourceUnavailable."""
        check_procfs()
        attached = 0
        for _ in range(_PASSES):
            attached += (fresh := self._attacher.scan())
            if not fresh:
                break
        if self._root is not None and not attached:
            raise SourceUnavailable(self._root_problem(self._root))
        problem = attach_problem(self._attacher, attached)
        if problem is not None:
            raise problem
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items()))
        self._log.info("source ptrace follows %d processes%s", attached, f"; not {refused}" if refused else "")

    def _root_problem(self, root: int) -> str:
        if not self.refused:
            return f"there is no process {root}"
        return (
            f"process {root} may not be traced; it must be of the same user and not traced already, and the sysctl "
            "kernel.yama.ptrace_scope may ask for root"
        )

    def _idle(self) -> bool:
        """Search for new processes between two stops when it is due; if none are traced, wait until then."""
        if not self.scans:
            return False
        left = self._next_scan - time.monotonic()
        if left > 0 and not self._tracer.tasks and not self._tracer.requests:
            self._poked.wait(left)
            self._poked.clear()
        if left <= 0:
            self._next_scan = time.monotonic() + SCAN_SECONDS
            self._attacher.scan()
        return True

    def poke(self) -> None:
        """End the wait for the next search."""
        self._poked.set()

    def _lets_go(self, task: TracedTask, path: str | None) -> bool:
        if not gains_privilege(task, path):
            return False
        self._attacher.leave_alone(task.pid, _LET_GO)
        return True

    def detach(self) -> None:
        """Let all processes continue untraced."""
        self._detached = True
        self._tracer.detach_all()
