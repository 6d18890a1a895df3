"""Which calls the live sources know, by which programs, and what their arguments mean."""

from mozu.plugins.sources.ebpf.calls.declared import EVERY, TYPE_EXIT, TYPE_FORK, TYPES, WATCHES
from mozu.plugins.sources.ebpf.calls.watch import (
    BLOCKS,
    NO_FD,
    NONE,
    PLAIN,
    POINTED,
    RESULT,
    SHAPE_SIZE,
    Block,
    Program,
    Shape,
    Watch,
)

__all__ = [
    "BLOCKS",
    "EVERY",
    "NONE",
    "NO_FD",
    "PLAIN",
    "POINTED",
    "RESULT",
    "SHAPE_SIZE",
    "TYPES",
    "TYPE_EXIT",
    "TYPE_FORK",
    "WATCHES",
    "Block",
    "Program",
    "Shape",
    "Watch",
]
