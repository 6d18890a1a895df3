"""A private temporary directory with stub headers for the compiler, and removal of those that killed runs have left.

Its owner holds a lock on it (flock), which ends with the process in any case: a directory without one is stale.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_RUN: Final = Path("/run/mozu")
_PREFIX: Final = "mozu-headers-"
_PREFIXES: Final = (_PREFIX, "headers-")
"""Prefixes of such directories; the second is that of earlier versions, in /run/mozu."""


@contextlib.contextmanager
def header_tree(files: Mapping[str, str]) -> Iterator[Path]:
    """Yield a fresh private directory with `files` (text by path), which is removed afterwards.

    Its name is random and its mode 0700, so no other user can have put anything there or read it.
    """
    parent = _parent()
    _remove_stale(parent)
    root, lock = _made(parent)
    try:
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
        os.close(lock)


def _made(parent: Path) -> tuple[Path, int]:
    """Return a new directory and the descriptor that holds its lock."""
    while True:
        root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with contextlib.suppress(FileNotFoundError):  # another start took it for stale before it was locked
            lock = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if root.exists():
                return root, lock
            os.close(lock)


def _remove_stale(parent: Path) -> None:
    prefixes = _PREFIXES if parent == _RUN else (_PREFIX,)
    for root in [path for prefix in prefixes for path in parent.glob(f"{prefix}*")]:
        with contextlib.suppress(OSError):  # of another user, in use (EWOULDBLOCK), or gone already
            lock = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(root, ignore_errors=True)
            finally:
                os.close(lock)


def _parent() -> Path:
    """Return /run/mozu if it is, or can be made, our own and not writable by others; else the default."""
    with contextlib.suppress(OSError):
        _RUN.mkdir(mode=0o700)
    default = Path(tempfile.gettempdir())
    try:
        found = os.lstat(_RUN)
    except OSError:
        return default
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
    return _RUN if ours and os.access(_RUN, os.W_OK) else default
