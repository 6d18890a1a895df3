"""What /proc says of every process, in the form in which the state says it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Known(NamedTuple):
    """One process."""

    parent: int
    exe: str
    command: tuple[str, ...]
    cwd: str
    uid: int
    start: int
    """When it began, in the unit of whoever says so; tells processes of one number apart."""


def proc() -> dict[int, Known]:
    """Every process by its number; those that vanish meanwhile are left out, and the dead that nobody has buried."""
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
    """Kernel threads have no executable, and an init that guards itself shows none."""
    try:
        return os.readlink(place)
    except OSError:
        return ""
