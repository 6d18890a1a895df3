"""Follower: which processes the tracer follows where it starts no command, and what becomes of them.

`root`: this process with its descendants; None: every process of this pid namespace that may be traced, also those that
appear later. All methods but `limits`, `refused` and `poke` are called on the tracer's thread.
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
"""Between two looks for processes that no traced one has started."""
_PASSES: Final = 20
"""Looks at processes that come while others are seized."""
_LET_GO: Final = "let go before a set-uid program, which loses its privilege if it is traced"


class Follower:
    """Of one tracer."""

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
        """Whether it looks for processes that appear later."""
        return self._root is None and not self._detached

    @property
    def refused(self) -> Counter[str]:
        """Reason → how many processes are not traced because of it."""
        return self._attacher.refused

    def limits(self) -> list[str]:
        """What is not seen of the processes that are followed."""
        found = [f"{count} processes ({reason})" for reason, count in sorted(self.refused.items())]
        if self._root is None:
            found.append(
                f"processes that others than these start, for {SCAN_SECONDS:.0f} s until they are found, and mozu's own"
            )
        return found

    def attach(self) -> None:
        """Seize what is there. Raises SourceUnavailable."""
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
        """Between two stops: look for new processes when it is time; with none left, wait for that."""
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
        """There is something to do before the next look."""
        self._poked.set()

    def _lets_go(self, task: TracedTask, path: str | None) -> bool:
        if not gains_privilege(task, path):
            return False
        self._attacher.leave_alone(task.pid, _LET_GO)
        return True

    def detach(self) -> None:
        """Let everything run on."""
        self._detached = True
        self._tracer.detach_all()
