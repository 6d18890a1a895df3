"""The programs at the two ends of pipes, as each was started.

A shell makes a pipe for `a | b`, and each of the two programs has one end as its standard output or input when it is
executed. Either may be executed first.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from mozu.core.model.event.file import File

Pipe = tuple[int, int]
"""The device and the inode of a pipe."""
_PIPES: Final = 1024
"""The most pipes that are remembered; the oldest is forgotten first."""
_PROGRAMS: Final = 8
"""The most programs that are remembered at one end of a pipe, and that one answer names."""
_COMMAND: Final = 128
"""Characters of a command line that are kept."""


class _Program(NamedTuple):
    number: int
    """Number of the event of its exec."""
    command: str
    other: Pipe | None
    """The pipe at its other end: of a writer its standard input, of a reader its standard output."""


class Pipelines:
    """The pipes of one machine or recording."""

    def __init__(self) -> None:
        self._writers: OrderedDict[Pipe, list[_Program]] = OrderedDict()
        self._readers: OrderedDict[Pipe, list[_Program]] = OrderedDict()

    def began(self, number: int, command: str, source: File | None, sink: File | None) -> None:
        """Remember a program that event `number` started with these files as its standard input and output."""
        read, written = pipe_of(source), pipe_of(sink)
        if written is not None:
            _remember(self._writers, written, _Program(number, command[:_COMMAND], read))
        if read is not None:
            _remember(self._readers, read, _Program(number, command[:_COMMAND], written))

    def before(self, source: File | None, number: int) -> tuple[str, ...]:
        """Return the command lines of the programs that write into this standard input, nearest first, and of those
        that write into theirs; as of event `number`."""
        return tuple(_along(self._writers, pipe_of(source), number))

    def behind(self, sink: File | None, number: int) -> tuple[str, ...]:
        """Return the command lines of the programs that read this standard output, nearest first, and of those that
        read theirs; as of event `number`."""
        return tuple(_along(self._readers, pipe_of(sink), number))


def pipe_of(file: File | None) -> Pipe | None:
    """Return the pipe that a descriptor leads to; None if it leads to none."""
    return (file.dev, file.ino) if file is not None and file.kind == "pipe" and file.ino else None


def _remember(ends: "OrderedDict[Pipe, list[_Program]]", pipe: Pipe, program: _Program) -> None:
    known = ends.setdefault(pipe, [])
    if len(known) < _PROGRAMS:
        known.append(program)
    if len(ends) > _PIPES:
        ends.popitem(last=False)


def _along(ends: "OrderedDict[Pipe, list[_Program]]", pipe: Pipe | None, number: int) -> Iterator[str]:
    seen, waiting, left = {pipe}, [pipe], _PROGRAMS
    while waiting:
        for program in ends.get(waiting.pop(0) or (0, 0), ()):
            if program.number >= number or not left:
                continue
            left -= 1
            yield program.command
            if program.other is not None and program.other not in seen:
                seen.add(program.other)
                waiting.append(program.other)
