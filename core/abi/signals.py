"""The sender of a signal, from its siginfo (linux/signal.h, asm-generic/siginfo.h)."""

import signal
from typing import Final

_SENT_BY_PROCESS: Final = frozenset({0, -1, -3, -6})
"""Codes SI_USER, SI_QUEUE, SI_MESGQ, SI_TKILL: a process sent the signal, or let the kernel do so."""
_CLD_CODES: Final = range(1, 7)
"""Codes CLD_EXITED … CLD_CONTINUED of a child's change."""


def signal_sender(number: int, code: int, first: int) -> int:
    """Return the sending process as the receiver's pid namespace numbers it; 0 for the kernel, or a process outside of
    that.

    `code` is si_code and `first` the first word of _sifields, which is si_pid for some codes only: for a fault it is an
    address, for a timer the timer's number. sigqueue lets the sender choose si_pid.
    """
    has_pid = code in _SENT_BY_PROCESS or (number == signal.SIGCHLD and code in _CLD_CODES)
    return first if has_pid else 0
