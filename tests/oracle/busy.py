"""A recording of a busy host, invented: mixed events in plausible proportions, for measuring."""

import random
from collections.abc import Callable

from mozu.core.model.event import SockAddr, SockTuple
from tests.oracle.capture import Capture

NAMES = ("nginx", "bash", "python3", "postgres", "cat", "sshd", "containerd-shim", "grep")
PATHS = tuple(
    f"/{top}/{name}{number}"
    for top in ("etc", "usr/lib", "var/log", "home/mira", "proc/self", "tmp")
    for name in ("a", "conf.d/site", "long/er/path/to/some/file")
    for number in range(20)
)
TIDS = range(1000, 1400)
_CGROUPS = b"cpu=/user.slice\0memory=/user.slice\0"
_ENV = b"PATH=/usr/bin:/bin\0HOME=/root\0LANG=C.UTF-8\0" * 6
_MEMORY = (1, 2, 100, 50, 0)

Step = Callable[[Capture, random.Random, int], None]


def recording(events: int, seed: int = 1, *, plain: bool = False) -> bytes:
    """Return a recording of about `events` events, compressed unless `plain`."""
    chance = random.Random(seed)
    capture = Capture().machine().user(0, "root").user(1000, "mira")
    for tid in TIDS:
        capture.process(tid, NAMES[tid % len(NAMES)], ptid=1000 + (tid - 1000) // 8, cgroups=("cpu=/user.slice",))
    for step in chance.choices(list(_STEPS), list(_STEPS.values()), k=events):
        step(capture, chance, chance.choice(TIDS))
    return capture.raw() if plain else capture.gzip()


def _open(capture: Capture, chance: random.Random, tid: int) -> None:
    fd = chance.choice((3, 4, 3, 4, -2))
    capture.event("openat", tid, fd, -100, chance.choice(PATHS), 4097, 0, 0x801, 4711)


def _close(capture: Capture, chance: random.Random, tid: int) -> None:
    capture.event("close", tid, 0, chance.choice((3, 4)))


def _read(capture: Capture, chance: random.Random, tid: int) -> None:
    capture.event("read", tid, 80, b"x" * 80, 3, 4096)


def _write(capture: Capture, chance: random.Random, tid: int) -> None:
    capture.event("write", tid, 60, b"y" * 60, 1, 60)


def _stat(capture: Capture, chance: random.Random, tid: int) -> None:
    capture.event("stat", tid, 0, chance.choice(PATHS))


def _generic(capture: Capture, chance: random.Random, tid: int) -> None:
    capture.event("syscall", tid, chance.choice((24, 100, 200)), 230, number=1)


def _mmap(capture: Capture, chance: random.Random, tid: int) -> None:
    capture.event("mmap", tid, 1 << 46, 100, 50, 0, 0, 4096, 1, 2, 3, 0)


def _connect(capture: Capture, chance: random.Random, tid: int) -> None:
    ends = SockTuple(2, b"\x0a\0\0\1", chance.randrange(30000, 60000), b"\x0a\0\0\2", 443)
    capture.event("socket", tid, 5, 2, 1, 6, 0)
    capture.event("connect", tid, 0, ends, 5, SockAddr(2, b"\x0a\0\0\2", 443))


def _life(capture: Capture, chance: random.Random, tid: int) -> None:
    """Write the life of a process: it is made, runs a program, and ends."""
    child = chance.randrange(20000, 30000)
    for own, parent, result in ((tid, 1000, child), (child, tid, 0)):
        who = (own, own, parent, "/", 1024, *_MEMORY, "bash", _CGROUPS, 0, 0, 0, own, own, 0)
        capture.event("clone", own, result, "bash", b"", *who)
    name = chance.choice(NAMES)
    path = f"/usr/bin/{name}"
    image = (child, child, tid, "/", 1024, *_MEMORY, name, _CGROUPS, _ENV, 0, child, 1000, 0, 0, 0, 0)
    file = (77, 10**18, 10**18, 0, path, child, 0, path)
    capture.event("execve", child, 0, path, b"-c\0run\0", *image, *file)
    capture.event("procexit", child, 0, 0, 0, 0, 0)


_STEPS: dict[Step, float] = {
    _open: 18, _close: 18, _read: 20, _write: 14, _stat: 8, _generic: 14, _mmap: 5, _connect: 1.5, _life: 0.5,
}  # fmt: skip
"""Kind of step → share of the steps."""
