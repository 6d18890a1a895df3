"""Settings of memory."""

from typing import Annotated, Final

from pydantic import AfterValidator, ByteSize, Field

from mozu.core.api import Settings
from mozu.core.common.own_cgroup import memory_limit

_SHARE_OF_CGROUP: Final = 0.9
"""Share of the cgroup's limit that mozu uses. The rest is for memory counted there that is not resident in mozu: maps
of programs, sockets, children."""
_LEAST: Final = 64 << 20


def _possible(value: ByteSize | None) -> ByteSize | None:
    if value and value < _LEAST:
        raise ValueError("must be 0 or at least 64MiB: the default rules take about 100 MiB before the first event")
    return value


class MemorySettings(Settings):
    """The memory that mozu itself may use, children not counted."""

    limit: Annotated[ByteSize | None, AfterValidator(_possible)] = Field(
        None,
        description="The most resident memory, before caches, look back and details are given up and in the end events "
        "dropped; 0: no limit; by default nine tenths of the limit of mozu's cgroup, if there is one.",
    )

    def bound(self) -> int:
        """Return the limit in bytes, 0 for none. Reads the cgroup's limit if none is set."""
        if self.limit is not None:
            return int(self.limit)
        return int((memory_limit() or 0) * _SHARE_OF_CGROUP)
