"""Probe: a child of mozu that ends at once, whose procexit must arrive (`MakesProbes`).

procexit is always watched and never filtered in the kernel; mozu's own events are, but a child is another process. It
executes nothing, so that no rule about programs can match.
"""

import os
import secrets
import threading
import warnings
from collections.abc import Callable

from mozu.core.model.event import Event, SyscallEvent


def fork_probe(own_pid: int) -> Callable[[Event], bool]:
    """Fork; return a function that recognises the child's procexit. `own_pid`: mozu's process id as seen by the
    kernel's programs.

    In a pid namespace of its own mozu does not know the child's pid there: then the exit code, which is random,
    identifies it. Raises OSError if the kernel makes no more processes.
    """
    code = secrets.randbelow(255) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forks beside threads: the child only exits
        child = os.fork()
    if child == 0:
        os._exit(code)
    threading.Thread(target=os.waitpid, args=(child, 0), name="mozu-probe", daemon=True).start()
    wanted = child if own_pid == os.getpid() else None

    def recognises(event: Event) -> bool:
        if event.type != "procexit" or not isinstance(event, SyscallEvent):
            return False
        return event.args[1] == code and wanted in (None, event.pid)

    return recognises
