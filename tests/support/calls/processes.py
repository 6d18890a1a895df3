"""Processes: made, replaced, renamed, traced, signalled."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.support.acts.processes import execute
from tests.support.calls.making import call, room
from tests.support.calls.reported import ANY, Names, Reported, reported

NO_SUCH_PID = 999_999_999


def signals(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    yield reported("kill", call("kill", own, 0), own, 0)
    yield reported("kill", call("kill", NO_SUCH_PID, 15), NO_SUCH_PID, int(signal.SIGTERM))
    yield reported("tkill", call("tkill", own, 0), own, 0)
    yield reported("tkill", call("tkill", NO_SUCH_PID, 9), NO_SUCH_PID, 9)
    yield reported("tgkill", call("tgkill", own, own, 0), own, own, 0)
    yield reported("tgkill", call("tgkill", NO_SUCH_PID, NO_SUCH_PID, 9), NO_SUCH_PID, NO_SUCH_PID, 9)


def names(at: Path) -> Iterator[Reported]:
    yield reported("prctl", call("prctl", 15, "shrike", 0, 0, 0), Names("PR_SET_NAME"), "shrike", ANY)
    yield reported("prctl", call("prctl", 36, 1, 0, 0, 0), Names("PR_SET_CHILD_SUBREAPER"), ANY, 1)
    yield reported("prctl", call("prctl", 36 + 1000, 7, 0, 0, 0), ANY, ANY, 7)


def tracing(at: Path) -> Iterator[Reported]:
    child = os.fork()
    if child == 0:
        signal.pause()
    seized = call("ptrace", 0x4206, child, 0, 0)
    yield reported("ptrace", seized, ANY, ANY, Names("PTRACE_SEIZE"), child)
    yield reported("ptrace", call("ptrace", 16, NO_SUCH_PID, 0, 0), ANY, ANY, Names("PTRACE_ATTACH"), NO_SUCH_PID)
    os.kill(child, 9)
    os.waitpid(child, 0)


def _clone(kind: str, result: int, tid: int, flags: object) -> Reported:
    """Return a clone event with the parameters that this process knows itself."""
    known: tuple[object, ...] = (result, ANY, ANY, tid, tid)
    return reported(kind, *known, *[ANY] * 10, flags, *[ANY] * 5)


def births(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    for kind, given in (("fork", ()), ("clone", (17, 0, 0, 0, 0))):
        child = call(kind, *given)
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        yield _clone(kind, child, own, 0)
        yield _clone(kind, 0, child, 0)
    arguments = room(b"".join(value.to_bytes(8, "little") for value in (0, 0, 0, 0, 17, 0, 0, 0)))
    child = call("clone3", arguments, 64)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    yield _clone("clone3", child, own, 0)
    yield _clone("clone3", call("clone3", arguments, 1), own, 0)
    yield _clone("clone", call("clone", 0x10000, 0, 0, 0, 0), own, Names("CLONE_THREAD"))


def programs(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    failed = execute("/nonexistent", ["a", "b c"])
    yield reported("execve", failed, "a", b"b c\0", own, own, os.getppid(), *[ANY] * 24, "/nonexistent")
    failed = execute("/nonexistent", ["a"], True)
    yield reported("execveat", failed, "a", b"", own, own, os.getppid(), *[ANY] * 24)
    child = os.fork()
    if child == 0:
        os.execve("/bin/true", ["begun", "one", "two"], {})
    os.waitpid(child, 0)
    yield reported("execve", 0, "begun", b"one\0two\0", child, child, own, *[ANY] * 24, "/bin/true")
    yield reported("procexit", 0, 0, 0, 0, 0)


TRIGGERS = [signals, names, tracing, births, programs]
