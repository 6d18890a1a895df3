"""struct call: numbers and paths; chdir, fchdir and chroot."""

from collections.abc import Callable
from typing import Any

from mozu.core.event import File, SyscallEvent
from mozu.core.state.facts import Cwd
from mozu.core.syscalls import event_type
from mozu.plugins.sources.ebpf.calls import Watch
from mozu.plugins.sources.ebpf.decode.reading import (
    HEAD,
    MARKS,
    Buffer,
    Decode,
    number,
    reader,
    text,
)

_unpack, _SIZE = reader(
    "call",
    HEAD + "args0 args1 args2 args3 args4 args5 args6 args7 text0 text1 base0 base1 base_marks0 base_marks1 data spare",
)
_RESULT, _ARGS = 2, 9
"""Positions of the result and of the first argument among the values."""
_NULL, _NULL2 = MARKS["NULL"], MARKS["NULL2"]
_TEXTS = frozenset({"fspath", "fsrelpath", "string"})

Pick = Callable[[tuple[Any, ...], list[str | None]], Any]


def _text_at(place: int) -> Pick:
    return lambda _, given: given[place]


def _value_at(place: int, convert: Callable[[int], int]) -> Pick:
    return lambda values, _: convert(values[place])


def picks(watch: Watch) -> tuple[Pick, ...]:
    """One function a parameter: from the record's values and its texts to the parameter's value."""
    declared = event_type(watch.name)
    params = () if declared is None else declared.params
    found: list[Pick] = []
    texts = 0
    for param, word in zip(params, watch.order, strict=True):
        if word == "r":
            found.append(_value_at(_RESULT, int))
        elif param.type in _TEXTS:
            found.append(_text_at(texts))
            texts += 1
        else:
            found.append(_value_at(_ARGS + int(word), number(param)))
    return tuple(found)


def _given(buffer: Buffer, at: int, values: tuple[Any, ...]) -> list[str | None]:
    """Both texts; None for a null pointer."""
    marks, first, second = values[7], values[17], values[18]
    start = at + _SIZE
    return [
        None if marks & _NULL else text(buffer, start, start + first),
        None if marks & _NULL2 else text(buffer, start + first, start + first + second),
    ]


def call(watch: Watch) -> Decode:
    """The decoder of one of these calls."""
    name, pick = watch.name, picks(watch)

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        given = _given(buffer, at, values)
        args = tuple(one(values, given) for one in pick)
        return SyscallEvent("syscall", name, values[0] + offset, 0, values[4], values[3], values[6], args)

    return decode


def cwd(watch: Watch) -> Decode:
    """chdir, fchdir, chroot: where the process stands afterwards is a fact of the kernel."""
    name, pick = watch.name, picks(watch)
    by_fd = name == "fchdir"

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        given = _given(buffer, at, values)
        args = tuple(one(values, given) for one in pick)
        start = at + _SIZE + values[17] + values[18]
        where = text(buffer, start, start + values[19])
        done = values[2] == 0
        fd = args[1] if by_fd else None
        file = File("directory", where, realpath=where) if by_fd and done else None
        facts = Cwd(where) if done and where else None
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[4], values[3], values[6], args, None, fd, file, facts
        )

    return decode
