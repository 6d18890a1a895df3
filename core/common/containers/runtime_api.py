"""The availability of a runtime's API: logged once when it stops answering, with what mozu would need, and once when it
answers again."""

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


def is_socket(path: Path) -> bool:
    """Return True if the path is a socket, or its directory may not be searched (the socket is not known to be
    absent)."""
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def socket_identity(path: Path) -> tuple[int, int] | None:
    """Return the socket's inode number, which a new socket may have again, and the time of its last change; None if
    there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


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
