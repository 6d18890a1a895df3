"""The directory in which one component keeps what must outlive a run."""

import os
import stat
from pathlib import Path
from typing import Final

from mozu.core.api.kind import Kind
from mozu.core.errors import MozuError

PLUGINS: Final = "plugins"
"""Name of the directory below `state_dir`."""


def state_path(state_dir: Path, kind: Kind, name: str) -> Path:
    """Return the path of the directory of a component, whether it exists or not."""
    return state_dir.absolute() / PLUGINS / kind.value / name


def made_private(path: Path) -> Path:
    """Make the directory and its parents, unless they exist, and return its path. Raises MozuError if it does not
    belong to this user or cannot be made."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            owner = f"is no directory of the user {os.geteuid()}, who runs mozu"
            raise MozuError(f"{path} {owner}; remove it, or name another directory in `state_dir`")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        why = error.strerror or str(error)
        raise MozuError(f"{path} cannot be made: {why}; name a directory of mozu's own in `state_dir`") from error
    return path
