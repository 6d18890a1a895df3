"""Probe: a child of the tracer's thread that is traced and ends, whose procexit must arrive (`MakesProbes`)."""

import contextlib
import os
import secrets
import warnings

from mozu.core.model.event import Event, SyscallEvent
from mozu.plugins.sources.ptrace import native
from mozu.plugins.sources.ptrace.tracer import Tracer


class TracedProbe:
    """A probe; `cause` is called on the tracer's thread, `recognises` on any."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._code = secrets.randbelow(255) + 1
        self._pid = 0

    def recognises(self, event: Event) -> bool:
        """Return True if this is the end of the child."""
        if event.type != "procexit" or not isinstance(event, SyscallEvent):
            return False
        return event.pid == self._pid and event.args[1] == self._code

    def cause(self) -> None:
        """Fork; the child ends once it is traced. If tracing is refused, no event arrives."""
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forks beside threads: the child only waits and exits
            child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(self._code)
        try:
            native.seize(child, native.OPTIONS)
            self._pid = child
            self._tracer.adopt(child, child)
        except (OSError, native.TaskGone):
            pass
        finally:
            os.close(reader)
            os.close(writer)
        if not self._pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
