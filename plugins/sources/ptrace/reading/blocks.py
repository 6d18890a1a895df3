"""Memory that arguments point to: what a call is given is read when it begins, what it gives back when it ends."""

import struct
from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf.calls import POINTED, ArgLayout, Block, SyscallSpec
from mozu.plugins.sources.ebpf.decode.memory import picks
from mozu.plugins.sources.ptrace import memory
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event

DATA_MAX: Final = 80
"""Bytes of what was moved that an event shows."""
_BLOCK_MAX: Final = 128
_VECTORS, _SHOWN = 16, 4
"""Parts whose lengths are added up, and whose bytes are told; as bpf/vectors.h has them."""
Blocks = tuple[bytes, ...]


def given(task: TracedTask, shape: ArgLayout) -> Blocks:
    """The pieces that the call is given; empty ones where it writes them."""
    return tuple(b"" if block.is_output else _read(task, block) for block in shape.blocks)


def whole(task: TracedTask, shape: ArgLayout, before: Blocks) -> Blocks:
    """With those that the call wrote."""
    return tuple(
        _read(task, block) if block.is_output else old for block, old in zip(shape.blocks, before, strict=True)
    )


def _read(task: TracedTask, block: Block) -> bytes:
    address, following = task.args[block.argument], task.args[(block.argument + 1) % 6]
    if not address:
        return b""
    if block.size == 0:
        return memory.text(task.tid, address)
    length = block.size
    if block.size == POINTED:
        length = int.from_bytes(memory.data(task.tid, following, 4), "little")
    elif block.size < 0:
        length = (following & 0xFFFFFFFF) * -block.size
    return memory.data(task.tid, address, min(length, _BLOCK_MAX))


def parts(task: TracedTask, address: int, count: int) -> tuple[list[tuple[int, int]], int]:
    """((address, length) of the first parts of an array of struct iovec, length of all)."""
    pairs: list[tuple[int, int]] = []
    for place in range(min(count, _VECTORS)):
        raw = memory.data(task.tid, address + 16 * place, 16)
        if not raw:
            break
        pairs.append(struct.unpack("<QQ", raw))
    return pairs[:_SHOWN], sum(length for _, length in pairs) & 0xFFFFFFFFFFFFFFFF


def gathered(task: TracedTask, pieces: list[tuple[int, int]], most: int) -> bytes:
    """The first bytes of some parts."""
    most = min(most, DATA_MAX)
    found = b""
    for address, length in pieces:
        if len(found) >= most:
            break
        found += memory.data(task.tid, address, min(length, most - len(found)))
    return found


class MemoryReader:
    """Reader of a call of numbers and memory."""

    def __init__(self, watch: SyscallSpec, around: ReaderContext) -> None:
        self.name, self._shape, self._pick = watch.name, watch.shape, picks(watch)

    def enter(self, task: TracedTask) -> Blocks:
        """What it is given."""
        return given(task, self._shape)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """With what it gives back."""
        blocks = whole(task, self._shape, task.given)
        return (event(self.name, task, tuple(one(task.args, result, blocks) for one in self._pick)),)
