"""Opens of every kind."""

import ctypes
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.acts.raw import call


def observed(fd: int) -> dict[str, Any]:
    """Return what the process itself can find out about a descriptor: path, device and inode."""
    status = os.fstat(fd)
    return {"fd": fd, "path": os.readlink(f"/proc/self/fd/{fd}"), "dev": status.st_dev, "ino": status.st_ino}


def opened(name: str, *arguments: object) -> dict[str, Any] | int:
    """Make a call that opens; return `observed` of the descriptor, or -errno."""
    fd = call(name, *arguments)
    return observed(fd) if fd >= 0 else fd


def beside(name: str, directory: str, path: str, flags: int) -> tuple[int, dict[str, Any] | int]:
    """Call openat on a path relative to a directory's descriptor; return that descriptor and the result of `opened`."""
    base = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    return base, opened(name, base, path, flags, 0)


def from_directory(directory: str, path: str) -> dict[str, Any] | int:
    """Call openat relative to the working directory."""
    os.chdir(directory)
    return opened("openat", -100, path, os.O_RDONLY, 0)


def how(path: str, flags: int, mode: int, resolve: int) -> dict[str, Any] | int:
    """Call openat2."""
    return opened("openat2", -100, path, struct.pack("<QQQ", flags, mode, resolve), 24)


def inside(root: str, path: str) -> dict[str, Any] | int:
    """Call openat after chroot."""
    os.chroot(root)
    os.chdir("/")
    fd = call("openat", -100, path, os.O_RDONLY, 0)
    return fd if fd < 0 else {"fd": fd, "ino": os.fstat(fd).st_ino}


def outside(root: str, directory: str, path: str) -> int:
    """Call openat after chroot, relative to a directory that is not below the new root."""
    base = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.chroot(root)
    return call("openat", base, path, os.O_RDONLY, 0)


def renamed(path: str, to: str) -> None:
    """Call fchown on the descriptor of a file that has been renamed since it was opened."""
    fd = os.open(path, os.O_RDONLY)
    Path(path).rename(to)
    os.fchown(fd, -1, -1)


def deleted(path: str) -> dict[str, Any] | int:
    """Open a file that has no name any more by its link in /proc."""
    fd = os.open(path, os.O_RDONLY)
    Path(path).unlink()
    return opened("openat", -100, f"/proc/self/fd/{fd}", os.O_RDONLY, 0)


def on_overlay(place: str, kind: str) -> dict[str, Any] | int:
    """Open a file of one layer of an overlay, in a private mount namespace."""
    root = Path(place)
    for name in ("lower", "upper", "work", "merged"):
        (root / name).mkdir()
    (root / "lower" / "file").touch()
    call("unshare", 0x20000)
    call("mount", None, "/", None, 0x44000, None)
    layers = f"lowerdir={root}/lower,upperdir={root}/upper,workdir={root}/work"
    assert call("mount", "overlay", f"{root}/merged", "overlay", 0, layers) == 0
    flags = {"lower": os.O_RDONLY, "copied": os.O_WRONLY, "new": os.O_WRONLY | os.O_CREAT}[kind]
    name = "made" if kind == "new" else "file"
    return opened("openat", -100, f"{root}/merged/{name}", flags, 0o600)


def through_bind_mount(place: str) -> dict[str, Any] | int:
    """Open a file below a bind mount of its directory."""
    root = Path(place)
    (root / "seen").mkdir()
    call("unshare", 0x20000)
    call("mount", None, "/", None, 0x44000, None)
    assert call("mount", f"{root}/inner", f"{root}/seen", None, 0x1000, None) == 0
    return opened("openat", -100, f"{root}/seen/deep/file", os.O_RDONLY, 0)


