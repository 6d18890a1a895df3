"""Values of every process in /proc, in the form in which the state has them."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Known(NamedTuple):
    """A process."""

    parent: int
    exe: str
    command: tuple[str, ...]
    cwd: str
    uid: int
    start: int
    """Start time, in the unit of its origin; distinguishes processes of the same number."""


def proc() -> dict[int, Known]:
    """Return every process by its number, without those that vanish meanwhile and zombies."""
    found: dict[int, Known] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):
                known = _read(Path("/proc", name))
                if known is not None:
                    found[int(name)] = known
    return found


def _read(place: Path) -> Known | None:
    fields = (place / "stat").read_bytes().rpartition(b")")[2].split()
    if fields[0] in (b"Z", b"X"):
        return None
    raw = (place / "cmdline").read_bytes()
    words = raw.removesuffix(b"\0").split(b"\0") if raw else ()
    uid = int((place / "status").read_text().partition("\nUid:")[2].split()[1])
    return Known(
        int(fields[1]),
        _link(place / "exe"),
        tuple(word.decode("utf-8", "surrogateescape") for word in words),
        _link(place / "cwd"),
        uid,
        int(fields[19]),
    )


def _link(place: Path) -> str:
    """Return the target of a link; empty for kernel threads, which have no executable, and for an init that guards
    itself."""
    try:
        return os.readlink(place)
    except OSError:
        return ""
