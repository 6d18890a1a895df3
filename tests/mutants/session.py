"""A session of pytest that has imported and collected once; each mutation is tried in a child of it."""

import os
import signal
import time
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

import pytest

from tests.mutants.replaced import CannotReplaceError, replace_functions

PASSED, FAILED, CANNOT_TRY = range(3)
"""Exit status of the child that tries a mutation."""
_POLL: Final = 0.02
"""Seconds between two checks if the tests have ended."""


def status_of(pid: int, seconds: float) -> int:
    """Wait for a child that leads a process group; return its exit status.

    Kill the group and return FAILED after `seconds`: tests that have not ended by then have noticed an endless loop.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_POLL)  # os.waitpid has no deadline, and the child may loop for ever
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return FAILED


class Asked(NamedTuple):
    """A mutation and the tests that are to try it."""

    file: str
    before: str
    after: str
    """The changed source of the file."""
    tests: list[str]
    """Tests to run; empty for all that were collected."""
    seconds: float
    """Seconds that the tests may take."""


class Session:
    """A session in a child of this process, which ends with this process."""

    def __init__(self, run: Callable[[object], None]) -> None:
        """Start the child. `run` starts pytest in it with a plugin and does not return."""
        self._connection, other = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._connection.close()
            run(_Server(other))
        other.close()

    def close(self) -> None:
        """End the child and wait for it."""
        self._connection.close()
        os.waitpid(self._pid, 0)

    def status(self, asked: Asked) -> int:
        """Return PASSED, FAILED, or CANNOT_TRY if imported modules already depend on the change."""
        self._connection.send(asked)
        status: int = self._connection.recv()
        return status


class _Server:
    """A plugin of pytest that answers instead of running all that was collected."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer until no further question comes."""
        items = {item.nodeid: item for item in session.items}
        while True:
            try:
                asked: Asked = self._connection.recv()
            except EOFError:
                return True
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                _try(session, items, asked)
            self._connection.send(status_of(pid, asked.seconds))


def _try(session: pytest.Session, items: dict[str, pytest.Item], asked: Asked) -> None:
    """Try a mutation in the child; never returns."""
    status = FAILED
    try:
        if asked.file.endswith(".py"):
            replace_functions(asked.file, asked.before, asked.after)
        chosen = [items[test] for test in asked.tests] or session.items
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                break
        else:
            status = PASSED
    except (CannotReplaceError, KeyError):
        status = CANNOT_TRY
    finally:
        os._exit(status)