def many(steps: list[tuple[str, bytes | None, bytes, int]], uses: str = "") -> int:
    """Open in turn by steps (call, directory, path, flags); a directory with `@` before it is passed as a descriptor.

    Returns how many opens succeeded. `uses`: a call to make on each new descriptor.
    """
    done = 0
    for name, where, path, flags in steps:
        base = -100
        if where is not None and where[:1] == b"@":
            base = os.open(where[1:], os.O_RDONLY | os.O_DIRECTORY)
        elif where is not None:
            os.chdir(where)
        given: tuple[object, ...] = (path, flags, 0o600)
        if name == "openat2":
            mode = 0o600 if flags & (os.O_CREAT | os.O_TMPFILE) else 0
            given = (path, struct.pack("<QQQ", flags, mode, 0), 24)
        elif name == "creat":
            given = (path, 0o600)
        fd = call(name, *((base, *given) if name.startswith("openat") else given))
        if fd >= 0:
            done += 1
            if uses:
                call(uses, fd, -1, -1)
            os.close(fd)
        if base >= 0:
            os.close(base)
    return done


def handed_on(path: bytes) -> int:
    """Open a file; call fchown on it in a child, on a copy, and on the descriptor received over a socket. Return how
    many succeeded."""
    fd, ends = os.open(path, os.O_RDONLY), socket.socketpair()
    child = os.fork()
    if not child:
        call("fchown", fd, -1, -1)
        os._exit(0)
    os.waitpid(child, 0)
    call("fchown", os.dup2(fd, 77), -1, -1)
    socket.send_fds(ends[0], [b"x"], [fd])
    received = socket.recv_fds(ends[1], 1, 1)[1]
    call("fchown", received[0], -1, -1)
    return len(received)


def through_proc(kind: str) -> int:
    """Open the file behind a descriptor through /proc, and call fchown on it."""
    fd = os.pipe()[0] if kind == "pipe" else os.memfd_create("x")
    opened = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
    return call("fchown", opened, -1, -1)


def held(steps: list[bytes], uses: str) -> int:
    """Open paths in turn without closing them; pass each new descriptor to a call."""
    for path in steps:
        call(uses, call("openat", -100, path, os.O_RDONLY, 0), -1, -1)
    return len(steps)


def reused(path: str, other: str, count: int) -> int:
    """Open and close a file `count` times, each time followed by fchown on another file that open_tree opened: for that
    one the kernel uses the struct file which the close has freed."""
    for _ in range(count):
        os.close(os.open(path, os.O_RDONLY))
        fd = call("open_tree", -100, other, os.O_CLOEXEC)
        call("fchown", fd, -1, -1)
        os.close(fd)
    return count


_TURN = """
import os, sys, time
folder, path, count, *names = sys.argv[1:]
for number in range(int(count)):
    if number == 40:
        time.sleep(0.5)  # the monitor is to have made up its mind about this program before the rest
    os.close(os.open(path, os.O_RDONLY))
if names:
    program = os.path.join(folder, names[0])
    os.execv(program, [program, "-I", "-S", "-c", open(folder + "/turn").read(), folder, path, count, *names[1:]])
"""
"""Program that opens a file many times, the last times after a pause, then executes the next program."""


def by_turns(folder: str, path: str, count: int, names: list[str]) -> None:
    """Run programs of these names one after the other in one process; each opens the file `count` times."""
    for name in {*names}:
        (Path(folder) / name).symlink_to(os.path.realpath(sys.executable))
    (Path(folder) / "turn").write_text(_TURN)
    program = str(Path(folder) / names[0])
    os.execv(program, [program, "-I", "-S", "-c", _TURN, folder, path, str(count), *names[1:]])


_SHARING = """
import os, sys, time
path, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    if number == 50:
        time.sleep(0.5)  # the monitor is to have made up its mind before the rest
    os.close(os.open(path, os.O_RDONLY))
    os.sched_yield()
"""


def side_by_side(folder: str, path: str, count: int, names: list[str]) -> None:
    """Run programs of these names on one CPU; each yields the CPU after every open of the file."""
    pids = []
    for name in names:
        program = Path(folder) / name
        program.symlink_to(os.path.realpath(sys.executable))
        if not (pid := os.fork()):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            os.execv(program, [str(program), "-I", "-S", "-c", _SHARING, path, str(count)])
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)


