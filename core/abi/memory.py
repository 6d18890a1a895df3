"""Conversion of memory that arguments point to: numbers, texts, struct pollfd, struct timespec."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from mozu.core.abi.integers import register_reader
from mozu.core.abi.operands import MemoryOperand, parse_memory_operand
from mozu.core.abi.spec import MemoryBlock, ParamReader, SyscallSpec
from mozu.core.abi.special import SPECIAL
from mozu.core.model.event import as_text
from mozu.core.model.syscalls import Param, convert_flags, event_type

_ABSENT: Final[dict[str, Any]] = {
    "fd": -1, "int64": -1, "string": None, "fspath": None, "uid": None, "gid": None, "fdlist": None
}  # fmt: skip
"""Type → value for something that a failed call did not write; 0 for all others."""
_UNREADABLE: Final[dict[str, Any]] = {"fd": -1, "string": None, "fspath": None, "uid": None, "gid": None}
"""Type → value for memory that could not be read; 0 for all others."""


def operand_reader(spec: SyscallSpec, param: Param, operand: str) -> ParamReader | None:
    """Return the reader of a parameter whose operand is read the same for all families: memory, `=`, `n`, `z`;
    otherwise None."""
    if operand == "=":
        return SPECIAL[spec.name, param.name]
    if operand == "n":
        return lambda args, result, blocks: max(result, 0)
    if operand == "z":
        return lambda args, result, blocks: 0
    memory = parse_memory_operand(param, operand)
    return None if memory is None else _from_memory(spec.layout.blocks, param, memory)


def _from_memory(blocks: tuple[MemoryBlock, ...], param: Param, memory: MemoryOperand) -> ParamReader:
    place = next(n for n, block in enumerate(blocks) if _holds(block, memory))
    read: Callable[[bytes], Any] = as_text if memory.size == 0 else _value(param, memory)
    only_done, argument, moved = memory.when == ">", memory.argument, memory.moved
    absent, unreadable = _ABSENT.get(param.type, 0), _UNREADABLE.get(param.type, 0)

    def value(args: Sequence[int], result: int, found: Sequence[bytes]) -> Any:
        if only_done and result < 0:
            return absent
        if not args[argument]:
            return unreadable
        got = read(found[place])
        if got is None:
            return unreadable
        return got - max(result, 0) if moved else got

    return value


def _holds(block: MemoryBlock, memory: MemoryOperand) -> bool:
    if block.argument != memory.argument:
        return False
    return block.size == memory.size if memory.size <= 0 else block.size not in (0, -1, -8)


def _pollfds(raw: bytes) -> tuple[tuple[int, int], ...]:
    """Return the descriptors and revents of an array of struct pollfd."""
    return tuple((fd, convert_flags("poll_flags", happened)) for fd, _, happened in struct.iter_unpack("<iHH", raw))


def _value(param: Param, memory: MemoryOperand) -> Callable[[bytes], Any]:
    start, end = memory.offset, memory.offset + memory.size
    if param.type == "fdlist":
        return _pollfds
    if param.type == "reltime":
        return _timespec
    convert = register_reader(param)
    if param.type == "int16":
        return lambda raw: int.from_bytes(raw[start:end], "little", signed=True) if len(raw) >= end else None
    return lambda raw: convert(int.from_bytes(raw[start:end], "little")) if len(raw) >= end else None


def _timespec(raw: bytes) -> int | None:
    """Return a struct timespec in ns; None if it is too short."""
    if len(raw) < 16:
        return None
    seconds, nanoseconds = struct.unpack_from("<qq", raw)
    return int(seconds * 1_000_000_000 + nanoseconds) & 0xFFFFFFFFFFFFFFFF


def param_readers(spec: SyscallSpec) -> tuple[ParamReader, ...]:
    """Return one reader per parameter, for calls of numbers and memory."""
    declared = event_type(spec.name)
    params = () if declared is None else declared.params
    return tuple(_reader(spec, param, operand) for param, operand in zip(params, spec.operands, strict=True))


def _reader(spec: SyscallSpec, param: Param, operand: str) -> ParamReader:
    if operand == "r":
        return lambda args, result, blocks: result
    shared = operand_reader(spec, param, operand)
    if shared is not None:
        return shared
    at, convert = int(operand), register_reader(param)
    return lambda args, result, blocks: convert(args[at])
