"""The maps that all programs use. Their descriptors stand in the C text as constants."""

import os
import struct
from collections.abc import Iterator
from typing import Final

from mozu.core.errors import SourceUnavailable
from mozu.plugins.sources.ebpf import compat, kernel
from mozu.plugins.sources.ebpf.calls import SHAPE_SIZE, TYPES, WATCHES

COUNTS: Final = struct.Struct("<QQQ")
SETTINGS: Final = struct.Struct("<IIIII")
PROOF: Final = struct.Struct("<6QqQ")
SIZES: Final = {"SCRATCH_SIZE": 24848, "MADE_SIZE": 88}
"""sizeof(struct scratch) of bpf/record.h and sizeof(struct made) of bpf/call.h, which assert it."""
_SLOTS: Final = 4


def make_maps(ring_size: int) -> dict[str, int]:
    """Name in the C text → descriptor, to be closed by the caller. Raises SourceUnavailable."""
    array, per_cpu, jumps = kernel.ARRAY, kernel.PERCPU_ARRAY, kernel.PROG_ARRAY
    wanted = {
        "RING": (kernel.RINGBUF, 0, 0, ring_size),
        "SCRATCH": (per_cpu, 4, SIZES["SCRATCH_SIZE"], _SLOTS),
        "MADE": (per_cpu, 4, SIZES["MADE_SIZE"], 1),
        "COUNTS": (per_cpu, 4, COUNTS.size, TYPES),
        "CALLS": (array, 4, SHAPE_SIZE, TYPES),
        "SETTINGS": (array, 4, SETTINGS.size, 1),
        "PROOF": (array, 4, PROOF.size, 1),
        "NATIVE": (jumps, 4, 4, TYPES),
        "DOORS": (jumps, 4, 4, TYPES),
        "COMPAT": (array, 4, compat.ENTRY.size, compat.ENTRIES),
    }
    maps: dict[str, int] = {}
    for name, (kind, key, value, entries) in wanted.items():
        try:
            maps[name] = kernel.create_map(kind, f"mozu_{name.lower()}", key=key, value=value, entries=entries)
        except OSError as error:
            for fd in maps.values():
                os.close(fd)
            raise SourceUnavailable(
                f"source ebpf: the kernel gives no map for {name.lower()} of {value or entries} bytes ({error}); "
                "a smaller ring_size may help"
            ) from error
    for name, index, value_ in _contents():
        kernel.update(maps[name], index, value_)
    return maps


def _contents() -> Iterator[tuple[str, int, bytes]]:
    """(map, key, value) of what never changes."""
    for watch in WATCHES.values():
        yield "CALLS", watch.number, watch.shape.packed()
    for index, entry in compat.entries():
        yield "COMPAT", index, entry
