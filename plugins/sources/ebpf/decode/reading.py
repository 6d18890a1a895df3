"""What all decoders share: wire structs as readers, texts, numbers."""

import functools
import struct
from collections.abc import Callable
from mmap import mmap
from typing import Any, Final

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import Param, convert_flags
from mozu.plugins.sources.ebpf import wire

Buffer = bytes | mmap
Decode = Callable[[Buffer, int, int], SyscallEvent]
"""(buffer, offset of the record, wall time minus boot time in ns) → event."""

MARKS: Final = wire.marks()
_CUT: Final = MARKS["CUT"]
NONE: Final = 0xFFFFFFFF
"""How the kernel writes -1 in an unsigned 32-bit id."""


def reader(name: str, names: str) -> tuple[Callable[[Buffer, int], tuple[Any, ...]], int]:
    """`unpack_from` of a wire struct, and its size. `names` is the order that the caller relies on."""
    layout = wire.layouts()[name]
    if names.split() != layout.names():
        raise ValueError(f"bpf/mozu.h: struct {name} is {' '.join(layout.names())}, its decoder expects {names}")
    packer: struct.Struct = layout.packer
    return packer.unpack_from, layout.size


HEAD: Final = "head_time head_cgroup head_result head_pid head_tid head_type head_cpu head_marks head_entry_path "
CALL: Final = HEAD + (
    "args0 args1 args2 args3 args4 args5 args6 args7 text0 text1 text2 base0 base1 base_marks0 base_marks1 data"
)
FILE: Final = "file_ino file_dev file_magic file_mode file_uid "


def text(buffer: Buffer, start: int, end: int) -> str:
    """Kernel bytes as text."""
    return buffer[start:end].decode("utf-8", "surrogateescape")


def path(buffer: Buffer, start: int, end: int, marks: int) -> str:
    """A path of the kernel's. One that lost its beginning (too deep or too long) begins without a slash."""
    whole = buffer[start:end].decode("utf-8", "surrogateescape")
    return whole[1:] if marks & _CUT else whole


@functools.lru_cache(maxsize=256)
def encoded_device(device: int) -> int:
    """The kernel's device number (major << 20 | minor) as user space is given it."""
    major, minor = device >> 20, device & 0xFFFFF
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def signed32(value: int) -> int:
    """The low 32 bits as a signed number."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def signed64(value: int) -> int:
    """64 bits as a signed number."""
    return value - (1 << 64) if value & 1 << 63 else value


def identifier(value: int) -> int:
    """A uid or gid; -1 for none."""
    value &= 0xFFFFFFFF
    return -1 if value == NONE else value


_PLAIN: Final[dict[str, Callable[[int], int]]] = {
    "fd": signed32,
    "errno": signed32,
    "pid": signed32,
    "int32": signed32,
    "int64": signed64,
    "uid": identifier,
    "gid": identifier,
    "signal": lambda value: value & 0xFF,
    "uint8": lambda value: value & 0xFF,
    "uint16": lambda value: value & 0xFFFF,
    "uint32": lambda value: value & 0xFFFFFFFF,
    "mode": lambda value: value & 0xFFFFFFFF,
}


def number(param: Param) -> Callable[[int], int]:
    """From an argument's register to the parameter's value."""
    if param.type == "mode" and param.table:
        return lambda value: convert_flags(param.table, value & 0xFFFFFFFF)
    if param.type in _PLAIN:
        return _PLAIN[param.type]
    if param.table:
        return lambda value: convert_flags(param.table, value & 0xFFFFFFFF)
    return lambda value: value
