"""Tables of a `.scap` recording about the time before its first event: processes, descriptors, interfaces.

Entries become the internal events that seed the state machine. Lists of version 9 (processes) and 2 (the others) give
the length of each entry, so what a newer writer appended is passed over.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from mozu.core.model.event import Address, File, SockTuple
from mozu.core.state.observed import KnownFile, KnownProcess
from mozu.plugins.sources.replay.cursor import Cursor, RecordTruncated

_NAME: Final = 1024
_LIST: Final = 4096
_NUMBERED: Final = 9
"""The version of process lists since which each entry gives its length."""

_MEMORY: Final = struct.Struct("<IIIQQ")
_IDS: Final = struct.Struct("<QQQ")
_OLD_TAIL: Final = 29
"""An entry with at most this many bytes behind its root is from a writer that did not yet insert two fields there."""

_TID_LIMIT: Final = 1 << 31
_NO_LOGINUID: Final = 0xFFFFFFFF
_DELETED: Final = " (deleted)"


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


class ProcessEntry(dict[str, Any]):
    """The fields of one process under construction."""


def processes(body: bytes, version: int) -> Iterator[tuple[int, int, KnownProcess]]:
    """(tid, pid, process) of each entry. Raises RecordTruncated at the first entry that cannot be right."""
    cursor = Cursor(body)
    while cursor.left >= 4:
        entry = cursor
        if version >= _NUMBERED:
            length = cursor.number("I")
            entry = cursor.entry(length - 4, _IDS.size)
        tid, pid, ptid = map(_signed, entry.numbers(_IDS))
        known = _process(entry, version, ptid)
        if -1 <= tid < _TID_LIMIT and -1 <= pid < _TID_LIMIT:
            if tid != pid:
                known["env"] = None
            yield tid, pid, KnownProcess(**known)


def _process(entry: Cursor, version: int, ptid: int) -> ProcessEntry:
    known = ProcessEntry(ptid=ptid)
    if version >= 6:
        known["sid"] = _signed(entry.number("Q"))
    if version >= 8:
        known["vpgid"] = _signed(entry.number("Q"))
    known["name"] = entry.text(_NAME)
    known["exe"] = entry.text(_NAME)
    if version >= 7:
        known["exepath"] = entry.text(_NAME).removesuffix(_DELETED)
    known["args"] = entry.texts(_LIST)
    known["cwd"] = entry.text(_NAME)
    known["fdlimit"] = entry.number("q")
    known["flags"] = entry.number("I")
    known["uid"], known["gid"] = entry.number("I"), entry.number("I")
    if version >= 2:
        memory = entry.numbers(_MEMORY)
        known.update(zip(("vm_size", "vm_rss", "vm_swap", "pfmajor", "pfminor"), memory, strict=True))
    known["env"] = entry.texts(_LIST) if version >= 3 else None
    if version >= 4:
        known["vtid"], known["vpid"] = entry.number("q"), entry.number("q")
        known["cgroups"] = _cgroups(entry.texts(_LIST))
    if version >= 5:
        known["root"] = entry.text(_NAME)
    if version >= _NUMBERED:
        _appended(entry, known)
    return known


def _cgroups(items: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = (item.partition("=") for item in items)
    return tuple((subsystem, path) for subsystem, _, path in pairs)


def _loginuid(known: ProcessEntry, value: int) -> None:
    known["loginuid"] = -1 if value == _NO_LOGINUID else value


def _flag(bit: int) -> Callable[[ProcessEntry, int], None]:
    def put(known: ProcessEntry, value: int) -> None:
        if value:
            known["exe_flags"] = known.get("exe_flags", 0) | bit

    return put


def _plain(name: str) -> Callable[[ProcessEntry, int], None]:
    def put(known: ProcessEntry, value: int) -> None:
        known[name] = value

    return put


_INSERTED: Final = (("Q", _plain("pidns_start")), ("I", _plain("tty")))
_APPENDED: Final = (
    ("I", _loginuid),
    ("B", _flag(1)),
    ("Q", _plain("cap_inheritable")),
    ("Q", _plain("cap_permitted")),
    ("Q", _plain("cap_effective")),
    ("B", _flag(2)),
    ("Q", _plain("exe_ino")),
    ("Q", _plain("exe_ctime")),
    ("Q", _plain("exe_mtime")),
    ("B", _flag(4)),
    ("B", _flag(8)),
    ("q", _plain("pgid")),
)
"""The fields that writers appended over the years, in this order; flags are bits of the table `execve_flags`."""


def _appended(entry: Cursor, known: ProcessEntry) -> None:
    fields = _APPENDED if entry.left <= _OLD_TAIL else _INSERTED + _APPENDED
    for code, put in fields:
        if entry.left < struct.calcsize("<" + code):
            return
        put(known, entry.number(code))


# --- descriptors -----------------------------------------------------------------------------------------------------

_PATHS: Final = {
    1: "file", 2: "directory", 7: "pipe", 9: "event", 10: "unknown", 11: "signalfd", 12: "eventpoll", 13: "inotify",
    14: "timerfd", 15: "netlink", 16: "file", 17: "bpf", 18: "userfaultfd", 19: "io_uring", 20: "memfd", 21: "pidfd",
}  # fmt: skip
"""Descriptor types that hold a name only → kind (`File.kind`)."""
_V4, _V6, _LISTEN4, _LISTEN6, _UNIX, _FILE = 3, 4, 5, 6, 8, 16
_L4: Final = {2: "tcp", 3: "udp", 4: "icmp", 5: "raw"}
_PAIR4, _PAIR6 = struct.Struct("<4s4sHHB"), struct.Struct("<16s16sHHB")
_OWN4, _OWN6 = struct.Struct("<4sHB"), struct.Struct("<16sHB")
_POINTERS: Final = struct.Struct("<QQ")
_ENTRY: Final = struct.Struct("<qQB")


def descriptors(body: bytes, version: int) -> tuple[int, list[KnownFile]]:
    """The owner's tid and its descriptors. Raises RecordTruncated at the first entry that cannot be right."""
    cursor = Cursor(body)
    tid = _signed(cursor.number("Q"))
    found = []
    while cursor.left >= 4:
        entry = cursor
        if version > 1:
            entry = cursor.entry(cursor.number("I") - 4, _ENTRY.size)
        fd, ino, kind = entry.numbers(_ENTRY)
        if version == 1 and kind != _UNIX and not _V4 <= kind <= _LISTEN6 and kind not in _PATHS:
            raise RecordTruncated(f"a descriptor of the unknown type {kind}, whose length is unknown")
        found.append(KnownFile(fd, _file(entry, kind, ino, version)))
    return tid, found


