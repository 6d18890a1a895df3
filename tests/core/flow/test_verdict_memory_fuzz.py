"""Random rules and events: with the verdict memory the alerts and the state are the same as without."""

import os
import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state.observed import Bases, Executed, Forked, Identity, KnownProcess, Moved, Opened
from mozu.core.state.paths import join
from tests.core.state.story import made
from tests.support.judged_twice import by_rules

FULL: Final = os.environ.get("MOZU_FUZZ") == "full"
ROUNDS: Final = 500 if FULL else 40
EVENTS: Final = 400
PATHS: Final = ("/etc/shadow", "/srv/a", "/srv/b", "shadow", "./a", "../etc/shadow", "/srv/../etc/shadow", "")
NAMES: Final = ("sh", "cat", "evil", "cron")
GROUPS: Final = ((("", "/user.slice"),), (("", "/docker/" + "c0ffee" * 10 + "c0de"),))
TESTS: Final = (
    "fd.name = /etc/shadow", "fd.name startswith /srv", "fd.name endswith a", "fd.nameraw = shadow",
    "fd.directory = /srv", "fd.filename in (a, shadow)", "fd.typechar = f", "fd.num = 3", "fd.num < 0", "fd.ino = 7",
    "fd.realpath = /etc/shadow", "fd.uid = 203", "evt.rawres < 0", "evt.res = SUCCESS", "evt.failed = true",
    "evt.is_open_read = true", "evt.is_open_write = true", "evt.arg.flags contains O_RDWR", "evt.arg.name = shadow",
    "evt.arg.dirfd = AT_FDCWD", "evt.rawarg.flags > 1", "evt.args contains shadow", "evt.abspath = /etc/shadow",
    "evt.cpu = 1", "evt.is_io_uring = true", "evt.type = unlinkat", "evt.category = file", "evt.num > 100",
    "evt.rawtime > 5000000000", "fs.path.name = /etc/shadow", "fs.path.nameraw = shadow",
    "proc.name = evil", "proc.name in (sh, cat)", "proc.exepath = /bin/evil", "proc.cmdline contains -x",
    "proc.pname = evil", "proc.aname = evil", "proc.aname[2] = cron", "proc.apid = 9", "proc.ppid = 10",
    "proc.pid = 20", "proc.vpid = 21", "proc.cwd = /etc/", "proc.tty > 0", "proc.sid = 20", "proc.sname = evil",
    "proc.vpgid.name = evil", "proc.is_sid_leader = true", "proc.duration > 3000000000",
    "proc.ppid.duration > 2000000000",
    "proc.fdopencount > 3", "proc.stdin.name = /etc/shadow", "proc.nthreads > 1", 'proc.env contains "A=1"',
    "proc.is_exe_writable = true", "proc.loginshellid = 10", "proc.is_sandboxed = true", "thread.tid = 21",
    "thread.ismain = false", "thread.cap_effective contains CAP_SYS_ADMIN", "thread.vtid = 22", "user.uid = 1000",
    "user.uid = 0", "group.gid = 100", "user.loginuid = 1000", "user.name = root", "container.id = host",
    "container.id != host", "container.name = host", "thread.cgroups contains docker", "proc.name = val(proc.pname)",
    "util.cnt > 50", "evt.deltatime > 10", "fd.containername startswith host",
)  # fmt: skip
"""Conditions on every sort of field of these event types."""


