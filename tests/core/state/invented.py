"""Invented histories: events drawn at random, with so few numbers and names that they meet each other.

A history is a stream as a source would deliver it, the same one for the same seed; its effect on the state is kept
(`tests/data/states/`). `recorded` histories have the shape of a capture; `live` ones add what the kernel would report
besides the parameters, and the answers of /proc.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.syscalls import event_type, event_types, flag_table
from mozu.core.model.syscalls.declare import EventType, Param
from mozu.core.state import CHANGING
from mozu.core.state.observed import (
    Bases,
    Cwd,
    Descriptor,
    Entered,
    Executed,
    Forked,
    Identity,
    KnownFile,
    KnownProcess,
    Moved,
    Opened,
    ProcSnapshot,
    Restored,
    Seeded,
)

EVENTS: Final = 120
"""Number of events in one history, without internal ones."""
_SECOND: Final = 1_000_000_000
_EPOCH: Final = 1_767_225_600 * _SECOND
_UNSET: Final = 0xFFFFFFFF

_PROCESS_OF: Final = {1: 1, 10: 10, 11: 10, 12: 10, 20: 20, 21: 20, 30: 30, 40: 40, 50: 50}
"""Thread id → process id; events deviate at times."""
_TIDS: Final = tuple(_PROCESS_OF)
_MAIN: Final = tuple(tid for tid, pid in _PROCESS_OF.items() if tid == pid)
_DOCKER: Final = f"/system.slice/docker-{'ab' * 32}.scope"
_POD: Final = f"/kubepods/burstable/pod{'1' * 32}/{'cd' * 32}"
_GROUPS: Final = ("/", "/user.slice/session-1.scope", _DOCKER, _POD, "/lxc.payload.box/init")
_PATHS: Final = ("/etc/passwd", "/usr/bin/cat", "sub/file", "../up", ".", "", "/a/./b/../c", "gone (deleted)", None)
_V4: Final = (b"\0\0\0\0", b"\x7f\0\0\1", b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x08\x08\x08\x08")
_V6: Final = (b"\0" * 16, b"\0" * 15 + b"\1", b"\0" * 10 + b"\xff\xff\x0a\0\0\2", b"\x20\1" + b"\0" * 13 + b"\7")
_PORTS: Final = (0, 22, 53, 443, 40000)
_NAMES: Final[Mapping[str, tuple[Any, ...]]] = {
    **dict.fromkeys(("fd", "oldfd", "newfd", "fd1", "fd2", "fd_in", "fd_out", "first", "out_fd", "in_fd"), (
        0, 1, 2, 3, 3, 4, 5, 6, 7, 9, -1, None)),
    "dirfd": (-100, -100, 3, 4, 9, None), "mountfd": (3, 4, None), "last": (4, 6, _UNSET, None),
    **dict.fromkeys(("pid_fd", "target_fd"), (3, 4, 5, 9)),
    **dict.fromkeys(("pid", "vpid", "tid", "vtid", "ptid", "next", "peer"), (*_TIDS, *_MAIN, 2, 0, -1, None)),
    **dict.fromkeys(("pgid", "vpgid"), (*_MAIN, 0, 2, None)),
    "reaper_tid": (0, 0, 1, 10, 20, None), "sid": (*_MAIN, -1),
    **dict.fromkeys(("uid", "ruid", "euid", "suid", "gid", "rgid", "egid", "sgid", "loginuid"), (
        0, 0, 1000, 1001, _UNSET, -1, None)),
    **dict.fromkeys(("exe", "comm", "arg2_str"), ("sh", "cat", "a.out", "", None)),
    "cwd": ("/", "/home/mira", "/var/", "rel", "", None), "root": ("/", "/jail", ""),
    "args": (b"", b"-c\0run\0", b"x", None), "env": (b"HOME=/root\0A=1\0", b"", None),
    "cgroups": (*(f"cpu={path}\0memory={path}\0".encode() for path in _GROUPS), b"", None),
    "trusted_exepath": ("/usr/bin/cat", "/tmp/x (deleted)", "", None),
    **dict.fromkeys(("exe_ino_ctime", "exe_ino_mtime"), (0, _EPOCH - 9, _EPOCH + _SECOND, None)),
    "pidns_init_start_ts": (0, 5, _SECOND, None), "nstype": (0, 0x20, 0x100000, 0x100000, 0x10, None),
    "domain": (2, 2, 10, 1, 16, 17, None), "type": (1, 1, 2, 2, 3, 1 | 0o2000000, None),
    "proto": (0, 0, 6, 17, 1, 255, 99, None), "resource": (7, 7, 7, 3, None),
    **dict.fromkeys(("cur", "max", "newcur", "newmax", "oldcur", "oldmax", "fdlimit"), (-1, 0, 1024, 4096, None)),
    **dict.fromkeys(("vm_size", "vm_rss", "vm_swap"), (0, 1, 80, 300, None)),
    **dict.fromkeys(("pgft_maj", "pgft_min"), (0, 2, 70, None)),
    **dict.fromkeys(("dev", "ino"), (0, 1, 4711, 0x801, 0x12345678, None)),
    **dict.fromkeys(("cap_inheritable", "cap_permitted", "cap_effective"), (0, 1, (1 << 41) - 1, None)),
    "arg2_int": (0, 1, None), "data": (b"text", b"", None),
}  # fmt: skip
"""Values by the name of a parameter."""
_ERRORS: Final = (-1, -2, -9, -115, None)
_CLONES: Final = ("clone", "clone3", "fork", "vfork")
_TYPES: Final = tuple(sorted(set(CHANGING) & set(event_types())))
_OFTEN: Final = (*_CLONES, "execve", "execve", "procexit", "openat", "open", "connect", "accept4", "close", "dup2")
_USING: Final = ("read", "write", "fstat", "lseek", "sendfile", "splice", "mkdirat", "unlinkat", "renameat2", "getpid")


class History:
    """A stream of events. `live`: as a live source delivers it; else as in a capture."""

    def __init__(self, seed: int, *, live: bool) -> None:
        self.name = f"{'live' if live else 'recorded'}-{seed}"
        self._live, self._chance = live, random.Random(f"{live}/{seed}")
        self._time = _EPOCH

    def events(self) -> Iterator[SyscallEvent]:
        """Yield the events from the beginning."""
        yield from self._beginning()
        for _ in range(EVENTS):
            self._time += self._chance.choice((0, 1000, _SECOND // 10, _SECOND, 3 * _SECOND))
            if self._chance.random() < 0.15:
                yield self._internal()
            kinds = self._chance.choice((_TYPES, _OFTEN, _USING))
            yield self._call(self._chance.choice(kinds))

    def _beginning(self) -> Iterator[SyscallEvent]:
        if self._live:
            yield _internal("_state", Restored(live=True, number=self._chance.randrange(9), boot_time=_EPOCH - _SECOND))
        for tid in self._chance.sample(_TIDS, 6):
            yield _internal("_process", self._known(), tid, self._process_of(tid))
            for _ in range(4):
                yield _internal("_file", KnownFile(self._fd(), self._file()), tid)
        if not self._live:
            own = self._chance.choice(((), _V4[1:3]))
            yield _internal("_seeded", Seeded(own, (b"\xff\0\0\0", b"\xff\xff\xff\0")[: len(own)], _EPOCH - _SECOND))

    # --- calls ---

    def _call(self, kind: str) -> SyscallEvent:
        declared = event_type(kind)
        assert declared is not None
        chance, tid = self._chance, self._chance.choice(_TIDS)
        args = [self._value(declared, param) for param in declared.params]
        if args and declared.params[0].name == "res":
            args[0] = self._result(kind)
        elif args and "creates_fd" in declared.traits:
            args[0] = self._fd() if chance.random() < 0.8 else chance.choice(_ERRORS)
        event = SyscallEvent(
            "syscall", kind, self._time, tid=tid, pid=self._process_of(tid) if self._live else 0, args=tuple(args)
        )
        if self._live:
            self._observe(event, declared)
        return event

    def _result(self, kind: str) -> int | None:
        if kind in _CLONES:
            return self._chance.choice((0, 0, 0, *_TIDS, -11, None))
        if self._chance.random() < 0.2:
            return self._chance.choice(_ERRORS)
        declared = event_type(kind)
        made = declared is not None and "creates_fd" in declared.traits
        return self._fd() if made or kind in ("fcntl", "dup", "dup2", "dup3") else self._chance.choice((0, 0, 0, 5))

    def _value(self, kind: EventType, param: Param) -> Any:
        chance = self._chance
        if param.table:
            entries = [number for _, number in flag_table(param.table)] or [0]
            if param.type.startswith("enum"):
                return chance.choice((*entries, None))
            return chance.choice((0, chance.choice(entries), chance.choice(entries) | chance.choice(entries), None))
        if param.type == "socktuple":
            return chance.choice((self._tuple(), None))
        if param.type == "sockaddr":
            return chance.choice((self._address(), None))
        if param.type in ("fspath", "fsrelpath") or param.name in ("name", "path", "target"):
            return chance.choice(_NAMES.get(param.name, _PATHS))
        if param.name in _NAMES:
            return chance.choice(_NAMES[param.name])
        if param.type == "string":
            return chance.choice(("text", "", None))
        return b"" if param.type == "bytes" else chance.choice((0, 1, 2, 4096, None))

    def _observe(self, event: SyscallEvent, kind: EventType) -> None:
        """Add the observations of a live source."""
        chance = self._chance
        if chance.random() < 0.4:
            return
        if event.type == "execve":
            event.observed = self._filled(Executed)
        elif event.type in ("open", "openat", "openat2", "creat", "open_by_handle_at"):
            event.observed = self._filled(Opened)
            event.file = chance.choice((None, self._file()))
            event.fd = event.args[0]
        elif event.type in ("chdir", "fchdir"):
            event.observed = Cwd(chance.choice(("/", "/srv/www", "/srv/www/")))
        elif event.type.startswith("set") and event.type.endswith("id"):
            event.observed = self._filled(Identity)
        elif event.type in ("mkdirat", "unlinkat", "renameat2"):
            event.observed = Bases(tuple(chance.choice((None, "/srv", "/srv/")) for _ in range(2)))
        elif "uses_fd" in kind.traits:
            event.file = self._file()
            event.observed = Descriptor(event.file, as_opened=chance.random() < 0.3)
        elif "creates_fd" in kind.traits:
            event.file = self._file()

    # --- events of the state alone ---

    def _internal(self) -> SyscallEvent:
        chance, tid = self._chance, self._chance.choice(_TIDS)
        both = [
            lambda: _internal("_process", self._known(), tid, self._process_of(tid)),
            lambda: _internal("_file", KnownFile(self._fd(), self._file()), tid),
            lambda: _internal("_seeded", None),
        ]
        live: list[Callable[[], SyscallEvent]] = [
            lambda: _internal("_fork", self._filled(Forked), tid, self._process_of(tid)),
            lambda: _internal("_fork", self._filled(Forked), tid, self._process_of(tid)),
            lambda: _internal("_cgroup", Moved((("", chance.choice(_GROUPS)),)), tid, self._process_of(tid)),
            lambda: _internal("_exit", None, tid, self._process_of(tid)),
            lambda: _internal("_repaired", self._snapshot(), tid),
            lambda: _internal("_looked", self._snapshot(), tid),
            lambda: _internal("_looked", self._snapshot(), tid),
        ]
        recorded = [lambda: _internal("_enter", self._entered(), tid)]
        event = chance.choice((*both, *(live if self._live else recorded * 6)))()
        event.time = self._time
        return event

    def _entered(self) -> Entered:
        path = self._chance.choice(_PATHS)
        flags = self._chance.choice((0, 4, None))
        kinds: dict[str, tuple[Any, ...]] = {
            "open": (path, flags), "openat": (-100, path, flags), "openat2": (3, path, flags), "creat": (path, flags),
            "connect": (3, self._address()), "execve": (path,), "execveat": (3, path, flags),
        }  # fmt: skip
        kind = self._chance.choice(tuple(kinds))
        return Entered(kind, kinds[kind])

    def _snapshot(self) -> ProcSnapshot:
        tid = self._chance.choice(_TIDS)
        known = None if self._chance.random() < 0.2 else self._known()
        return ProcSnapshot(tid, self._process_of(tid), known, self._chance.choice((0, 2)))

    # --- values ---

    def _process_of(self, tid: int) -> int:
        return _PROCESS_OF[tid] if self._chance.random() < 0.95 else self._chance.choice(_TIDS)

    def _fd(self) -> int:
        return self._chance.randrange(8)

    def _known(self) -> KnownProcess:
        known: KnownProcess = self._filled(KnownProcess)
        return msgspec.structs.replace(known, env=self._chance.choice((None, ("HOME=/",))))

    def _filled(self, shape: Any) -> Any:
        """Return arguments for a struct by field name: about half of its fields, including the required ones."""
        given: dict[str, Any] = {}
        for field in msgspec.structs.fields(shape):
            if field.name == "boot_start":
                given["boot_start"] = given.get("start", 0)
            elif field.required or self._chance.random() < 0.5:
                value = self._named(field.name, field.type)
                if value is not None:
                    given[field.name] = value
        return shape(**given)

    def _named(self, name: str, kind: Any) -> Any:
        chance = self._chance
        if name == "cgroups":
            return (("", chance.choice(_GROUPS)),)
        if name == "args":
            return ("-c", "run")
        if name == "stdio":
            return tuple(chance.choice((None, self._file())) for _ in range(3))
        if name in ("start", "pidns_start"):
            return self._time + chance.choice((0, -_SECOND, -5 * _SECOND))
        if kind is bool:
            return chance.random() < 0.5
        if name in ("base", "realpath", "exepath"):
            return chance.choice(("/srv", "/srv/real", "/usr/bin/cat (deleted)"))
        if name in ("name", "exe"):
            return chance.choice(("sh", "cat", "daemon"))
        pool = [one for one in _NAMES.get(name, (0, 1, 4096)) if one is not None]
        return chance.choice(pool)

    def _file(self) -> File:
        chance = self._chance
        kind = chance.choice(("file", "file", "directory", "ipv4", "ipv4", "ipv6", "unix", "pipe", "pidfd", "memfd"))
        flags = chance.choice((0, 1, 3, 0x1000))
        if kind in ("ipv4", "ipv6", "unix"):
            role = chance.choice(("", "", "client", "server", "listening"))
            return File(
                kind, flags=flags, sock=chance.choice((None, self._tuple(kind))), role=role,
                protocol=chance.choice(("", "tcp", "udp")), l4proto=chance.choice((None, "tcp", "<NA>")),
                connected=chance.random() < 0.3,
            )  # fmt: skip
        name = f"/proc/{chance.choice(_TIDS)}" if kind == "pidfd" else chance.choice(("/etc/x", "/srv", "/var/log/y"))
        raw = chance.choice(("", name, "x"))
        return File(
            kind, name, raw, flags=flags, dev=chance.choice((0, 5)), ino=chance.choice((0, 7)),
            upper_layer=chance.random() < 0.2,
        )  # fmt: skip

    def _tuple(self, kind: str | None = None) -> SockTuple:
        chance = self._chance
        kind = kind or chance.choice(("ipv4", "ipv4", "ipv6", "unix"))
        if kind == "unix":
            path = chance.choice(("/run/sock", "\0abstract", ""))
            return SockTuple(1, path=path, source_pointer=chance.choice((0, 1)), dest_pointer=chance.choice((0, 2)))
        pool = _V4 if kind == "ipv4" else _V6
        ends = chance.choice(pool), chance.choice(_PORTS), chance.choice(pool), chance.choice(_PORTS)
        return SockTuple(2 if kind == "ipv4" else 10, *ends)

    def _address(self) -> SockAddr:
        chance = self._chance
        family = chance.choice((2, 2, 10, 1, 99))
        if family == 1:
            return SockAddr(1, path=chance.choice(("/run/sock", "\0abstract", "")))
        pool = _V6 if family == 10 else _V4
        return SockAddr(family, chance.choice(pool), chance.choice(_PORTS))


def _internal(kind: str, observed: Any, tid: int = 0, pid: int = 0) -> SyscallEvent:
    return SyscallEvent("syscall", kind, 0, tid=tid, pid=pid, observed=observed)


def histories(count: int) -> list[History]:
    """Return `count` histories of each shape."""
    return [History(seed, live=live) for live in (False, True) for seed in range(count)]
