"""Foreseen results of a call: the file at its path, as the task sees it, and the error that it would return.

The tracer looks the path up before the kernel does it again: another process that changes links in between can make
these two different files.
"""

import errno
import os
import re
from typing import Final, NamedTuple

from mozu.plugins.sources.ptrace import proc_fs
from mozu.plugins.sources.ptrace.reading.reader import TracedTask
from mozu.plugins.sources.ptrace.reading.sticky import refuses_link

_MOST_LINKS: Final = 40
"""Most links followed, as the kernel's MAXSYMLINKS."""
OPEN_FILE: Final = re.compile(r"/proc/[0-9]+(/task/[0-9]+)?/(fd/[0-9]+|exe|cwd|root)")
"""Links that lead to an open file itself, regardless of their text (proc(5))."""
UNUSED_FD: Final = 1 << 30
"""Number for the descriptor that a call would make, used by no process (NR_OPEN is lower)."""


class ForeseenFile(NamedTuple):
    """Result of a look-up of a path."""

    path: str
    """Path without links, from the root of the task."""
    place: str
    """Path at which this process finds the file."""
    found: os.stat_result | None
    """Status of the file; None if there is none."""
    error: int
    """Negative error for which the file could not be examined; 0 if there is none."""


def look_up(task: TracedTask, base: str | None, path: str, *, follow: bool = True) -> ForeseenFile:
    """Look up a path. `base`: directory of a relative one; `follow`: also the last component, if it is a link."""
    whole = path if path.startswith("/") else f"{base}/{path}"
    way = way_of(task, whole, follow=follow)
    place = f"/proc/{task.tid}/root{way}"
    if not path or way is None:
        return ForeseenFile(whole, place, None, -errno.ELOOP if path else -errno.ENOENT)
    try:
        return ForeseenFile(_shown(place, way), place, os.stat(place, follow_symlinks=follow), 0)
    except OSError as error:
        return ForeseenFile(way, place, None, -(error.errno or errno.ENOENT))


def way_of(task: TracedTask, path: str, *, follow: bool, asks: bool = False) -> str | None:
    """Return the path without links; None if there are too many. Resolved step by step, since `/proc/self` and absolute
    links are the task's and not those of this process. `asks`: raise PermissionError at a link that the kernel follows
    only for its owner."""
    rest = _steps(path)
    at, links = "", 0
    while rest:
        name = rest.pop()
        if name == "..":
            at = at.rpartition("/")[0]
            continue
        step = _own(task, f"{at}/{name}")
        if not follow and not rest:
            return step
        place = f"/proc/{task.tid}/root{step}"
        target = proc_fs.link_at(place)
        if target is None or (OPEN_FILE.fullmatch(step) and not _is_same(place, f"/proc/{task.tid}/root{target}")):
            at = step
            continue
        if asks and refuses_link(place):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        links += 1
        if links > _MOST_LINKS:
            return None
        if target.startswith("/"):
            at = ""
        rest += _steps(target)
    return at or "/"


def _steps(path: str) -> list[str]:
    """Return the components of a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _own(task: TracedTask, step: str) -> str:
    if step == "/proc/self":
        return f"/proc/{task.pid}"
    return f"/proc/{task.pid}/task/{task.tid}" if step == "/proc/thread-self" else step


def _is_same(place: str, other: str) -> bool:
    """Return True if a link of /proc leads to the path in its text: an open file may have been unlinked, or be a
    pipe."""
    try:
        return os.path.samestat(os.stat(place), os.stat(other))
    except (OSError, ValueError):
        return False


def _shown(place: str, way: str) -> str:
    """Return the path of the file; for an open file without a path, its former one."""
    text = proc_fs.link_at(place) if OPEN_FILE.fullmatch(way) else None
    return text.removesuffix(" (deleted)") if text is not None and text.startswith("/") else way
