"""struct open: open, openat, openat2, creat."""

from typing import Any, Final

from mozu.core.event import File, SyscallEvent
from mozu.core.state.facts import Opened
from mozu.core.state.paths import join
from mozu.core.syscalls import convert_flags, convert_open_flags, creat_flags, open_mode
from mozu.plugins.sources.ebpf.calls import Watch
from mozu.plugins.sources.ebpf.decode.reading import (
    FILE,
    HEAD,
    MARKS,
    Buffer,
    Decode,
    encoded_device,
    path,
    reader,
    text,
)

_unpack, _SIZE = reader("open", HEAD + FILE + "flags resolve mode dirfd user base real base_marks")
_DIRECTORY: Final = 0o200000
_CREATED, _UPPER, _OVERLAY, _NULL = (MARKS[name] for name in ("CREATED", "UPPER", "OVERLAY", "NULL"))
_LOST: Final = MARKS["CUT"] | MARKS["PSEUDO"]
"""Marks of a base whose beginning is missing."""


def opened(watch: Watch) -> Decode:
    """The decoder of one of these calls."""
    name = watch.name

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        (
            time, _, result, pid, tid, _, cpu, marks, _, ino, dev, _, _, _, native, resolve, mode, dirfd, n, m, k, lost,
        ) = _unpack(buffer, at)  # fmt: skip
        start = at + _SIZE
        user = text(buffer, start, start + n)
        start += n
        base = text(buffer, start, start + m) if m and not lost & _LOST else None
        start += m
        real = path(buffer, start, start + k, marks) if k else None
        upper, layered = bool(marks & _UPPER), bool(marks & _OVERLAY)
        flags = convert_open_flags(native, created=bool(marks & _CREATED), upper=upper, lower=layered and not upper)
        device = encoded_device(dev)
        given = None if marks & _NULL else user
        args: tuple[Any, ...]
        if name == "openat":
            args = (result, dirfd, given, flags, open_mode(native, mode), device, ino)
        elif name == "open":
            args = (result, given, flags, open_mode(native, mode), device, ino)
        elif name == "openat2":
            resolved = convert_flags("openat2_flags", resolve)
            args = (result, dirfd, given, flags, open_mode(native, mode), resolved, device, ino)
        else:
            layer = creat_flags(upper=upper, lower=layered and not upper)
            args = (result, given, open_mode(native, mode), device, ino, layer)
        kind = "" if result < 0 else "directory" if native & _DIRECTORY else "file"
        full = user if base is None and user[:1] != "/" else join(base + "/" if base else "/", user)
        file = File(kind, full, user, real, flags, dev, ino, upper, layered and not upper)
        event_time, fd = time + offset, result if result >= 0 else -1
        facts = Opened(base, real)
        return SyscallEvent("syscall", name, event_time, 0, tid, pid, cpu, args, None, fd, file, facts)

    return decode