_HIERARCHIES = ("memory", "unified", "")
"""Hierarchies below /sys/fs/cgroup; the first that exists is used."""


def in_container(folder: str, path: str, count: int) -> str:
    """Open a file `count` times in a program that a child executes within a cgroup such as container engines make.
    Return the container's id."""
    roots = [Path("/sys/fs/cgroup") / name for name in _HIERARCHIES]
    top = next(root for root in roots if (root / "cgroup.procs").exists()) / f"mozu-{os.getpid()}"
    name = "c0ffee" * 10 + "c0de"
    group = top / "docker" / name
    group.mkdir(parents=True)
    try:
        if not (pid := os.fork()):
            (group / "cgroup.procs").write_text(str(os.getpid()))
            os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", _TURN, folder, path, str(count)])
        os.waitpid(pid, 0)
    finally:
        for directory in (group, group.parent, top):
            directory.rmdir()
    return name


@contextmanager
def _cgroups(hierarchies: Sequence[str] = _HIERARCHIES) -> Iterator[tuple[Path, Path]]:
    """Yield a cgroup of no container, which the caller is in, and a cgroup such as container engines make."""
    roots = [Path("/sys/fs/cgroup") / name for name in hierarchies]
    root = next(root for root in roots if (root / "cgroup.procs").exists())
    top = root / f"mozu-{os.getpid()}"
    home, group = top / "home", top / "docker" / ("c0ffee" * 10 + "c0de")
    group.mkdir(parents=True)
    home.mkdir()
    try:
        _move(home)
        yield home, group
    finally:
        _move(root)
        for directory in (group, group.parent, home, top):
            directory.rmdir()


def _move(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def moved_between_cgroups(path: str, count: int, hierarchies: Sequence[str] = _HIERARCHIES) -> None:
    """Open a file `count` times each before, in and after a container's cgroup, in one process that executes
    nothing."""
    with _cgroups(hierarchies) as (home, group):
        for place in (home, group, home):
            _move(place)
            _open_often(path, count)


def child_in_another_cgroup(path: str, count: int) -> None:
    """Open a file in a child that is created in a container's cgroup (CLONE_INTO_CGROUP)."""
    with _cgroups(("unified", "")) as (_, group):
        _clone_into(group, lambda: _open_often(path, count))


def _open_often(path: str, count: int) -> None:
    for number in range(count):
        if number == count // 2:
            time.sleep(0.3)  # this process's predicate bits are to be written before the rest
        os.close(os.open(path, os.O_RDONLY))


def _clone_into(group: Path, act: Callable[[], None]) -> None:
    """Call clone3(2) with CLONE_INTO_CGROUP."""
    fd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    arguments = struct.pack("<11Q", 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, fd)
    buffer = ctypes.create_string_buffer(arguments, len(arguments))
    pid = ctypes.CDLL(None, use_errno=True).syscall(435, buffer, len(arguments))
    if pid == 0:
        act()
        os._exit(0)
    os.close(fd)
    assert pid > 0, os.strerror(ctypes.get_errno())
    os.waitpid(pid, 0)


def then_a_child(path: str, count: int) -> None:
    """Open in a process, with a pause before the second half, in its child, and in the program that the child
    executes."""
    for number in range(count):
        if number == count // 2:
            time.sleep(0.5)  # the monitor is to have decided on this process before the rest
        os.close(os.open(path, os.O_RDONLY))
    if pid := os.fork():
        os.waitpid(pid, 0)
        return
    for _ in range(count):
        os.close(os.open(path, os.O_RDONLY))
    os.execv("/bin/cat", ["cat", path])


def again(steps: list[tuple[str, bytes | None, bytes, int]], times: int, uses: str = "") -> None:
    """Repeat `many` with a moment between the rounds, in which decisions may reach the kernel."""
    for _ in range(times):
        many(steps, uses)
        time.sleep(0.03)  # a live source reads its ring buffer every 20 ms, unobservably
