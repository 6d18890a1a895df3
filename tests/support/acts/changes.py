"""Changes of a process's directory, name and identity, and calls on names."""

import os
import signal
import struct
from typing import Any

from tests.support.acts.raw import call


def go(name: str, path: str, start: str = "/") -> dict[str, Any]:
    """Call chdir, fchdir or chroot; return the result, the new working directory and the argument."""
    os.chdir(start)
    target: object = path
    if name == "fchdir":
        target = os.open(path, os.O_RDONLY)
    result = call(name, target)
    return {"result": result, "cwd": os.getcwd(), "target": target}


def by_name(name: str, arguments: list[object], directory: str = "/") -> int:
    """Make any call with the working directory set."""
    os.chdir(directory)
    return call(name, *arguments)


def between(name: str, first: str, second: str, arguments: list[object], directory: str = "/") -> dict[str, Any]:
    """Make a call that takes two directory descriptors, written "1" and "2" among its arguments."""
    os.chdir(directory)
    one, two = os.open(first, os.O_RDONLY), os.open(second, os.O_RDONLY)
    given = [{"1": one, "2": two}.get(a, a) if isinstance(a, str) else a for a in arguments]
    return {"result": call(name, *given), "first": one, "second": two}


def with_descriptor(name: str, path: str, arguments: list[object]) -> dict[str, Any]:
    """Make a call whose first argument is the descriptor of a file."""
    fd = os.open(path, os.O_RDONLY)
    return {"fd": fd, "result": call(name, fd, *arguments)}


def name_oneself(name: str) -> str:
    """Call prctl PR_SET_NAME; return the name in /proc."""
    call("prctl", 15, name, 0, 0, 0)
    with open("/proc/self/comm") as file:
        return file.read().rstrip("\n")


def drop_capabilities() -> list[int]:
    """Call capset to keep three capabilities; return the sets in /proc (inheritable, permitted, effective)."""
    header = struct.pack("<II", 0x20080522, 0)
    call("capset", header, struct.pack("<6I", 1, 7, 2, 0, 0, 0))
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff")]


def trace_child(request: int) -> int:
    """Call ptrace on a child that waits; return the child's pid."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
    call("ptrace", request, pid, 0, 0)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return pid


def mount_and_unmount(place: str) -> int:
    """Mount a tmpfs in a private mount namespace, then call umount2; return the result of mount."""
    call("unshare", 0x20000)
    result = call("mount", "none", place, "tmpfs", 0x4 | 0x2, None)
    call("umount2", place, 2)
    return result
