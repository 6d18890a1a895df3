"""The standard output, reserved for the sinks or for the traced command: anything else that is printed goes to stderr.

A line that a plugin prints, or a program that it runs, would be taken for an alert by whatever reads the alerts, or for
a line of the command.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_STDOUT: Final = 1
_STDERR: Final = 2
_LOWEST: Final = 3
"""The lowest number that a duplicated descriptor may have."""
_descriptors: Final = [_STDOUT]
"""The descriptors that alerts are written to; the last one is in use."""
_commands: Final = [_STDOUT]
"""The descriptors that are the standard output of a traced command; the last one is in use."""


def alert_output() -> int:
    """Return the descriptor of the standard output as it was when mozu began."""
    return _descriptors[-1]


def command_output() -> int:
    """Return the descriptor that a traced command gets as its standard output. In a run with sinks that is stderr."""
    return _commands[-1]


@contextmanager
def diverted() -> Iterator[int]:
    """Send to stderr what is printed in a block: descriptor 1, and with it `sys.stdout`, is stderr meanwhile. Yields a
    descriptor of the standard output."""
    sys.stdout.flush()
    own = fcntl.fcntl(_STDOUT, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield own
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(own, _STDOUT)
        os.close(own)


@contextmanager
def reserved(*, for_command: bool = False) -> Iterator[None]:
    """Keep the standard output for sinks in a block; `for_command`: keep it for the traced command."""
    kept = _commands if for_command else _descriptors
    with diverted() as own:
        kept.append(own)
        try:
            yield
        finally:
            kept.pop()


def use(descriptor: int) -> None:
    """Use this descriptor for alerts: a component's process was started with it."""
    _descriptors.append(descriptor)


def close_to_others() -> None:
    """Send what is printed from now on to stderr: the command has ended, and threads or exit functions may still
    run."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # the reader has gone: the rest of the buffer is lost
        return
    os.dup2(_STDERR, _STDOUT)
