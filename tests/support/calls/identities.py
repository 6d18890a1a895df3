"""Identity of a process, its rights and its affiliation."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.support.acts.changes import drop_capabilities
from tests.support.calls.making import call, room
from tests.support.calls.reported import Names, Reported, reported


def users(at: Path) -> Iterator[Reported]:
    yield reported("setgid", call("setgid", 21), 21)
    yield reported("setgid", call("setgid", -1), -1)
    yield reported("setregid", call("setregid", -1, 22), -1, 22)
    yield reported("setresgid", call("setresgid", 23, -1, 24), 23, -1, 24)
    yield reported("setreuid", call("setreuid", -1, 0), -1, 0)
    yield reported("setresuid", call("setresuid", -1, -1, 12), -1, -1, 12)
    yield reported("setuid", call("setuid", 11), 11)
    yield reported("setuid", call("setuid", 0), 0)
    yield reported("setreuid", call("setreuid", 0, 0), 0, 0)
    yield reported("setresuid", call("setresuid", 0, 0, 0), 0, 0, 0)
    yield reported("setregid", call("setregid", 0, 0), 0, 0)
    yield reported("setresgid", call("setresgid", 0, 0, 0), 0, 0, 0)
    yield reported("setgid", call("setgid", 0), 0)


def groups(at: Path) -> Iterator[Reported]:
    yield reported("setpgid", call("setpgid", 0, 0), 0, 0)
    yield reported("setpgid", call("setpgid", 0, 999_999), 0, 999_999)
    yield reported("setsid", call("setsid"))
    child = os.fork()
    if child == 0:
        call("setsid")
        os._exit(0)
    os.waitpid(child, 0)
    yield reported("setsid", child)


def capabilities(at: Path) -> Iterator[Reported]:
    yield reported("capset", call("capset", 0, 0), 0, *_sets()[1:])
    kept = drop_capabilities()
    yield reported("capset", 0, *kept)


def _sets() -> list[int]:
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff")]


def filters(at: Path) -> Iterator[Reported]:
    yield reported("seccomp", call("seccomp", 99, 5, 0), 99, 5)
    allow = room(struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000))
    program = room(struct.pack("<HxxxxxxQ", 1, allow))
    call("prctl", 38, 1, 0, 0, 0)
    yield reported("seccomp", call("seccomp", 1, 0, program), 1, 0)
    made = call("bpf", 0, room(struct.pack("<IIII", 2, 4, 8, 1) + bytes(112)), 128)
    yield reported("bpf", made, Names("BPF_MAP_CREATE"))
    yield reported("bpf", call("bpf", 0, 0, 0), Names("BPF_MAP_CREATE"))


TRIGGERS = [users, groups, capabilities, filters]
