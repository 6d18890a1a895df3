"""The mounts that a process sees: /proc/PID/mountinfo (proc_pid_mountinfo(5))."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_ESCAPE: Final = re.compile(r"\\([0-7]{3})")
_ID, _DEVICE, _ROOT, _PLACE = 0, 2, 3, 4
"""Indices of columns."""
_SEPARATOR: Final = "-"
"""Column before the type; a varying number of columns precedes it."""


class MountPoint(NamedTuple):
    """A mount."""

    id: int
    """Id, the same as mnt_id in fdinfo."""
    device: str
    """Device of the file system: `254:0`."""
    root: str
    """Path on the file system of the mounted directory; `/` if that is the root."""
    place: str
    """Mount point, as seen from the root of the process whose mountinfo it is."""
    kind: str
    """Type of the file system: `ext4`, `proc`."""


def mounts(pid: int | str = "self") -> Iterator[MountPoint]:
    """Yield the mounts that a process sees, later ones above earlier ones; none if they cannot be read."""
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        columns = line.split(" ")
        place, kind = _plain(columns[_PLACE]), columns[columns.index(_SEPARATOR) + 1]
        yield MountPoint(int(columns[_ID]), columns[_DEVICE], _plain(columns[_ROOT]), place, kind)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
