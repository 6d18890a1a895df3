"""The database of podman: labels, pods, addresses and health checks of its containers, which no document has.

Up to podman 4 it is a bolt file, `STORAGE/libpod/bolt_state.db` (libpod/boltdb_state.go); later it is a SQLite file,
`STORAGE/db.sql` (libpod/sqlite_state.go). Both keep the same JSON. Calls block.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec

from mozu.plugins.enrichers.containers.bolt import BoltBucket, read_bolt
from mozu.plugins.enrichers.containers.podman.records import PodmanRecord, decode_record


class PodmanDatabase:
    """The database of one storage. What is missing, unreadable or unknown counts as absent."""

    def __init__(self, storage: Path) -> None:
        self._bolt, self._sqlite = storage / "libpod" / "bolt_state.db", storage / "db.sql"

    def find(self, full_id: str) -> PodmanRecord | None:
        """Return one container; None if it does not exist, or the database cannot be read."""
        for read in (self._from_sqlite, self._from_bolt):
            try:
                found = read(full_id)
                if found is not None:
                    return decode_record(*found)
            except (OSError, msgspec.DecodeError):
                continue
        return None

    def _from_sqlite(self, full_id: str) -> tuple[bytes, bytes, bytes, bytes] | None:
        if self._sqlite.is_symlink() or not self._sqlite.is_file():
            return None
        from mozu.plugins.enrichers.containers.podman.sqlite import (
            row_of,  # imports SQLite, which podman 4 has no use for
        )

        row = row_of(self._sqlite, full_id)
        return None if row is None else _bytes(row)

    def _from_bolt(self, full_id: str) -> tuple[bytes, bytes, bytes, bytes] | None:
        if not self._bolt.is_file():
            return None
        return read_bolt(self._bolt, partial(_in_bolt, full_id=full_id))


def _in_bolt(root: BoltBucket, *, full_id: str) -> tuple[bytes, bytes, bytes, bytes] | None:
    container = root.bucket("ctr", full_id)
    if container is None:
        return None
    pod_id = (container.get("pod-id") or b"").decode()
    pod = root.bucket("pod", pod_id) if pod_id else None
    values = [container.get("config"), container.get("state")]
    values += [None, None] if pod is None else [pod.get("config"), pod.get("state")]
    return _bytes(values)


def _bytes(values: Iterable[object]) -> tuple[bytes, bytes, bytes, bytes]:
    """Return (configuration, state, the pod's configuration, the pod's state): JSON, empty for what is missing."""
    first, second, third, fourth = (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else b"{}" for value in values
    )
    return first, second, third, fourth
