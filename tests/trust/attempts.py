"""Attempts by ways of ways.py, as an ordinary user, and their outcomes."""

import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Final, NamedTuple

from tests.trust.ways import Way

USER: Final = 65534
_SECONDS: Final = 300.0
"""Seconds that an attempt may take."""


class Outcome(NamedTuple):
    """The outcome of an attempt."""

    is_possible: bool
    has_read: bool
    """True if a process of the attempt has read a byte of the trap."""
    was_killed: bool


def attempt(way: Way, trap: Path, user: int = USER) -> Outcome:
    """Try the way once. A process that does not live on counts as killed. Raises TimeoutError."""
    report, theirs = os.pipe()
    environment = {"MOZU_TRAP": str(trap), "MOZU_REPORT": str(theirs), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        way.command, env=environment, user=user, group=user, extra_groups=[], pass_fds=[theirs], cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        try:
            said = _read(report)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return Outcome("B" in said and "X" not in said, "R" in said, "S" not in said)


def _read(report: int) -> str:
    """Read until all that could write into the report have ended."""
    deadline, said = time.monotonic() + _SECONDS, b""
    try:
        while select.select([report], [], [], max(0.0, deadline - time.monotonic()))[0]:
            got = os.read(report, 64)
            said += got
            if not got:
                return said.decode()
    finally:
        os.close(report)
    raise TimeoutError("the attempt does not end")


class Tally:
    """Counts of the attempts by a way."""

    def __init__(self) -> None:
        self.attempts = self.read = self.killed = 0

    def add(self, outcome: Outcome) -> None:
        """Count an attempt that was possible."""
        self.attempts += 1
        self.read += outcome.has_read
        self.killed += outcome.was_killed
