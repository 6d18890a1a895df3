"""Ordinary work of a server: a script for sh in `works/`, which says in its first lines what it is and what it needs.

    # A cache server at work.
    # needs: redis-server redis-cli
    # engine: docker
    # by hand only
"""

from pathlib import Path
from typing import Final, NamedTuple

_WORKS: Final = Path(__file__).parent / "works"


class Work(NamedTuple):
    """One piece of work."""

    name: str
    script: str
    """For `sh -eu`, in an empty directory, `$WORK`. `$PYTHON` is an interpreter, `$PARTS` holds what works share. It
    leaves nothing running."""
    programs: tuple[str, ...]
    """What must be installed; without it the work is left out, and said to be."""
    engine: str
    """The engine of containers that runs beside it (see `engine.py`), or nothing."""
    short: bool
    """Whether it is a part of what CI does."""


def works() -> list[Work]:
    """All of them, by the names of their files."""
    return [_read(path) for path in sorted(_WORKS.glob("*.sh"))]


def _read(path: Path) -> Work:
    script = path.read_text()
    head = [line.removeprefix("# ") for line in script.partition("\n\n")[0].splitlines()]
    said = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    needs = tuple(said.get("needs", "").split())
    return Work(head[0].rstrip("."), script, needs, said.get("engine", ""), "by hand only" not in head)
