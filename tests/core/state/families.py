"""Histories of a few families of processes, drawn at random: births, threads, ends, reused numbers, pid namespaces,
reapers, answers of /proc, repairs. With few numbers, each of these meets each other.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import (
    Entered,
    Executed,
    Forked,
    KnownFile,
    KnownProcess,
    Moved,
    ProcSnapshot,
    Restored,
    Seeded,
)
from tests.core.state.story import CLOEXEC, IN_NAMESPACE, THREAD, made

EVENTS: Final = 160
_SECOND: Final = 1_000_000_000
_EPOCH: Final = 1_767_225_600 * _SECOND
_PROCESS_OF: Final = {1: 1, 2: 2, 5: 5, 51: 5, 52: 5, 6: 6, 61: 6, 7: 7, 71: 7, 8: 8, 9: 9}
_TIDS: Final = tuple(_PROCESS_OF)
_MAIN: Final = tuple(sorted({*_PROCESS_OF.values()}))
_SUBREAPER: Final = dict(flag_table("prctl_options"))["PR_SET_CHILD_SUBREAPER"]
_GROUPS: Final = ("/", f"/docker/{'ab' * 32}", "/system.slice/x.service")
_ENDS: Final = (b"\0\0\0\0", b"\x0a\0\0\1", b"\x0a\0\0\2")
_PORTS: Final = (22, 443, 40000)


class Family:
    """A stream of events. `live`: as a live source delivers it; else as in a capture. `odd`: share of events that name
    the wrong process for a task.
    """

    def __init__(self, seed: int, *, live: bool, odd: float = 0.1) -> None:
        self.name = f"{'live' if live else 'recorded'}-{seed}"
        self._odd = odd
        self._live, self._seed_of_all = live, f"families/{live}/{seed}"

    def events(self) -> Iterator[SyscallEvent]:
        """Yield the events from the beginning, the same ones each time."""
        self._chance, self._time = random.Random(self._seed_of_all), _EPOCH
        if self._live:
            yield made("_state", 0, observed=Restored(live=True, number=7, boot_time=_EPOCH - _SECOND))
        for _ in range(9):
            yield self._seed()
        menu = self._of_both() + (self._of_live() if self._live else self._of_recordings())
        for _ in range(EVENTS):
            self._time += self._chance.choice((0, 1000, _SECOND // 10, 3 * _SECOND))
            event = self._chance.choice(menu)()
            event.time = self._time
            yield event

    # --- acts ---

    def _of_both(self) -> list[Callable[[], SyscallEvent]]:
        chance = self._chance
        return [
            self._executed,
            lambda: self._call("procexit", status=0, reaper_tid=chance.choice((0,) * 8 + (*_MAIN, None))),
            lambda: self._call("prctl", res=0, option=_SUBREAPER, arg2_int=chance.choice((0, 1, 1))),
            lambda: self._call("chdir", res=0, path=chance.choice(("/srv", "sub", ".."))),
            lambda: self._call(
                "openat", fd=chance.randrange(4), dirfd=-100, name="/x", flags=chance.choice((1, 1 | CLOEXEC))
            ),
            lambda: self._call("close", res=0, fd=chance.randrange(4)),
            lambda: self._call("read", res=1, fd=chance.randrange(4)),
        ]

    def _of_live(self) -> list[Callable[[], SyscallEvent]]:
        chance = self._chance
        return [
            *([self._forked] * 5),
            lambda: self._call("_exit"),
            lambda: self._call("_cgroup", observed=Moved((("", chance.choice(_GROUPS)),))),
            *([lambda: made("_repaired", 0, observed=self._answer(_MAIN))] * 2),
            *([lambda: made("_looked", 0, observed=self._answer(_TIDS))] * 2),
            lambda: self._call("switch", next=1, pgft_maj=chance.randrange(3), pgft_min=4, vm_size=9, vm_rss=8),
        ]

    def _of_recordings(self) -> list[Callable[[], SyscallEvent]]:
        chance = self._chance
        return [
            *([self._cloned] * 5),
            *([self._seed] * 2),
            self._file,
            lambda: made("_seeded", 0, observed=chance.choice((None, Seeded(_ENDS[1:], (), _EPOCH)))),
            lambda: self._call("_enter", observed=Entered(chance.choice(("execve", "execveat")), ("/bin/begun",))),
        ]

    def _call(self, kind: str, *, observed: Any = None, **params: Any) -> SyscallEvent:
        tid = self._chance.choice(_TIDS)
        return made(kind, tid, of=self._process(tid) if self._live else -1, observed=observed, **params)

    def _process(self, tid: int) -> int:
        return self._chance.choice(_MAIN) if self._chance.random() < self._odd else _PROCESS_OF[tid]

    def _forked(self) -> SyscallEvent:
        chance = self._chance
        creator = chance.choice(_TIDS)
        child = chance.choice([tid for tid in _TIDS if tid not in (creator, _PROCESS_OF[creator])])
        vtid, vpid = self._inside(child, _PROCESS_OF[child])
        start = chance.choice((0, self._time, _EPOCH))
        observed = Forked(
            child, _PROCESS_OF[child], vtid, vpid, start=start, pidns_start=chance.choice((0, _EPOCH)),
            ptid=chance.choice((0, 0, *_MAIN)), shares_files=chance.random() < 0.2, boot_start=start,
        )  # fmt: skip
        return made("_fork", creator, of=_PROCESS_OF[creator], observed=observed)

    def _cloned(self) -> SyscallEvent:
        """Return one side of a clone; the child's number is that of its process if it is a thread."""
        chance, child = self._chance, self._chance.choice(_TIDS)
        pid = _PROCESS_OF[child]
        flags = (THREAD if pid != child else 0) | chance.choice((0, 0, IN_NAMESPACE))
        reported: dict[str, Any] = {"exe": "sh", "comm": "child", "uid": 0, "gid": 0, "flags": flags}
        if chance.random() < 0.5:
            return made("clone", chance.choice(_TIDS), res=child, **reported)
        vtid, vpid = self._inside(child, pid)
        return made("clone", child, res=0, pid=pid, ptid=chance.choice(_MAIN), vtid=vtid, vpid=vpid, **reported)

    def _inside(self, tid: int, pid: int) -> tuple[int, int]:
        """Return numbers in the pid namespace, mostly the same as on the machine."""
        return self._chance.choice(((tid, pid), (tid, pid), (tid, pid), (1, 1), (2, 2), (3, 1)))

    def _executed(self) -> SyscallEvent:
        name, tid = self._chance.choice(("sh", "cat", "daemon")), self._chance.choice(_TIDS)
        pid = self._process(tid)
        return made(
            "execve", tid, of=pid if self._live else -1, observed=self._program() if self._live else None,
            res=self._chance.choice((0, 0, 0, -2)), exe=name, comm=name, args=b"-x\0", trusted_exepath=f"/bin/{name}",
            pid=pid, ptid=self._chance.choice(_MAIN),
        )  # fmt: skip

    def _program(self) -> Executed | None:
        chance = self._chance
        stack = chance.choice((0, 100, 200))
        return chance.choice((None, Executed(start=self._time, stack=stack, boot_start=self._time)))

    # --- knowledge besides the events ---

    def _seed(self) -> SyscallEvent:
        tid = self._chance.choice(_MAIN if self._live else _TIDS)
        return made("_process", tid, of=self._process(tid), observed=self._known(tid))

    def _answer(self, tids: tuple[int, ...]) -> ProcSnapshot:
        """Return an answer of /proc; sometimes that there is no such task."""
        chance = self._chance
        tid = chance.choice(tids)
        known = None if chance.random() < 0.2 else self._known(tid)
        return ProcSnapshot(tid, _PROCESS_OF[tid], known, chance.choice((0, 0, 2)))

    def _known(self, tid: int) -> KnownProcess:
        chance = self._chance
        vtid, vpid = self._inside(tid, _PROCESS_OF[tid])
        path = chance.choice(("", "/bin/sh", "/bin/sh (deleted)", "/bin/cat"))
        known = KnownProcess(
            ptid=chance.choice((*_MAIN, 0, -1, 77)), vtid=vtid, vpid=vpid, name="known", exe="known", exepath=path,
            cwd=chance.choice(("", "/srv", "/home/a")), root=chance.choice(("", "/", "/jail")),
            env=chance.choice((None, ("HOME=/",))), uid=chance.choice((0, 7)), suid=chance.choice((None, 7, 0)),
            stack=chance.choice((0, 100, 200)), start=chance.choice((_EPOCH, _EPOCH + _SECOND, self._time)),
            cgroups=(("", chance.choice(_GROUPS)),),
        )  # fmt: skip
        return msgspec.structs.replace(known, boot_start=known.start)

    def _file(self) -> SyscallEvent:
        """Return a descriptor that existed before; sockets listen, or are one end of a connection."""
        chance = self._chance
        kind = chance.choice(("file", "unix", "ipv4", "ipv4", "ipv4", "ipv6"))
        if kind in ("file", "unix"):
            file = File(kind, chance.choice(("/run/x", "")), role=chance.choice(("", "listening")))
        else:
            wide = b"" if kind == "ipv4" else b"\0" * 10 + b"\xff\xff"
            own, other = chance.choice(_ENDS), chance.choice(_ENDS)
            role = chance.choice(("", "", "listening"))
            ends = (b"", 0) if role else (wide + own, chance.choice(_PORTS))
            sock = SockTuple(2 if kind == "ipv4" else 10, *ends, wide + other, chance.choice(_PORTS))
            protocol = chance.choice(("", "tcp", "udp"))
            file = File(
                kind, sock=chance.choice((sock, sock, sock, None)), role=role, protocol=protocol,
                l4proto=chance.choice((None, "tcp", "<NA>")),
            )  # fmt: skip
        return made("_file", chance.choice(_TIDS), observed=KnownFile(chance.randrange(4), file))


def families(count: int) -> list[Family]:
    """Return `count` families of each shape."""
    return [Family(seed, live=live) for live in (False, True) for seed in range(count)]
