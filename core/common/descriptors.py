"""Descriptors of the process, RLIMIT_NOFILE: the soft limit is raised, and clients get at most half of it.

The other half is for mozu's own files and connections: a flood of clients must not stop a sink from reconnecting.
"""

import resource
import sys
from typing import Final

_INITIAL: Final = resource.getrlimit(resource.RLIMIT_NOFILE)


def raise_limit() -> int:
    """Raise the soft limit to the hard one, and return the soft limit that is then in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # a hard limit above fs.nr_open, which has been lowered since
        return soft
    return hard


def initial_soft_limit() -> int:
    """Return the soft limit with which the process began, for programs that it starts: some still call select()."""
    return _INITIAL[0]


def most_for_clients() -> int:
    """Return the most connections that all clients together may hold."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft // 2)
