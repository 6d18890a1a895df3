"""The unix socket of a runtime's API: may it be connected to, does it answer, and when is the next connection due."""

import errno
import grp
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from mozu.core.common.backoff import Backoff
from mozu.core.common.file_access import may
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch
from mozu.core.common.unix_socket import is_socket

_REFUSALS: Final = frozenset({errno.EACCES, errno.EPERM})
_PAUSES: Final = (0.1, 1.0)
"""First and longest seconds between two connections; a fifth is jitter."""


class RuntimeApi:
    """The API behind one unix socket. `without` names the facts that mozu knows while it does not answer."""

    def __init__(self, log: logging.Logger, name: str, socket: Path, without: str) -> None:
        self._log, self._name, self._socket, self._without = log, name, socket, without
        self._is_absent = False

    def failed(self, error: Exception) -> None:
        """Note a failed call. Logged once per absence."""
        if self._is_absent:
            return
        self._is_absent = True
        number = getattr(error, "errno", None)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        refusal = f"; {remedy(self._socket)}" if number in _REFUSALS else ""
        text = "%s does not answer at %s (%s%s): %s; trying again until it does"
        self._log.info(text, self._name, self._socket, reason, refusal, self._without)

    def answered(self) -> None:
        """Note an answered call."""
        if self._is_absent:
            self._is_absent = False
            self._log.info("%s at %s answers", self._name, self._socket)


def is_directory(path: Path) -> bool:
    """Return True if the path is a directory, or its parent may not be searched."""
    try:
        return path.is_dir()
    except PermissionError:
        return True
    except OSError:
        return False


def refusal(path: Path) -> str:
    """Return why this process may not connect to a unix socket, and what would let it; empty if it may, or there is
    none.

    connect(2) needs the right to write (unix(7)).
    """
    if not is_socket(path) or may(path, os.W_OK):
        return ""
    return f"mozu may not connect to {path}: {remedy(path)}"


def remedy(path: Path) -> str:
    """Return what would let a process connect: the group that may write, or the capability that needs no group."""
    with suppress(OSError, KeyError):
        found = path.stat()
        if found.st_mode & stat.S_IWGRP:
            return f"mozu needs the group {grp.getgrgid(found.st_gid).gr_name}, or CAP_DAC_OVERRIDE"
    return "mozu needs CAP_DAC_OVERRIDE: no group may connect"


class Reconnection:
    """The pauses for one socket. Call `begin` before each connection, `succeeded` once it is made, `wait` after it has
    ended or failed.

    A server that is killed leaves its socket, and no connection to that is ever accepted again: only a new one counts.
    """

    def __init__(self, socket: Path) -> None:
        self._socket, self._backoff, self._watch = socket, Backoff(*_PAUSES, jitter=0.2), PathWatch()
        self._is_watching = False

    def begin(self) -> None:
        """Watch the socket's place: any file that appears or vanishes from now on ends the next wait."""
        self._watch.renew()
        self._watch.add([str(self._socket)])
        self._is_watching = True

    def succeeded(self) -> None:
        """Make the next wait a short one."""
        self._backoff.succeeded()
        self.close()

    async def wait(self) -> None:
        """Wait until a connection is due; if there is no socket, until one appears."""
        if not self._is_watching:  # there was a connection: changes of the socket meanwhile are searched below
            self.begin()
        if await self._watch.wait(self._backoff.failed() if is_socket(self._socket) else LOOK_INTERVAL):
            self._backoff.succeeded()  # the socket may be bound and not listen yet

    def close(self) -> None:
        """Close the watch. Idempotent."""
        self._watch.close()
        self._is_watching = False
