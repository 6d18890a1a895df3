"""Calls whose events have no parameters, or mozu's own, made with arguments that no kernel accepts."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.syscalls import event_type
from tests.support.calls.making import call, room
from tests.support.calls.reported import ANY, Reported, reported

LETHAL: Final = frozenset({"uprobe", "uretprobe"})
"""Calls for which the kernel kills a process that makes them by hand."""
_SLOW: Final = frozenset({"sync"})
"""Calls that write out the data of all processes: not for a machine that is shared."""


def _bare() -> list[str]:
    names = []
    for name in SYSCALL_SPECS:
        declared = event_type(name)
        is_bare = declared is not None and declared.kind == "syscall" and (not declared.params or declared.own_params)
        if is_bare and name not in _SLOW:
            names.append(name)
    return names


def _reported(name: str) -> Reported:
    """Return an expected event with any values for its parameters."""
    declared = event_type(name)
    return reported(name, *[ANY] * (0 if declared is None else len(declared.params)))


def refused(at: Path) -> Iterator[Reported]:
    """Make the calls with all arguments -1, with which none of them can do anything but return."""
    os.setsid()  # vhangup would hang up a terminal
    signal.signal(signal.SIGALRM, lambda *_: None)
    for name in _bare():
        if name in LETHAL or name == "pause":
            continue
        call(name, *[-1] * 6)
        yield _reported(name)


def interrupted(at: Path) -> Iterator[Reported]:
    """Let a handled signal interrupt pause."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    call("pause")
    signal.setitimer(signal.ITIMER_REAL, 0)
    yield reported("pause")


def _done() -> dict[str, Callable[[], int]]:
    buffer = room(4096)
    return {
        "getpid": lambda: call("getpid"),
        "gettid": lambda: call("gettid"),
        "getppid": lambda: call("getppid"),
        "getpgrp": lambda: call("getpgrp"),
        "getpgid": lambda: call("getpgid", 0),
        "getsid": lambda: call("getsid", 0),
        "uname": lambda: call("uname", buffer),
        "sysinfo": lambda: call("sysinfo", buffer),
        "getrandom": lambda: call("getrandom", buffer, 8, 0),
        "clock_gettime": lambda: call("clock_gettime", 1, buffer),
        "sched_yield": lambda: call("sched_yield"),
        "umask": lambda: call("umask", 0o22),
        "statx": lambda: call("statx", -100, "/", 0, 0x7FF, buffer),
        "statfs": lambda: call("statfs", "/", buffer),
        "readlinkat": lambda: call("readlinkat", -100, "/proc/self/exe", buffer, 4096),
        "faccessat": lambda: call("faccessat", -100, "/", 4),
        "getrusage": lambda: call("getrusage", 0, buffer),
        "personality": lambda: call("personality", -1),
        "getgroups": lambda: call("getgroups", 0, 0),
        "times": lambda: call("times", buffer),
    }


def done(at: Path) -> Iterator[Reported]:
    """Make some of the calls with success."""
    for name, make in _done().items():
        assert make() >= 0, name
        yield _reported(name)


def absent() -> frozenset[str]:
    """Return the names of the calls that no trigger makes."""
    return LETHAL | _SLOW


TRIGGERS = [refused, interrupted, done]