def _file(entry: Cursor, kind: int, ino: int, version: int) -> File:
    if kind in (_V4, _V6):
        return _connected(entry, kind == _V6, ino)
    if kind in (_LISTEN4, _LISTEN6):
        return _listening(entry, kind == _LISTEN6, ino)
    if kind == _UNIX:
        source, dest = entry.numbers(_POINTERS)
        path = entry.text(_NAME - 1)
        return File("unix", name=path, ino=ino, sock=SockTuple(1, path=path, source_pointer=source, dest_pointer=dest))
    if kind not in _PATHS:
        return File("unknown", ino=ino)
    flags = entry.number("I") if kind == _FILE else 0
    name = entry.text(_NAME - 1)
    dev = entry.number("I") if kind == _FILE and version > 1 and entry.left >= 4 else 0
    return File(_PATHS[kind], name=name, raw=name, flags=flags, dev=device(dev), ino=ino)


def device(recorded: int) -> int:
    """The kernel's own device number from the one it gives to user space."""
    major = (recorded & 0xFFF00) >> 8
    minor = (recorded & 0xFF) | (recorded >> 12 & 0xFFF00)
    return major << 20 | minor


def _connected(entry: Cursor, wide: bool, ino: int) -> File:
    source, dest, sport, dport, l4 = entry.numbers(_PAIR6 if wide else _PAIR4)
    sock = SockTuple(10 if wide else 2, source, sport, dest, dport)
    return File("ipv6" if wide else "ipv4", ino=ino, sock=sock, l4proto=_L4.get(l4, "<NA>"), connected=l4 == 2)


def _listening(entry: Cursor, wide: bool, ino: int) -> File:
    own, port, l4 = entry.numbers(_OWN6 if wide else _OWN4)
    sock = SockTuple(10 if wide else 2, dest=own, dport=port)
    return File("ipv6" if wide else "ipv4", ino=ino, sock=sock, l4proto=_L4.get(l4, "<NA>"), role="listening")


# --- interfaces ------------------------------------------------------------------------------------------------------

_WIDTHS: Final = {1: (4, True), 2: (16, True), 3: (4, False), 4: (16, False)}


def interfaces(body: bytes, version: int) -> tuple[Address, ...]:
    """The addresses of the recorded machine. Raises RecordTruncated at the first entry that cannot be right."""
    cursor = Cursor(body)
    found = []
    while cursor.left >= 4:
        entry = cursor.entry(cursor.number("I"), 4) if version > 1 else cursor
        kind, name_length = entry.number("H"), entry.number("H")
        if kind not in _WIDTHS:
            if version > 1:
                continue
            raise RecordTruncated(f"an interface of the unknown type {kind}, whose length is unknown")
        width, speed = _WIDTHS[kind]
        own = entry.raw(width)
        entry.skip(2 * width + 8 * speed + name_length)
        found.append(own)
    return tuple(found)
