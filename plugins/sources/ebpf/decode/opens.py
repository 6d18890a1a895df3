"""struct open: open, openat, openat2, creat. The most frequent record of all: every tenth of a microsecond counts."""

from typing import Any, Final

from mozu.core.abi.integers import encode_dev
from mozu.core.abi.spec import SyscallSpec
from mozu.core.caches import cached
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import convert_flags, convert_open_flags, creat_flags, open_mode
from mozu.core.state.observed import Opened
from mozu.core.state.paths import join
from mozu.plugins.sources.ebpf.decode.reading import (
    FILE,
    HEAD,
    MARKS,
    Buffer,
    Decode,
    path,
    reader,
    text,
)

_unpack, _SIZE = reader("open", HEAD + FILE + "flags resolve mode dirfd user base real base_marks")
_DIRECTORY: Final = 0o200000
_CREATED, _UPPER, _OVERLAY, _NULL, _CUT = (MARKS[name] for name in ("CREATED", "UPPER", "OVERLAY", "NULL", "CUT"))
_LAYERS: Final = _UPPER | _OVERLAY
_FLAGS: Final = _CREATED | _LAYERS
_LOST: Final = _CUT | MARKS["PSEUDO"]
"""Marks of a base whose beginning is missing."""


@cached(1024)
def _flags(native: int, marks: int) -> int:
    upper = marks & _UPPER != 0
    lower = marks & _LAYERS == _OVERLAY
    return convert_open_flags(native, created=marks & _CREATED != 0, upper=upper, lower=lower)


def opened(spec: SyscallSpec) -> Decode:
    """The decoder of one of these calls."""
    name = spec.name

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        (
            time, _, pid, tid, cpu, _, marks, _, result, ino, dev, _, _, _, native, resolve, mode, dirfd, n, m, k, lost,
        ) = _unpack(buffer, at)  # fmt: skip
        start = at + _SIZE
        middle = start + n
        end = middle + m
        raw = buffer[start:middle]
        user = raw.decode("utf-8", "surrogateescape")
        base = text(buffer, middle, end) if m and not lost & _LOST else None
        real = None
        if k:
            real = user if buffer[end : end + k] == raw and not marks & _CUT else path(buffer, end, end + k, marks)
        flags = _flags(native, marks & _FLAGS)
        device = encode_dev(dev) if dev else 0
        given = None if marks & _NULL else user
        upper, lower = marks & _UPPER != 0, marks & _LAYERS == _OVERLAY
        args: tuple[Any, ...]
        if name == "openat":
            args = (result, dirfd, given, flags, open_mode(native, mode), device, ino)
        elif name == "open":
            args = (result, given, flags, open_mode(native, mode), device, ino)
        elif name == "openat2":
            resolved = convert_flags("openat2_flags", resolve)
            args = (result, dirfd, given, flags, open_mode(native, mode), resolved, device, ino)
        else:
            args = (result, given, open_mode(native, mode), device, ino, creat_flags(upper=upper, lower=lower))
        kind = "" if result < 0 else "directory" if native & _DIRECTORY else "file"
        full = user if base is None and user[:1] != "/" else join(base + "/" if base else "/", user)
        file = File(kind, full, user, real, flags, dev, ino, upper, lower)
        return SyscallEvent(
            "syscall", name, time + offset, 0, tid, pid, cpu, args, None, result if result >= 0 else -1, file,
            Opened(base, real),
        )  # fmt: skip

    return decode
