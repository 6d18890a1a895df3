"""Directories that all users write to, as /tmp: the kernel opens nothing there that another user may have planted.

mozu looks paths up itself, and opens by descriptors, on which ways the kernel does not ask: fs.protected_symlinks,
fs.protected_regular, fs.protected_fifos (proc_sys_fs(5)).
"""

import functools
import os
import stat

from mozu.core.model.event import as_bytes


def refuses_link(place: str) -> bool:
    """Return whether this link may not be followed."""
    return _setting("symlinks") > 0 and _is_planted(place, os.lstat(as_bytes(place)).st_uid, group_counts=False)


def refuses_existing(place: str, owner: int) -> bool:
    """Return whether this existing file may not be opened with O_CREAT."""
    level = _setting("regular")
    return level > 0 and _is_planted(place, owner, group_counts=level > 1)


def _is_planted(place: str, owner: int, *, group_counts: bool) -> bool:
    above = os.stat(as_bytes(os.path.dirname(place)))
    writers = stat.S_IWOTH | (stat.S_IWGRP if group_counts else 0)
    is_shared = above.st_mode & stat.S_ISVTX and above.st_mode & writers
    return bool(is_shared) and owner not in (os.geteuid(), above.st_uid)


@functools.cache
def _setting(name: str) -> int:
    try:
        with open(f"/proc/sys/fs/protected_{name}") as file:
            return int(file.read())
    except OSError:
        return 0
