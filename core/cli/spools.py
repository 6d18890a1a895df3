"""The spools that a configuration names, opened for inspection."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import click

from mozu.core.common.owner_identity import owner_identity
from mozu.core.delivery.spool import Spool
from mozu.core.runtime.config import Entry, load


def spooled_sinks(path: Path | None, overrides: Sequence[str], sink: str | None) -> list[Entry]:
    """Return the sinks with a spool that exists, or the named one."""
    found = [entry for entry in load(path, overrides).sinks if entry.spool.enabled]
    if sink is not None:
        found = [entry for entry in found if entry.id == sink]
        if not found:
            raise click.UsageError(f"the configuration has no sink {sink!r} with a spool")
    return [entry for entry in found if entry.spool.file(entry.id).exists()]


@contextmanager
def opened_spool(entry: Entry) -> Iterator[Spool]:
    """Open the spool of a sink for the length of a block, as the user who owns it. Raises SpoolUnusable, also if the
    spool is damaged."""
    path = entry.spool.file(entry.id)
    with owner_identity(path), closing(Spool(path, max_bytes=entry.spool.bytes, repairs=False)) as spool:
        yield spool
