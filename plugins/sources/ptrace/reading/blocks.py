"""Memory blocks, iovecs and buffers of a stopped call: inputs are read at its entry, outputs at its exit."""

import struct

from mozu.core.abi.limits import BLOCK_MAX, IOVECS_MAX, IOVECS_READ
from mozu.core.abi.memory import param_readers
from mozu.core.abi.spec import POINTED, ArgLayout, MemoryBlock, SyscallSpec
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace import memory
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event

Blocks = tuple[bytes, ...]


def read_input_blocks(task: TracedTask, layout: ArgLayout) -> Blocks:
    """Return the blocks that the call reads; empty ones for those that it writes."""
    return tuple(b"" if block.is_output else _read(task, block) for block in layout.blocks)


def with_output_blocks(task: TracedTask, layout: ArgLayout, before: Blocks) -> Blocks:
    """Return all blocks: those read at entry, and those that the call has written."""
    return tuple(
        _read(task, block) if block.is_output else old for block, old in zip(layout.blocks, before, strict=True)
    )


def _read(task: TracedTask, block: MemoryBlock) -> bytes:
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
    return memory.data(task.tid, address, min(length, BLOCK_MAX))


def read_iovecs(task: TracedTask, address: int, count: int) -> tuple[list[tuple[int, int]], int]:
    """Return (address, length) of the first elements of an array of struct iovec, and the length of all."""
    pairs: list[tuple[int, int]] = []
    for place in range(min(count, IOVECS_MAX)):
        raw = memory.data(task.tid, address + 16 * place, 16)
        if not raw:
            break
        pairs.append(struct.unpack("<QQ", raw))
    return pairs[:IOVECS_READ], sum(length for _, length in pairs) & 0xFFFFFFFFFFFFFFFF


def read_buffers(task: TracedTask, buffers: list[tuple[int, int]], most: int) -> bytes:
    """Return the first bytes of these buffers, given as (address, length), together."""
    found = b""
    for address, length in buffers:
        if len(found) >= most:
            break
        found += memory.data(task.tid, address, min(length, most - len(found)))
    return found


class MemoryReader:
    """Reader of calls with numbers and memory."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name, self._layout, self._readers = spec.name, spec.layout, param_readers(spec)

    def enter(self, task: TracedTask) -> Blocks:
        """Return the input blocks."""
        return read_input_blocks(task, self._layout)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return the event, with the output blocks."""
        blocks = with_output_blocks(task, self._layout, task.at_entry)
        return (event(self.name, task, tuple(one(task.args, result, blocks) for one in self._readers)),)
