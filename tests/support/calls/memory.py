"""Memory, waiting, limits, keys, quotas: calls whose arguments lie in memory, and calls of addresses."""

import os
import resource
import struct
from collections.abc import Iterator
from pathlib import Path

from mozu.core.model.syscalls import convert_flags
from tests.support.calls.making import call, give, room
from tests.support.calls.reported import ANY, Names, Reported, reported

NOWHERE = 0xFFFF_FFFF_FFFF_F000


def maps(at: Path) -> Iterator[Reported]:
    sizes = (ANY, ANY, ANY)
    file = give(at / "file", b"x" * 8192)
    got = call("mmap", 0, 8192, 1, 2, file, 4096)
    shown = (*sizes, 0, 8192, Names("PROT_READ"), Names("MAP_PRIVATE"))
    yield reported("mmap", got, *shown, file, 4096, fd="file", name=str(at / "file"))
    failed = call("mmap", 0, 0, 3, 0x22, -1, 0)
    yield reported(
        "mmap", failed, *sizes, 0, 0, Names("PROT_READ|PROT_WRITE"), Names("MAP_PRIVATE|MAP_ANONYMOUS"), -1, 0
    )
    yield reported("mprotect", call("mprotect", got, 4096, 1), got, 4096, Names("PROT_READ"))
    yield reported("mprotect", call("mprotect", 1, 1, 4), 1, 1, Names("PROT_EXEC"))
    for kind in ("mlock", "munlock"):
        yield reported(kind, call(kind, got, 4096), got, 4096)
        yield reported(kind, call(kind, NOWHERE, 1 << 40), NOWHERE, 1 << 40)
    yield reported("mlock2", call("mlock2", got, 4096, 1), got, 4096, Names("MLOCK_ONFAULT"))
    yield reported("mlock2", call("mlock2", got, 4096, 2), got, 4096, 0)
    yield reported("mlockall", call("mlockall", 2), Names("MCL_FUTURE"))
    yield reported("mlockall", call("mlockall", 0), 0)
    yield reported("munlockall", call("munlockall"))
    yield reported("munmap", call("munmap", got, 8192), *sizes, got, 8192)
    yield reported("munmap", call("munmap", 1, 4096), *sizes, 1, 4096)
    end = call("brk", 0)
    yield reported("brk", end, *sizes, 0)
    yield reported("brk", call("brk", end + 4096), *sizes, end + 4096)


def waits(at: Path) -> Iterator[Reported]:
    reader, writer = os.pipe()
    os.write(writer, b"x")
    polled = room(struct.pack("<ihh", reader, 1, 0) + struct.pack("<ihh", writer, 4, 0))
    seen = ((reader, 1), (writer, 4))
    yield reported("poll", call("poll", polled, 2, 0), _polled(seen), 0)
    yield reported("poll", call("poll", NOWHERE, 1, -1), ANY, -1)
    zero, mask = room(16), room(struct.pack("<Q", 1 << 14))
    yield reported("ppoll", call("ppoll", polled, 2, zero, mask, 8), _polled(seen), 0, 1 << 14)
    wrong = room(struct.pack("<qq", 0, 2_000_000_000))
    yield reported("ppoll", call("ppoll", polled, 2, wrong, 0, 8), ANY, 2_000_000_000, 0)
    yield reported("select", call("select", 0, 0, 0, 0, zero))
    yield reported("select", call("select", -1, 0, 0, 0, zero))
    epoll = call("epoll_create1", 0)
    yield reported("epoll_wait", call("epoll_wait", epoll, room(120), 10, 0), 10)
    yield reported("epoll_wait", call("epoll_wait", epoll, room(120), -1, 0), -1)
    yield reported("nanosleep", call("nanosleep", room(struct.pack("<qq", 0, 1000)), 0), 1000)
    yield reported("nanosleep", call("nanosleep", wrong, 0), 2_000_000_000)
    word = room(struct.pack("<I", 5))
    yield reported("futex", call("futex", word, 129, 7, 0, 0, 0), word, Names("FUTEX_PRIVATE_FLAG|FUTEX_WAKE"), 7)
    yield reported("futex", call("futex", word, 0, 6, 0, 0, 0), word, Names("FUTEX_WAIT"), 6)


