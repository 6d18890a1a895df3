"""A look-up of one container in podman's SQLite file. Calls block."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

_BUSY_SECONDS: Final = 0.2
"""Seconds to wait for a transaction of podman."""
_MAX_STEPS: Final = 1_000_000
"""Instructions of SQLite's machine after which a query is broken off: a user's database may hold anything."""
_QUERY: Final = (
    "SELECT c.JSON, s.JSON, p.JSON, t.JSON FROM ContainerConfig c "
    "LEFT JOIN ContainerState s ON s.ID = c.ID LEFT JOIN PodConfig p ON p.ID = c.PodID "
    "LEFT JOIN PodState t ON t.ID = c.PodID WHERE c.ID = ?"
)


def row_of(path: Path, full_id: str) -> tuple[object, ...] | None:
    """Return podman's documents about a container and its pod; None if there is no such container. Raises OSError."""
    address = f"file:{quote(str(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.set_progress_handler(lambda: 1, _MAX_STEPS)
            row: tuple[object, ...] | None = database.execute(_QUERY, (full_id,)).fetchone()
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    return row
