"""The users who can have created a file: the owners of the directories on the path to it."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = 0
UNKNOWN: Final = -1
"""Value for an unknown owner: no directory shows one, or several users may write to one."""
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def controller_of(start: str, names: Sequence[str]) -> int:
    """Return the uid of the user who can have put a file at these names below the directory `start`: the first owner on
    the way who is neither root nor mozu's own user, and ROOT if there is none. The last file may be gone: its maker
    could write to the directory above. UNKNOWN if another is gone, or if root lets others write."""
    path, own = start, os.geteuid()
    for number, name in enumerate(names):
        path = f"{path}/{name}"
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return ROOT if number == len(names) - 1 else UNKNOWN
        except OSError:
            return UNKNOWN
        if found.st_uid not in (ROOT, own):
            return found.st_uid
        is_shared = found.st_mode & _OTHERS and not found.st_mode & stat.S_ISVTX and not stat.S_ISLNK(found.st_mode)
        if is_shared and number < len(names) - 1:
            return UNKNOWN
    return ROOT


def owner_of(path: Path) -> int:
    """Return the uid of the user who can have created a path, or the file that its links lead to; see
    `controller_of`."""
    for one in (path.absolute(), path.resolve()):
        found = controller_of("", one.parts[1:])
        if found != ROOT:
            return found
    return ROOT