def _polled(seen: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return the flags in the numbering of rules."""
    return tuple((fd, convert_flags("poll_flags", flags)) for fd, flags in seen)


def semaphores(at: Path) -> Iterator[Reported]:
    made = call("semget", 0, 2, 0o1600)
    yield reported("semget", made, 0, 2, Names("IPC_CREAT"))
    yield reported("semget", call("semget", 0x6D6F7A75, 0, 0), 0x6D6F7A75, 0, 0)
    one = room(struct.pack("<Hhh", 1, 3, 0o4000))
    yield reported("semop", call("semop", made, one, 1), 1, 1, 3, Names("IPC_NOWAIT"), 0, 0, 0, made)
    two = room(struct.pack("<Hhh", 0, -1, 0o4000) + struct.pack("<Hhh", 1, -2, 0o10000))
    yield reported("semop", call("semop", made, two, 2), 2, 0, -1, Names("IPC_NOWAIT"), 1, -2, Names("SEM_UNDO"), made)
    yield reported("semctl", call("semctl", made, 1, 16, 8), made, 1, Names("SETVAL"), 8)
    yield reported("semctl", call("semctl", -5, 0, 16, 8), -5, 0, Names("SETVAL"), 8)
    yield reported("semctl", call("semctl", made, 0, 0, 0), made, 0, Names("IPC_RMID"), 0)


def limits(at: Path) -> Iterator[Reported]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield reported("getrlimit", call("getrlimit", 7, room(16)), soft, hard, Names("RLIMIT_NOFILE"))
    yield reported("getrlimit", call("getrlimit", 99, room(16)), -1, -1, Names("RLIMIT_UNKNOWN"))
    new = room(struct.pack("<qq", soft - 1, hard))
    yield reported(
        "prlimit", call("prlimit64", 0, 7, new, room(16)), soft - 1, hard, soft, hard, 0, Names("RLIMIT_NOFILE")
    )
    result = call("prlimit64", 999_999_999, 7, 0, room(16))
    yield reported("prlimit", result, 0, 0, -1, -1, 999_999_999, Names("RLIMIT_NOFILE"))
    yield reported("setrlimit", call("setrlimit", 7, new), soft - 1, hard, Names("RLIMIT_NOFILE"))
    yield reported("setrlimit", call("setrlimit", 99, new), soft - 1, hard, Names("RLIMIT_UNKNOWN"))


def directory(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    yield reported("getcwd", call("getcwd", room(4096), 4096), str(at))
    yield reported("getcwd", call("getcwd", room(4), 1), None)


def ids(at: Path) -> Iterator[Reported]:
    os.setresgid(21, 22, 23)
    os.setresuid(11, 0, 13)
    yield reported("getresuid", call("getresuid", room(4), room(4), room(4)), 11, 0, 13)
    yield reported("getresuid", call("getresuid", 0, 0, 0), None, None, None)
    yield reported("getresgid", call("getresgid", room(4), room(4), room(4)), 21, 22, 23)
    yield reported("getresgid", call("getresgid", 0, 0, 0), None, None, None)
    yield reported("getuid", call("getuid"))
    yield reported("geteuid", call("geteuid"))
    yield reported("getgid", call("getgid"))
    yield reported("getegid", call("getegid"))


def keys(at: Path) -> Iterator[Reported]:
    joined = call("keyctl", 1, "mozu-test", 0, 0, 0)
    yield reported("keyctl", joined, Names("KEYCTL_JOIN_SESSION_KEYRING"), ("string", "mozu-test"), *[("int64", 0)] * 3)
    found = call("keyctl", 10, -3, "user", "nothing", 0)
    yield reported(
        "keyctl", found, Names("KEYCTL_SEARCH"), ("int64", -3), ("string", "user"), ("string", "nothing"), ("int64", 0)
    )
    got = call("keyctl", 0, -3, 1, 0, 0)
    yield reported("keyctl", got, Names("KEYCTL_GET_KEYRING_ID"), ("int64", -3), ("int64", 1), *[("int64", 0)] * 2)


def quotas(at: Path) -> Iterator[Reported]:
    on = call("quotactl", 0x800002 << 8, "/dev/none", 2, "/aquota.user")
    unused = Names("QFMT_NOT_USED")
    yield reported(
        "quotactl", on, "/dev/none", "/aquota.user", *[0] * 7, *[0] * 3, unused, Names("Q_QUOTAON"),
        Names("USRQUOTA"), 0, Names("QFMT_VFS_V0"),
    )  # fmt: skip
    block = room(struct.pack("<8QI4x", 9, 8, 7, 6, 5, 4, 3, 2, 63))
    limited = call("quotactl", 0x800008 << 8 | 1, "/dev/none", 77, block)
    yield reported(
        "quotactl", limited, "/dev/none", None, 9, 8, 7, 6, 5, 3, 2, *[0] * 3, unused, Names("Q_SETQUOTA"),
        Names("GRPQUOTA"), 77, unused,
    )  # fmt: skip
    synced = call("quotactl", 0x800001 << 8, None, 0, None)
    yield reported("quotactl", synced, None, None, *[0] * 10, unused, Names("Q_SYNC"), Names("USRQUOTA"), 0, unused)


TRIGGERS = [maps, waits, semaphores, limits, directory, ids, keys, quotas]
