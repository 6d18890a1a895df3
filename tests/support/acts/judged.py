"""Opens of one file that repeat until they are recognised; then something changes, and the same opens repeat."""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from tests.support.acts.opens import _cgroups, _move

_OPENS: Final = """
import os, sys
while os.open("/dev/null", os.O_RDONLY) < int(sys.argv[3]) - 1:
    pass
for _ in range(int(sys.argv[2])):
    os.close(os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC))
"""
_WAITS: Final = "import os, sys; os.waitpid(int(sys.argv[1]), 0)"
EVIL: Final = "evil"
"""Name of a program."""
OF_ANOTHER: Final = 100


def _until(path: str, gate: str) -> None:
    """Open until the gate is open; so does a child whose fields read the same, at most OF_ANOTHER times."""
    child = os.fork()
    made = 0
    while not os.path.exists(gate) and (child or made < OF_ANOTHER):
        _often(path, 20)
        made += 20
        time.sleep(0.001)  # leaves the processor to the monitor
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _often(path: str, count: int) -> None:
    for _ in range(count):
        os.close(os.open(path, os.O_RDONLY))


def _others(folder: str, count: int) -> None:
    for number in range(count):
        with suppress(FileNotFoundError):
            os.open(f"{folder}/other-{number}", os.O_RDONLY)


def _program(folder: str) -> str:
    program = Path(folder, EVIL)
    program.symlink_to(os.path.realpath(sys.executable))
    return str(program)


def nothing(path: str, gate: str, folder: str, count: int) -> None:
    """Change nothing between the opens."""
    _until(path, gate)
    _often(path, count)


def replaced(path: str, gate: str, folder: str, count: int) -> None:
    """Let the name lead to another file."""
    _until(path, gate)
    os.symlink("/etc/hostname", f"{folder}/link")
    os.replace(f"{folder}/link", path)
    _often(path, count)


def image(path: str, gate: str, folder: str, count: int) -> None:
    """Execute another program, whose opens return the same descriptor."""
    _until(path, gate)
    program, fd = _program(folder), os.dup(2)
    os.close(fd)
    os.execv(program, [program, "-I", "-S", "-c", _OPENS, path, str(count), str(fd)])


def identity(path: str, gate: str, folder: str, count: int) -> None:
    """Change the group of the process."""
    _until(path, gate)
    os.setgid(1000)
    _often(path, count)


def session(path: str, gate: str, folder: str, count: int) -> None:
    """Begin a session, in a child, since the leader of a process group cannot."""
    if pid := os.fork():
        os.waitpid(pid, 0)
        return
    _until(path, gate)
    os.setsid()
    _often(path, count)
    os._exit(0)


def directory(path: str, gate: str, folder: str, count: int) -> None:
    """Change the working directory."""
    _until(path, gate)
    os.chdir("/usr")
    _often(path, count)


def threads(path: str, gate: str, folder: str, count: int) -> None:
    """Start a second thread."""
    _until(path, gate)
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    _often(path, count)
    done.set()
    other.join()


def cgroup(path: str, gate: str, folder: str, count: int) -> None:
    """Move into a container's cgroup."""
    with ExitStack() as stack:
        home, group = stack.enter_context(_cgroups())
        _move(home)
        _until(path, gate)
        _move(group)
        _often(path, count)
        _move(home)


def group(path: str, gate: str, folder: str, count: int) -> None:
    """Let the parent put the process into a new process group."""
    ready, reported = os.pipe(), os.pipe()
    if pid := os.fork():
        os.read(ready[0], 1)
        os.setpgid(pid, pid)
        os.write(reported[1], b"x")
        os.waitpid(pid, 0)
        return
    _until(path, gate)
    os.write(ready[1], b"x")
    os.read(reported[0], 1)
    _often(path, count)
    os._exit(0)


def _below(path: str, gate: str, count: int, changed: Callable[[], bool]) -> tuple[int, int]:
    """Open in a child until the gate is open, report that, and open again once `changed()` is true of its parent.

    Returns the child's pid and the descriptor on which the child reports.
    """
    ready, reported = os.pipe()
    if pid := os.fork():
        return pid, ready
    _until(path, gate)
    os.write(reported, b"x")
    while not changed():
        time.sleep(0.001)  # the parent's change sends no event
    _often(path, count)
    os._exit(0)


def parent(path: str, gate: str, folder: str, count: int) -> None:
    """Let the parent execute another program."""
    program, own = _program(folder), os.getpid()
    pid, ready = _below(path, gate, count, lambda: Path(f"/proc/{own}/comm").read_text() == f"{EVIL}\n")
    os.read(ready, 1)
    os.execv(program, [program, "-I", "-S", "-c", _WAITS, str(pid)])


def in_turn(path: str, gate: str, folder: str, count: int) -> None:
    """Open `count` files, again and again until the gate is open."""
    while not os.path.exists(gate):
        _others(folder, count)
        time.sleep(0.001)  # leaves the processor to the monitor


def each_once(path: str, gate: str, folder: str, count: int) -> None:
    """Open each of `count` files once, after the gate is open."""
    _until(path, gate)
    _others(folder, count)


def used(path: str, gate: str, folder: str, count: int) -> None:
    """Call fchown on each new descriptor."""
    _until(path, gate)
    for _ in range(count):
        fd = os.open(path, os.O_RDONLY)
        os.chown(fd, -1, -1)
        os.close(fd)


def amid_opens(path: str, folder: str, acts: list[tuple[Any, ...]], count: int) -> None:
    """Run each act in a child that opens a file again and again before the act, at least until the act's gate is open,
    and after it."""
    for number, (function, *arguments) in enumerate(acts):
        pid = os.fork()
        if pid == 0:
            try:
                Path(folder, f"begun-{number}").touch()
                while not os.path.exists(f"{folder}/gate-{number}"):
                    _often(path, 4)
                    time.sleep(0.001)  # leaves the processor to the monitor
                _often(path, count)
                function(*arguments)
                _often(path, count)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
