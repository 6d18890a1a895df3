"""Decoders of struct call: numbers and paths; chdir, fchdir and chroot."""

from typing import Any, Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.texts import CallTexts, path_positions, text_readers
from mozu.core.model.event import File, SyscallEvent
from mozu.core.state.observed import Bases, Cwd, Identity
from mozu.plugins.sources.ebpf.decode.reading import CALL, MARKS, Decode, reader, text

_unpack, _SIZE = reader("call", CALL)
_RESULT, _MARKS, _ARGS, _TEXT, _BASE, _BASE_MARKS, _DATA = 8, 6, 9, 17, 20, 22, 24
"""Indices among the values."""
_NULLS: Final = (MARKS["NULL"], MARKS["NULL2"], MARKS["NULL3"])
_LOST: Final = MARKS["CUT"] | MARKS["PSEUDO"]
"""Marks of a directory whose beginning is missing."""


def _texts(record: bytes, values: tuple[Any, ...]) -> CallTexts:
    marks, place = values[_MARKS], _SIZE
    texts: list[str | None] = []
    for length, null in zip(values[_TEXT:_BASE], _NULLS, strict=True):
        texts.append(None if marks & null else text(record, place, place + length))
        place += length
    bases: list[str | None] = []
    for length, lost in zip(values[_BASE:_BASE_MARKS], values[_BASE_MARKS:_DATA], strict=True):
        bases.append(text(record, place, place + length) if length and not lost & _LOST else None)
        place += length
    data = record[place : place + values[_DATA]]
    return CallTexts((texts[0], texts[1], texts[2]), (bases[0], bases[1]), data)


def call(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of this struct."""
    name, readers, paths = spec.name, text_readers(spec, result_at=_RESULT, args_at=_ARGS), path_positions(spec)

    def decode(record: bytes, offset: int) -> SyscallEvent:
        values = _unpack(record)
        texts = _texts(record, values)
        args = tuple(one(values, texts) for one in readers)
        observed = Bases(tuple(texts.bases[place] for place in paths)) if paths else None
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[3], values[2], values[4], args, None, None, None, observed,
            values[0],
        )  # fmt: skip

    return decode


def cwd(spec: SyscallSpec) -> Decode:
    """Return the decoder of chdir, fchdir or chroot; the new working directory is the kernel's (fs_struct)."""
    name, readers = spec.name, text_readers(spec, result_at=_RESULT, args_at=_ARGS)
    by_fd = name == "fchdir"

    def decode(record: bytes, offset: int) -> SyscallEvent:
        values = _unpack(record)
        texts = _texts(record, values)
        args = tuple(one(values, texts) for one in readers)
        where = texts.bases[0] or ""
        done = values[_RESULT] == 0
        fd = args[1] if by_fd else None
        file = File("directory", where, realpath=where) if by_fd and done else None
        observed = Cwd(where) if done and where else None
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[3], values[2], values[4], args, None, fd, file, observed,
            values[0],
        )  # fmt: skip

    return decode


def identity(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of the setuid family; the new ids are the kernel's (struct cred)."""
    name, readers = spec.name, text_readers(spec, result_at=_RESULT, args_at=_ARGS)

    def decode(record: bytes, offset: int) -> SyscallEvent:
        values = _unpack(record)
        texts = _texts(record, values)
        args = tuple(one(values, texts) for one in readers)
        first, second, third, permitted, effective = values[_ARGS + 3 : _TEXT]
        (uid, ruid), (rgid, suid), (sgid, gid) = (divmod(pair, 1 << 32) for pair in (first, second, third))
        observed = Identity(ruid, uid, suid, rgid, gid, sgid, permitted, effective)
        return SyscallEvent(
            "syscall", name, values[0] + offset, 0, values[3], values[2], values[4], args, None, None, None, observed,
            values[0],
        )  # fmt: skip

    return decode
