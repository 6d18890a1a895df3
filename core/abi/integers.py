"""Conversion of registers to parameters: sign, width, flags in the numbering of the flag tables."""

import functools
from collections.abc import Callable
from typing import Final

from mozu.core.model.syscalls import Param, convert_flags

_UNSET_ID: Final = 0xFFFFFFFF
"""The id -1 in a uid_t or gid_t."""


@functools.lru_cache(maxsize=256)
def encode_dev(device: int) -> int:
    """Return the kernel's dev_t (major << 20 | minor) as stat shows it: new_encode_dev."""
    major, minor = device >> 20, device & 0xFFFFF
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def signed32(value: int) -> int:
    """Return the low 32 bits as a signed number."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def signed64(value: int) -> int:
    """Return 64 bits as a signed number."""
    return value - (1 << 64) if value & 1 << 63 else value


def signed_id(value: int) -> int:
    """Return a uid or gid; -1 for none."""
    value &= 0xFFFFFFFF
    return -1 if value == _UNSET_ID else value


_BY_TYPE: Final[dict[str, Callable[[int], int]]] = {
    "fd": signed32,
    "errno": signed32,
    "pid": signed32,
    "int32": signed32,
    "int64": signed64,
    "uid": signed_id,
    "gid": signed_id,
    "signal": lambda value: value & 0xFF,
    "uint8": lambda value: value & 0xFF,
    "uint16": lambda value: value & 0xFFFF,
    "uint32": lambda value: value & 0xFFFFFFFF,
    "mode": lambda value: value & 0xFFFFFFFF,
}


def register_reader(param: Param) -> Callable[[int], int]:
    """Return a function from an argument's register to the parameter's value."""
    if param.type == "mode" and param.table:
        return lambda value: convert_flags(param.table, value & 0xFFFFFFFF)
    if param.type in _BY_TYPE:
        return _BY_TYPE[param.type]
    if param.table:
        return lambda value: convert_flags(param.table, value & 0xFFFFFFFF)
    return lambda value: value
