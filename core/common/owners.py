"""The users who can have created a file: the owners of the directories on the path to it."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = 0
UNKNOWN: Final = -1
"""No directory tells, or several users may write to one."""
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def controller_of(start: str, names: Sequence[str]) -> int:
    """Return the uid of who can have put there what these names lead to from the directory `start`: the first owner on
    the way who is neither root nor mozu's own user, and ROOT where there is none. The last may be gone: who made it
    could write to the one above. UNKNOWN where another is gone, or where root lets others write.
    """
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
    """Return the same for a path, and for what it leads to by links."""
    for one in (path.absolute(), path.resolve()):
        found = controller_of("", one.parts[1:])
        if found != ROOT:
            return found
    return ROOT
