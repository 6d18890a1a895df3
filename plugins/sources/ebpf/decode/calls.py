"""Decoders of struct call: numbers, paths, texts and memory; chdir, fchdir and chroot. And the decoder of struct open:
open, openat, openat2, creat, the most frequent record, in which a tenth of a microsecond counts.
"""

from typing import Any, Final

from mozu.core.abi.integers import encode_dev
from mozu.core.abi.memory import param_readers
from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.texts import CallTexts, path_positions, text_readers
from mozu.core.caches import cached
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import convert_flags, convert_open_flags, creat_flags, open_mode
from mozu.core.state.observed import Bases, Cwd, Identity, Opened
from mozu.core.state.paths import directory, join
from mozu.plugins.sources.ebpf.decode.reading import (
    CALL,
    FILE,
    HEAD,
    MARKS,
    Decode,
    path,
    reader,
    text,
)

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


_unpack_open, _OPEN_SIZE = reader("open", HEAD + FILE + "flags resolve mode dirfd user base real base_marks")
_DIRECTORY: Final = 0o200000
_CREATED, _UPPER, _OVERLAY, _NULL, _CUT = (MARKS[name] for name in ("CREATED", "UPPER", "OVERLAY", "NULL", "CUT"))
_LAYERS: Final = _UPPER | _OVERLAY
_FLAGS: Final = _CREATED | _LAYERS
_BASE_LOST: Final = _CUT | MARKS["PSEUDO"]
"""Marks of a base whose beginning is missing."""
_NAMED: Final = Opened(named=True)


@cached(1024)
def _shape(native: int, mode: int, marks: int, device: int) -> tuple[int, int, int, bool, bool, str]:
    """Return values that many opens share: flags, mode and device as parameters, layers of an overlay, kind of file."""
    upper, lower = marks & _UPPER != 0, marks & _LAYERS == _OVERLAY
    flags = convert_open_flags(native, created=marks & _CREATED != 0, upper=upper, lower=lower)
    kind = "directory" if native & _DIRECTORY else "file"
    return flags, open_mode(native, mode), encode_dev(device) if device else 0, upper, lower, kind


def opened(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of this struct."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        (
            time, _, pid, tid, cpu, _, marks, _, result, ino, dev, _, _, _, native, resolve, mode, dirfd, n, m, k, lost,
        ) = _unpack_open(record)  # fmt: skip
        middle = _OPEN_SIZE + n
        end = middle + m
        raw = record[_OPEN_SIZE:middle]
        user = raw.decode("utf-8", "surrogateescape")
        flags, mode, device, upper, lower, kind = _shape(native, mode, marks & _FLAGS, dev)
        given: str | None = user
        if marks & _NULL:
            # Successful all the same: a request of io_uring that was not remembered, of which only the file is known.
            given = path(record, end, end + k, marks) if k else None
            user = given or ""
        args: tuple[Any, ...]
        if name == "openat":
            args = (result, dirfd, given, flags, mode, device, ino)
        elif name == "open":
            args = (result, given, flags, mode, device, ino)
        elif name == "openat2":
            args = (result, dirfd, given, flags, mode, convert_flags("openat2_flags", resolve), device, ino)
        else:
            args = (result, given, mode, device, ino, creat_flags(upper=upper, lower=lower))
        observed, full = _NAMED, user
        if user[:1] != "/":
            base = text(record, middle, end) if m and not lost & _BASE_LOST else None
            full = user if base is None else join(directory(base), user)
            observed = Opened(base, named=base is not None and given is not None)
        elif "//" in user or "/." in user or user[-1:] == "/":
            full = join("/", user)
        if result < 0:
            file = File("", full, user)
            return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, None, -1, file, observed, time)
        real = None
        if k:
            real = user if record[end : end + k] == raw and not marks & _CUT else path(record, end, end + k, marks)
        changed = observed.named
        file = File(kind, full, user, real, flags, dev, ino, upper, lower, None, "", None, "", False, changed)
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, None, result, file, observed, time)

    return decode


def memory(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of this struct."""
    name, readers = spec.name, param_readers(spec)

    def decode(record: bytes, offset: int) -> SyscallEvent:
        values = _unpack(record)
        blocks = []
        place = _SIZE
        for length in values[_TEXT:_BASE]:
            blocks.append(record[place : place + length])
            place += length
        registers, result = values[_ARGS:_TEXT], values[_RESULT]
        args = tuple(one(registers, result, blocks) for one in readers)
        time, tid, pid, cpu = values[0], values[3], values[2], values[4]
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, boot_time=time)

    return decode
