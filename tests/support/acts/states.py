"""Changes of a process's identity and affiliation, with the values in /proc afterwards and a call that marks the
moment."""

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from tests.support.acts import processes
from tests.support.acts.raw import call

MARK: Final = "/nonexistent/mark"
_KEEPCAPS: Final = 8
_NEW_USER: Final = 0x10000000


def truth() -> dict[str, Any]:
    """Return the ids, numbers and capabilities of this process, from /proc."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    numbers = {name: [int(word) for word in status[name].split()] for name in ("Uid", "Gid")}
    inner = {name: int(status[name].split()[-1]) for name in ("NSpid", "NSpgid", "NSsid", "PPid", "Threads")}
    caps = {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff")}
    return {**numbers, **inner, **caps}


def changed(*steps: str) -> dict[str, Any]:
    """Take the steps one after another; return `truth` afterwards."""
    for step in steps:
        globals()[step]()
    found = truth()
    with suppress(OSError):
        os.mkdir(MARK)
    return found


def become_a_user() -> None:
    os.setuid(4321)


def become_a_user_who_can_come_back() -> None:
    os.setresuid(-1, 4321, 0)


def come_back() -> None:
    os.setresuid(-1, 0, -1)


def keep_capabilities() -> None:
    ctypes.CDLL(None).prctl(_KEEPCAPS, 1, 0, 0, 0)


def try_what_is_forbidden() -> None:
    with suppress(PermissionError):
        os.setuid(0)


def use_files_as_a_user() -> None:
    call("setfsuid", 4321)


def become_a_group() -> None:
    os.setresgid(21, 22, 23)


def enter_a_user_namespace() -> None:
    call("unshare", _NEW_USER)


def lead_a_session() -> None:
    os.setsid()


def lead_a_group() -> None:
    os.setpgid(0, 0)


def begin_threads() -> None:
    """Start three threads, of which one ends."""
    waits: list[Callable[[], Any]] = [threading.Event().wait, threading.Event().wait, lambda: None]
    made = [threading.Thread(target=wait, daemon=True) for wait in waits]
    for thread in made:
        thread.start()
    made[-1].join()


def orphaned() -> dict[str, int]:
    """Run `changed` in a child whose own parent has ended, below a process that takes in orphans."""
    return processes.orphan(True, changed)
