"""Whether a runtime's API answers: logged once when it stops to, with what mozu would need, and once when it does."""

import errno
import grp
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from mozu.core.common.file_access import may

_REFUSALS: Final = frozenset({errno.EACCES, errno.EPERM})


class Unimplemented(ConnectionError):
    """A server does not serve a call."""


class RuntimeApi:
    """One API behind one unix socket. `without` says what mozu knows while it does not answer."""

    def __init__(self, log: logging.Logger, name: str, socket: Path, without: str) -> None:
        self._log, self._name, self._socket, self._without = log, name, socket, without
        self._is_absent = False

    def failed(self, error: Exception) -> None:
        """A call has failed. Logged once per absence."""
        if self._is_absent:
            return
        self._is_absent = True
        number = getattr(error, "errno", None)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        refusal = f"; {remedy(self._socket)}" if number in _REFUSALS else ""
        text = "%s does not answer at %s (%s%s): %s; trying again until it does"
        self._log.info(text, self._name, self._socket, reason, refusal, self._without)

    def answered(self) -> None:
        """A call was answered."""
        if self._is_absent:
            self._is_absent = False
            self._log.info("%s at %s answers", self._name, self._socket)


def is_socket(path: Path) -> bool:
    """Whether there is a socket; also where what leads to it may not be searched (it is not known to be absent)."""
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def socket_identity(path: Path) -> tuple[int, int] | None:
    """Its inode's number, which a new socket may have again, and the time of its last change; None: it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


def is_directory(path: Path) -> bool:
    """Whether there is a directory; also where what leads to it may not be searched."""
    try:
        return path.is_dir()
    except PermissionError:
        return True
    except OSError:
        return False


def refusal(path: Path) -> str:
    """Why this process may not connect to a unix socket, and what would let it; empty where it may, or there is none.

    connect(2) takes the right to write (unix(7)).
    """
    if not is_socket(path) or may(path, os.W_OK):
        return ""
    return f"mozu may not connect to {path}: {remedy(path)}"


def remedy(path: Path) -> str:
    """What would let a process connect: the group that may write, or the capability that needs no group."""
    with suppress(OSError, KeyError):
        found = path.stat()
        if found.st_mode & stat.S_IWGRP:
            return f"mozu needs the group {grp.getgrgid(found.st_gid).gr_name}, or CAP_DAC_OVERRIDE"
    return "mozu needs CAP_DAC_OVERRIDE: no group may connect"
