"""Settings of memory: how much mozu may take."""

from typing import Annotated, Final

from pydantic import AfterValidator, ByteSize, Field

from mozu.core.api import Settings
from mozu.core.common.own_cgroup import memory_limit

_SHARE_OF_CGROUP: Final = 0.9
"""The rest is for what is counted there and is not resident memory of mozu: maps of programs, sockets, children."""
_LEAST: Final = 64 << 20


def _possible(value: ByteSize | None) -> ByteSize | None:
    if value and value < _LEAST:
        raise ValueError("must be 0 or at least 64MiB: the default rules take about 100 MiB before the first event")
    return value


class MemorySettings(Settings):
    """How much memory mozu may take itself, children not counted."""

    limit: Annotated[ByteSize | None, AfterValidator(_possible)] = Field(
        None,
        description="The most resident memory, before caches, look back and details are given up and in the end events "
        "dropped; 0: no limit; by default nine tenths of the limit of mozu's cgroup, if there is one.",
    )

    def bound(self) -> int:
        """Bytes; 0: none. Reads the cgroup's limit where none is set."""
        if self.limit is not None:
            return int(self.limit)
        return int((memory_limit() or 0) * _SHARE_OF_CGROUP)
