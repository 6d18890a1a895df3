"""Unix sockets of servers that may be replaced, and the answer of a server that lacks a call."""

import stat
from pathlib import Path


class Unimplemented(ConnectionError):
    """A server does not serve a call."""


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
