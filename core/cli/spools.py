"""The spools that a configuration names, opened for a look."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from mozu.core.delivery.spool import Spool
from mozu.core.runtime.config import Entry, load


def spooled_sinks(path: Path | None, overrides: Sequence[str], sink: str | None) -> list[Entry]:
    """The sinks with a spool that exists, or the one that is meant."""
    found = [entry for entry in load(path, overrides).sinks if entry.spool.enabled]
    if sink is not None:
        found = [entry for entry in found if entry.id == sink]
        if not found:
            raise click.UsageError(f"the configuration has no sink {sink!r} with a spool")
    return [entry for entry in found if entry.spool.file(entry.id).exists()]


@contextmanager
def opened_spool(entry: Entry) -> Iterator[Spool]:
    """The spool of a sink, for the length of a block. Raises SpoolUnusable, also where it is damaged."""
    spool = Spool(entry.spool.file(entry.id), max_bytes=entry.spool.bytes, repairs=False)
    try:
        yield spool
    finally:
        spool.close()
