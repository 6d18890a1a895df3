"""Who sent a signal, as far as its siginfo tells (linux/siginfo.h, asm-generic/siginfo.h)."""

import signal
from typing import Final

_BY_CALL: Final = frozenset({0, -1, -3, -6})
"""SI_USER, SI_QUEUE, SI_MESGQ, SI_TKILL: a process sent it, or let the kernel do so."""
_CHILD: Final = range(1, 7)
"""CLD_*: what happened to a child."""


def sender(number: int, code: int, first: int) -> int:
    """The process, in the receiver's numbering of processes; 0 where it is the kernel's own, or from outside of that.

    `code` is si_code and `first` the word after it, which is a process id for some codes only: of a fault it is an
    address, of a timer the timer's number. sigqueue lets the sender say who it is.
    """
    told = code in _BY_CALL or (number == signal.SIGCHLD and code in _CHILD)
    return first if told else 0
