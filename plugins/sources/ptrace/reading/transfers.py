"""Reads and writes: what is written is read at the beginning, what was read at the end."""

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace.reading.blocks import DATA_MAX, gathered, parts
from mozu.plugins.sources.ptrace.reading.descriptors import Descriptors
from mozu.plugins.sources.ptrace.reading.reader import TracedTask


class Transfers(Descriptors):
    """Reader of one of these calls."""

    def enter(self, task: TracedTask) -> bytes:
        """What is to be written."""
        return b"" if self._shape.incoming else gathered(task, self._pieces(task)[0], DATA_MAX)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """What was moved, as far as it was."""
        pieces, length = self._pieces(task)
        data: bytes = task.given
        if self._shape.incoming:
            data = gathered(task, pieces, max(result, 0))
        elif result >= 0:
            data = data[:result]
        return (self.told(task, result, data=data, length=length),)

    def _pieces(self, task: TracedTask) -> tuple[list[tuple[int, int]], int]:
        shape, a = self._shape, task.args
        if shape.vectors >= 0:
            return parts(task, a[shape.vectors], a[shape.vectors + 1])
        return [(a[shape.data], a[shape.data + 1])], 0