def condition(chance: random.Random, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.4:
        test = chance.choice(TESTS)
        return test if chance.random() < 0.75 else f"not {test}"
    joint = chance.choice((" and ", " and ", " or "))
    return joint.join(f"({condition(chance, depth + 1)})" for _ in range(2))


class World:
    """Processes that come, change and go; most calls repeat an earlier one."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.time = chance, 1_000_000_000
        self.pids, self.next = [20, 21], 30
        self.threads = {20: [201, 202]}
        self.calls: list[SyscallEvent] = []

    def family(self) -> list[SyscallEvent]:
        known = [(1, 0, "init"), (9, 1, "cron"), (10, 9, "sh"), (20, 10, "cat"), (21, 10, "sh")]
        return [
            SyscallEvent(
                "syscall", "_process", 0, tid=tid, pid=tid, observed=KnownProcess(
                    ptid=ptid, name=name, exepath=f"/bin/{name}", vtid=tid, vpid=tid, sid=9, cwd="/home", start=1,
                    cgroups=GROUPS[0],
                ),
            )
            for tid, ptid, name in known
        ]  # fmt: skip

    def batches(self, count: int) -> Iterator[list[SyscallEvent]]:
        yield self.family()
        while count > 0:
            size = self.chance.choice((1, 1, 2, 3, 8))
            yield [self.event() for _ in range(size)]
            count -= size

    def event(self) -> SyscallEvent:
        self.time += self.chance.randrange(20_000_000)
        chance = self.chance
        event = self.change() if chance.random() < 0.04 else self.call()
        return msgspec.structs.replace(event, time=self.time, cpu=chance.randrange(2))

    def call(self) -> SyscallEvent:
        if self.calls and self.chance.random() < 0.93:
            return self.chance.choice(self.calls[-4:])
        made = self.chance.choice((self.opened, self.opened, self.unlinked, self.closed))()
        self.calls.append(made)
        return made

    def task(self) -> dict[str, int]:
        pid = self.chance.choice(self.pids)
        return {"tid": self.chance.choice((pid, pid, *self.threads.get(pid, ()))), "of": pid}

    def opened(self) -> SyscallEvent:
        chance, task = self.chance, self.task()
        kind = chance.choice(("openat", "open", "openat2"))
        path, fd = chance.choice(PATHS), chance.choice((3, 3, 4, -2))
        base = None if path[:1] == "/" or chance.random() < 0.3 else chance.choice(("/etc", "/srv"))
        real = chance.choice((None, "/etc/shadow", path)) if fd >= 0 else None
        file = File("file" if fd >= 0 else "", path, path, real, chance.choice((1, 2)), 8, 7)
        observed = Opened(base, real)
        if (path[:1] == "/" or base) and chance.random() < 0.5:  # as by a source that names its files
            full = join(f"{base}/", path)
            file = msgspec.structs.replace(file, name=full, name_changed=True) if fd >= 0 else File("", full, path)
            observed = Opened(base, named=True)
        more: dict[str, Any] = {} if kind == "open" else {"dirfd": chance.choice((-100, 5))}
        event = made(
            kind, task["tid"], of=task["of"], observed=observed, file=file, fd=fd, name=path,
            flags=file.flags, mode=0, dev=1, ino=7, **more,
        )  # fmt: skip
        event.fd = max(fd, -1)
        return event

    def unlinked(self) -> SyscallEvent:
        task = self.task()
        observed = self.chance.choice((None, Bases(("/etc",))))
        path = self.chance.choice(PATHS)
        return made("unlinkat", task["tid"], of=task["of"], observed=observed, res=self.chance.choice((0, -2)),
                    dirfd=-100, name=path, flags=0)  # fmt: skip

    def closed(self) -> SyscallEvent:
        task = self.task()
        return made("close", task["tid"], of=task["of"], res=0, fd=3)

    def change(self) -> SyscallEvent:
        chance, pid = self.chance, self.chance.choice((*self.pids, *self.pids, 10, 9))
        kind = chance.randrange(8)
        if kind == 0:
            name = chance.choice(NAMES)
            observed = Executed(
                sid=9, pgid=pid, vpid=pid, vtid=pid, ptid=chance.choice((9, 10)), start=chance.choice((1, self.time))
            )
            return made("execve", pid, of=pid, res=0, exe=name, comm=name, pid=pid, args=chance.choice((b"", b"-x\0")),
                        trusted_exepath=f"/bin/{name}", observed=observed, loginuid=chance.choice((1000, 4294967295)),
                        env=chance.choice((b"", b"A=1\0")), flags=chance.choice((0, 1)))  # fmt: skip
        if kind == 1:
            return made("chdir", pid, of=pid, res=0, path=chance.choice(("/etc", "/srv", "..")))
        if kind == 2:
            uid = chance.choice((0, 1000))
            ids = Identity(uid, uid, uid, 100, 100, 100, 0, chance.choice((0, 1 << 21)))
            return made("setuid", pid, of=pid, res=0, uid=uid, observed=ids)
        if kind == 3:
            return made("setsid", pid, of=pid, res=pid)
        if kind == 4:
            return SyscallEvent("syscall", "_cgroup", 0, tid=pid, pid=pid, observed=Moved(chance.choice(GROUPS)))
        if kind == 5 and len(self.pids) > 1 and pid in self.pids:
            self.pids.remove(pid)
            return made("procexit", pid, of=pid, status=0, reaper_tid=1)
        child = chance.choice((self.next, self.next, 20, 201))
        self.next += 1
        if child not in self.pids:
            self.pids.append(child)
        return SyscallEvent("syscall", "_fork", 0, tid=pid, pid=pid,
                            observed=Forked(child, child, child, child, start=self.time, ptid=pid))  # fmt: skip


def test_with_the_memory_the_same_alerts_come_fuzz() -> None:
    hits = alerts = 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        rules = [condition(chance) for _ in range(chance.randint(1, 4))]
        rules = [f"evt.type in (open, openat, openat2, unlinkat) and ({rule})" for rule in rules]
        twice = by_rules(*rules, fields=FieldRegistry(builtin_fields()))
        for batch in World(chance).batches(EVENTS):
            twice.process(*batch)
        assert twice.remembering.alerts() == twice.forgetful.alerts(), (seed, rules)
        assert twice.remembering.state() == twice.forgetful.state(), (seed, rules)
        hits += twice.hits
        alerts += len(twice.forgetful.alerts())
    assert hits > 10 * ROUNDS
    assert alerts > 20 * ROUNDS
