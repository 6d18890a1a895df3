"""Reads and writes: what is written is read at the beginning, what was read at the end."""

from mozu.core.abi.limits import DATA_MAX
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace.reading.blocks import gathered, parts
from mozu.plugins.sources.ptrace.reading.descriptors import Descriptors
from mozu.plugins.sources.ptrace.reading.reader import TracedTask


class Transfers(Descriptors):
    """Reader of one of these calls."""

    def enter(self, task: TracedTask) -> bytes:
        """What is to be written."""
        return b"" if self._layout.incoming else gathered(task, self._pieces(task)[0], DATA_MAX)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """What was moved, as far as it was."""
        pieces, length = self._pieces(task)
        data: bytes = task.given
        if self._layout.incoming:
            data = gathered(task, pieces, max(result, 0))
        elif result >= 0:
            data = data[:result]
        return (self.told(task, result, data=data, length=length),)

    def _pieces(self, task: TracedTask) -> tuple[list[tuple[int, int]], int]:
        layout, a = self._layout, task.args
        if layout.vectors >= 0:
            return parts(task, a[layout.vectors], a[layout.vectors + 1])
        return [(a[layout.data], a[layout.data + 1])], 0
