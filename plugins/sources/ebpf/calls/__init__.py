"""Which calls the live sources know, by which programs, and what their arguments mean."""

from mozu.plugins.sources.ebpf.calls.declared import EVERY, MOMENTS, TYPES, WATCHES
from mozu.plugins.sources.ebpf.calls.signals import sender
from mozu.plugins.sources.ebpf.calls.watch import (
    BLOCKS,
    NO_FD,
    NONE,
    PLAIN,
    POINTED,
    RESULT,
    SHAPE_SIZE,
    ArgLayout,
    Block,
    Program,
    SyscallSpec,
)

__all__ = [
    "BLOCKS",
    "EVERY",
    "MOMENTS",
    "NONE",
    "NO_FD",
    "PLAIN",
    "POINTED",
    "RESULT",
    "SHAPE_SIZE",
    "TYPES",
    "WATCHES",
    "ArgLayout",
    "Block",
    "Program",
    "SyscallSpec",
    "sender",
]
