"""Shared parts of all decoders: readers of wire structs, texts and paths behind them."""

import struct
from collections.abc import Callable
from typing import Any, Final

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import wire

Decode = Callable[[bytes, int], SyscallEvent]
"""Function from (record, wall time minus boot time in ns) to event."""

MARKS: Final = wire.marks()
_CUT: Final = MARKS["CUT"]


def reader(name: str, names: str) -> tuple[Callable[..., tuple[Any, ...]], int]:
    """Return `unpack_from` of a wire struct, and its size. `names` is the order that the caller expects."""
    layout = wire.layouts()[name]
    if names.split() != layout.names():
        raise ValueError(f"bpf/mozu.h: struct {name} is {' '.join(layout.names())}, its decoder expects {names}")
    packer: struct.Struct = layout.packer
    return packer.unpack_from, layout.size


HEAD: Final = "head_time head_cgroup head_pid head_tid head_cpu head_type head_marks head_entry_path head_result "
CALL: Final = HEAD + (
    "args0 args1 args2 args3 args4 args5 args6 args7 text0 text1 text2 base0 base1 base_marks0 base_marks1 data"
)
FILE: Final = "file_ino file_dev file_magic file_mode file_uid "


def text(record: bytes, start: int, end: int) -> str:
    """Return kernel bytes as text."""
    return record[start:end].decode("utf-8", "surrogateescape")


def path(record: bytes, start: int, end: int, marks: int) -> str:
    """Return one of the kernel's paths. A path that lost its beginning (too deep or too long) begins without a
    slash."""
    whole = record[start:end].decode("utf-8", "surrogateescape")
    return whole[1:] if marks & _CUT else whole
