"""The fields `proc.piped_from` and `proc.piped_to`: the programs at the other ends of a process's pipes."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import File, Process, SyscallEvent
from mozu.core.model.event.pipelines import Pipelines
from mozu.core.model.fields.field import Field, FieldType, Match, Reader
from mozu.core.model.fields.proc.read import dated


def _pipeline(fd: int, read: Callable[[Pipelines, File | None, int], tuple[str, ...]]) -> Reader:
    def reader(process: Process, event: SyscallEvent) -> tuple[str, ...] | None:
        tasks = process.task.tasks
        return None if tasks is None else read(tasks.pipelines, process.file_at(fd, event.num), event.num)

    return dated(reader)


def _joined(read: Reader) -> Reader:
    def show(event: SyscallEvent) -> str | None:
        found = read(event)
        return " | ".join(map(str, found)) if isinstance(found, tuple) else None

    return show


def _piped(name: str, doc: str, read: Reader) -> Field:
    return Field(
        name=name,
        type=FieldType.STRING,
        doc=f"{doc}, and of those beyond them in a chain of pipes; one that fits is enough. Mozu's own.",
        read=read,
        show=_joined(read),
        match=Match.ANY,
        needs=frozenset({"tree", "stdio"}),
        traits=frozenset({"no_rhs", "no_transformer"}),
    )


PIPED: Final = (
    _piped(
        "proc.piped_from",
        "Command lines of the programs that were started with the process's standard input as their standard output",
        _pipeline(0, Pipelines.before),
    ),
    _piped(
        "proc.piped_to",
        "Command lines of the programs that were started with the process's standard output as their standard input",
        _pipeline(1, Pipelines.behind),
    ),
)
