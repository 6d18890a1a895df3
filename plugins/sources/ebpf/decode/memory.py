"""What lies in memory where an argument points: values, texts, lists. The same for every source of calls."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from mozu.core.model.event import SyscallEvent, as_text
from mozu.core.model.syscalls import Param, convert_flags, event_type
from mozu.plugins.sources.ebpf.calls import Block, SyscallSpec
from mozu.plugins.sources.ebpf.calls.words import Memory, memory_word
from mozu.plugins.sources.ebpf.decode.reading import CALL, Buffer, Decode, number, reader
from mozu.plugins.sources.ebpf.decode.special import SPECIAL

_unpack, _SIZE = reader("call", CALL)
_ARGS, _TEXT, _BASE = 9, 17, 20
"""Positions among the values."""
_ABSENT: Final[dict[str, Any]] = {
    "fd": -1, "int64": -1, "string": None, "fspath": None, "uid": None, "gid": None, "fdlist": None
}  # fmt: skip
"""Type → what stands for something that a failed call did not write."""
_UNREADABLE: Final[dict[str, Any]] = {"fd": -1, "string": None, "fspath": None, "uid": None, "gid": None}
"""Type → what stands for memory that nobody could read; 0 for all others."""

Handed = Callable[[Sequence[int], int, Sequence[bytes]], Any]
"""(arguments, result, pieces of memory in the order of `Shape.blocks`) → value of a parameter."""


def handed(watch: SyscallSpec, param: Param, word: str) -> Handed | None:
    """Reader of a parameter whose word names memory, the result or an argument in a way that all calls share."""
    if word == "=":
        return SPECIAL[watch.name, param.name]
    if word == "n":
        return lambda args, result, blocks: max(result, 0)
    if word == "z":
        return lambda args, result, blocks: 0
    memory = memory_word(param, word)
    return None if memory is None else _from_memory(watch.shape.blocks, param, memory)


def _from_memory(blocks: tuple[Block, ...], param: Param, memory: Memory) -> Handed:
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


def _holds(block: Block, memory: Memory) -> bool:
    if block.argument != memory.argument:
        return False
    return block.size == memory.size if memory.size <= 0 else block.size not in (0, -1, -8)


def _polled(raw: bytes) -> tuple[tuple[int, int], ...]:
    """An array of struct pollfd: descriptors, and what happened to them."""
    return tuple((fd, convert_flags("poll_flags", happened)) for fd, _, happened in struct.iter_unpack("<iHH", raw))


def _value(param: Param, memory: Memory) -> Callable[[bytes], Any]:
    start, end = memory.offset, memory.offset + memory.size
    if param.type == "fdlist":
        return _polled
    if param.type == "reltime":
        return _span
    convert = number(param)
    if param.type == "int16":
        return lambda raw: int.from_bytes(raw[start:end], "little", signed=True) if len(raw) >= end else None
    return lambda raw: convert(int.from_bytes(raw[start:end], "little")) if len(raw) >= end else None


def _span(raw: bytes) -> int | None:
    """A struct timespec, in ns."""
    if len(raw) < 16:
        return None
    seconds, nanoseconds = struct.unpack_from("<qq", raw)
    return int(seconds * 1_000_000_000 + nanoseconds) & 0xFFFFFFFFFFFFFFFF


def picks(watch: SyscallSpec) -> tuple[Handed, ...]:
    """One function a parameter."""
    declared = event_type(watch.name)
    params = () if declared is None else declared.params
    return tuple(_pick(watch, param, word) for param, word in zip(params, watch.order, strict=True))


def _pick(watch: SyscallSpec, param: Param, word: str) -> Handed:
    if word == "r":
        return lambda args, result, blocks: result
    shared = handed(watch, param, word)
    if shared is not None:
        return shared
    at, convert = int(word), number(param)
    return lambda args, result, blocks: convert(args[at])


def memory(watch: SyscallSpec) -> Decode:
    """The decoder of one of the calls whose arguments lie in memory."""
    name, pick = watch.name, picks(watch)

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        blocks = []
        place = at + _SIZE
        for length in values[_TEXT:_BASE]:
            blocks.append(buffer[place : place + length])
            place += length
        given, result = values[_ARGS:_TEXT], values[2]
        args = tuple(one(given, result, blocks) for one in pick)
        return SyscallEvent("syscall", name, values[0] + offset, 0, values[4], values[3], values[6], args)

    return decode
