"""Decoder of struct open: open, openat, openat2, creat. The most frequent record, in which a tenth of a microsecond
counts."""

from typing import Any, Final

from mozu.core.abi.integers import encode_dev
from mozu.core.abi.spec import SyscallSpec
from mozu.core.caches import cached
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import convert_flags, convert_open_flags, creat_flags, open_mode
from mozu.core.state.observed import Opened
from mozu.core.state.paths import directory, join
from mozu.plugins.sources.ebpf.decode.reading import (
    FILE,
    HEAD,
    MARKS,
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
        ) = _unpack(record)  # fmt: skip
        middle = _SIZE + n
        end = middle + m
        raw = record[_SIZE:middle]
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
            base = text(record, middle, end) if m and not lost & _LOST else None
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
