"""Reads and writes: buffers that are written are read at entry, buffers that were filled at exit."""

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace.reading.blocks import read_buffers, read_iovecs
from mozu.plugins.sources.ptrace.reading.descriptors import DescriptorReader
from mozu.plugins.sources.ptrace.reading.reader import TracedTask


class TransferReader(DescriptorReader):
    """Reads calls that move bytes."""

    def enter(self, task: TracedTask) -> bytes:
        """The first bytes that are written."""
        return b"" if self._layout.incoming else read_buffers(task, self._buffers(task)[0], self._context.snaplen)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """The event, with the bytes that were moved."""
        buffers, length = self._buffers(task)
        data: bytes = task.at_entry
        if self._layout.incoming:
            data = read_buffers(task, buffers, min(max(result, 0), self._context.snaplen))
        elif result >= 0:
            data = data[:result]
        return (self._event(task, result, data=data, length=length),)

    def _buffers(self, task: TracedTask) -> tuple[list[tuple[int, int]], int]:
        layout, a = self._layout, task.args
        if layout.vectors >= 0:
            return read_iovecs(task, a[layout.vectors], a[layout.vectors + 1])
        return [(a[layout.data], a[layout.data + 1])], 0
