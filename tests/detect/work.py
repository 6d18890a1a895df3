"""Ordinary work of a server: a script for sh in `works/`, which states in its first lines its subject and its needs.

    # A cache server at work.
    # needs: redis-server redis-cli
    # engine: docker
    # by hand only
"""

from pathlib import Path
from typing import Final, NamedTuple

_WORKS: Final = Path(__file__).parent / "works"


class Work(NamedTuple):
    """A piece of work."""

    name: str
    script: str
    """Script for `sh -eu`, in an empty directory, `$WORK`. `$PYTHON` is an interpreter, `$PARTS` holds files that works
    share. The script leaves nothing running."""
    programs: tuple[str, ...]
    """Programs that must be installed; without them the work is left out and reported as such."""
    engine: str
    """The engine of containers that runs beside the work (see `engine.py`), or nothing."""
    short: bool
    """True if the work is a part of the CI's run."""


def works() -> list[Work]:
    """Return all works, by the names of their files."""
    return [_read(path) for path in sorted(_WORKS.glob("*.sh"))]


def _read(path: Path) -> Work:
    script = path.read_text()
    head = [line.removeprefix("# ") for line in script.partition("\n\n")[0].splitlines()]
    said = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    needs = tuple(said.get("needs", "").split())
    return Work(head[0].rstrip("."), script, needs, said.get("engine", ""), "by hand only" not in head)
