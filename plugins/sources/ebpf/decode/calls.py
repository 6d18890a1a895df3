"""struct call: numbers and paths; chdir, fchdir and chroot."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.state.observed import Bases, Cwd, Identity
from mozu.plugins.sources.ebpf.calls import SyscallSpec
from mozu.plugins.sources.ebpf.decode.memory import Handed, handed
from mozu.plugins.sources.ebpf.decode.reading import (
    CALL,
    MARKS,
    Buffer,
    Decode,
    number,
    reader,
    text,
)

_unpack, _SIZE = reader("call", CALL)
_RESULT, _MARKS, _ARGS, _TEXT, _BASE, _BASE_MARKS, _DATA = 2, 7, 9, 17, 20, 22, 24
"""Positions among the values."""
_NULLS: Final = (MARKS["NULL"], MARKS["NULL2"], MARKS["NULL3"])
_LOST: Final = MARKS["CUT"] | MARKS["PSEUDO"]
"""Marks of a directory whose beginning is missing."""
_PATHS: Final = frozenset({"fspath", "fsrelpath"})
_TEXTS: Final = frozenset({"fspath", "fsrelpath", "string"})

class Given(NamedTuple):
    """The texts of a record."""

    texts: tuple[str | None, str | None, str | None]
    """None for a null pointer."""
    bases: tuple[str | None, str | None]
    """Directories that the first and the second start from; None for absolute paths and where it is not known."""
    data: bytes


Pick = Callable[[tuple[Any, ...], Given], Any]


def _text_at(place: int) -> Pick:
    return lambda _, given: given.texts[place]


def _value_at(place: int, convert: Callable[[int], int]) -> Pick:
    return lambda values, _: convert(values[place])


def _shared(value: Handed) -> Pick:
    return lambda values, _: value(values[_ARGS:_TEXT], values[_RESULT], ())


def picks(watch: SyscallSpec) -> tuple[Pick, ...]:
    """One function a parameter: from the record's values and its texts to the parameter's value."""
    declared = event_type(watch.name)
    params = () if declared is None else declared.params
    found: list[Pick] = []
    texts = 0
    for param, word in zip(params, watch.order, strict=True):
        if word == "r":
            found.append(_value_at(_RESULT, int))
        elif word == "d0":
            found.append(lambda _, given: given.data)
        elif (shared := handed(watch, param, word)) is not None:
            found.append(_shared(shared))
        elif param.type in _TEXTS:
            found.append(_text_at(texts))
            texts += 1
        else:
            found.append(_value_at(_ARGS + int(word), number(param)))
    return tuple(found)


def _paths(watch: SyscallSpec) -> tuple[int, ...]:
    """Which of the first two texts are paths."""
    declared = event_type(watch.name)
    params = () if declared is None else declared.params
    texts = [param for param, word in zip(params, watch.order, strict=True) if param.type in _TEXTS and word.isdigit()]
    return tuple(place for place, param in enumerate(texts[:2]) if param.type in _PATHS)


def _given(buffer: Buffer, at: int, values: tuple[Any, ...]) -> Given:
    marks, place = values[_MARKS], at + _SIZE
    texts: list[str | None] = []
    for length, null in zip(values[_TEXT:_BASE], _NULLS, strict=True):
        texts.append(None if marks & null else text(buffer, place, place + length))
        place += length
    bases: list[str | None] = []
    for length, lost in zip(values[_BASE:_BASE_MARKS], values[_BASE_MARKS:_DATA], strict=True):
        bases.append(text(buffer, place, place + length) if length and not lost & _LOST else None)
        place += length
    data = buffer[place : place + values[_DATA]]
    return Given((texts[0], texts[1], texts[2]), (bases[0], bases[1]), data)


def call(watch: SyscallSpec) -> Decode:
    """The decoder of one of these calls."""
    name, pick, paths = watch.name, picks(watch), _paths(watch)

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        given = _given(buffer, at, values)
        args = tuple(one(values, given) for one in pick)
        observed = Bases(tuple(given.bases[place] for place in paths)) if paths else None
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[4], values[3], values[6], args, None, None, None, observed
        )

    return decode


def cwd(watch: SyscallSpec) -> Decode:
    """chdir, fchdir, chroot: where the process stands afterwards is a fact of the kernel."""
    name, pick = watch.name, picks(watch)
    by_fd = name == "fchdir"

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        given = _given(buffer, at, values)
        args = tuple(one(values, given) for one in pick)
        where = given.bases[0] or ""
        done = values[2] == 0
        fd = args[1] if by_fd else None
        file = File("directory", where, realpath=where) if by_fd and done else None
        observed = Cwd(where) if done and where else None
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[4], values[3], values[6], args, None, fd, file, observed
        )

    return decode


def identity(watch: SyscallSpec) -> Decode:
    """The setuid family: who the caller is afterwards is a fact of the kernel."""
    name, pick = watch.name, picks(watch)

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        given = _given(buffer, at, values)
        args = tuple(one(values, given) for one in pick)
        first, second, third, permitted, effective = values[_ARGS + 3 : _TEXT]
        (uid, ruid), (rgid, suid), (sgid, gid) = (divmod(pair, 1 << 32) for pair in (first, second, third))
        observed = Identity(ruid, uid, suid, rgid, gid, sgid, permitted, effective)
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[4], values[3], values[6], args, None, None, None, observed
        )

    return decode
