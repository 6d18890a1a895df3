"""Checks if this process could write a file or reach a socket, without leaving a trace.

They serve `ChecksStart` in core/api/capabilities.py. Each function returns one sentence that names the path, or None if
there is no obstacle.
"""

import errno
import os
import socket
import stat
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from mozu.core.common.mounts import mounts
from mozu.core.common.own_file import UnsafePath, check_own
from mozu.core.common.owner_identity import checking_identity

_NO_FILES: Final = frozenset(
    {"proc", "sysfs", "securityfs", "cgroup", "cgroup2", "tracefs", "debugfs", "bpf", "devpts", "configfs", "efivarfs"}
)
"""File systems of the kernel's own, in which no regular file can be made, independent of permissions."""
_NO_TMPFILE: Final = {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOSYS}
"""Errors of file systems that cannot make a file without a name: only the permissions are known then."""


def may(path: Path, mode: int) -> bool:
    """Return True if this process may do this to a path (os.R_OK, os.W_OK, os.X_OK), its capabilities included.

    Without effective ids the kernel answers for the real user, and for a user other than root without any capability
    (access(2)).
    """
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def why_not_writable(path: Path, *, makes_folders: bool = False) -> str | None:
    """Return why a file could not be read and written, or made; `makes_folders`: missing directories would be made
    too. A command of root checks as the user who owns the directory."""
    with checking_identity(path):
        return _why_not_writable(path, makes_folders=makes_folders)


def _why_not_writable(path: Path, *, makes_folders: bool) -> str | None:
    real = Path(os.path.realpath(path))
    try:
        check_own(path)
    except UnsafePath as unsafe:
        return str(unsafe.strerror)
    try:
        mode = real.stat().st_mode
    except FileNotFoundError:
        return why_not_made(path, makes_folders=makes_folders)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    if stat.S_ISDIR(mode):
        return f"{path} is a directory; name a file in it"
    if not stat.S_ISREG(mode):
        return f"{path} is not a regular file"
    try:
        os.close(os.open(real, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return _why_no_room(path, real.parent)


def why_not_made(path: Path, *, makes_folders: bool = False) -> str | None:
    """Return why a new file could not be made at this path."""
    folder = Path(os.path.realpath(path)).parent
    if makes_folders:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
    if not folder.is_dir():
        return f"{path} cannot be written, for {folder} is no directory: make it"
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno not in _NO_TMPFILE:
            return f"{path} cannot be made in {folder}: {error.strerror}"
        kind = _file_system(folder)
        if kind in _NO_FILES:
            return f"{path} cannot be made in {folder}: a file system of the type {kind} holds no files"
        if not may(folder, os.W_OK | os.X_OK):
            return f"{path} cannot be made in {folder}: {os.strerror(errno.EACCES)}"
    return _why_no_room(path, folder)


def _file_system(folder: Path) -> str:
    """Return the type of the file system of a directory; empty if not known."""
    device = folder.stat().st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    return next((mount.kind for mount in mounts() if mount.device == name), "")


def why_no_socket(path: Path, kind: socket.SocketKind = socket.SOCK_DGRAM) -> str | None:
    """Return why a socket of this machine cannot be connected to."""
    with closing(socket.socket(socket.AF_UNIX, kind)) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return None  # it listens, and is busy
        except OSError as error:
            return f"{path} cannot be connected to: {error.strerror or error}"
    return None


def _why_no_room(path: Path, folder: Path) -> str | None:
    with suppress(OSError):
        found = os.statvfs(folder)
        free = found.f_bavail if os.geteuid() else found.f_bfree  # root may use the reserved blocks
        if found.f_blocks and not free:
            return f"{path} cannot be written: {os.strerror(errno.ENOSPC)}"
    return None
