"""Programs: by a link, as a script, from memory, deleted, by a thread, under other numbers; and programs that end at
once."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.support.acts.raw import call
from tests.support.edges.shown import Shown, shown

TRUE = os.path.realpath("/bin/true")


def _child(do: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            do()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return pid


def files(at: Path) -> Iterator[Shown]:
    (at / "link").symlink_to(TRUE)
    pid = _child(lambda: os.execv(at / "link", ["name", "one"]))
    fields = {"proc.pid": pid, "proc.exepath": TRUE, "proc.exe": "name", "proc.cmdline": "link one"}
    yield shown("through a link", "execve", fields)
    script = at / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    pid = _child(lambda: os.execv(script, ["script", "x"]))
    shell = os.path.realpath("/bin/sh")
    yield shown("a script", "execve", {"proc.pid": pid, "proc.name": "script", "proc.exepath": shell})
    os.chdir(at)
    pid = _child(lambda: os.execv("./link", ["./link"]))
    yield shown("relative", "execve", {"proc.pid": pid, "proc.exepath": TRUE, "proc.cwd": f"{at}/"})
    pid = _child(lambda: os.execv(TRUE, ["true", "\udcff\udcfe", "", "a b"]))
    yield shown("arguments that are no text", "execve", {"proc.pid": pid, "proc.args": "\udcff\udcfe  a b"})
    pid = _child(lambda: os.execv(TRUE, ["true", "x" * 3000, "y" * 3000]))
    yield shown("arguments that are long", "execve", {"proc.pid": pid, "proc.exepath": TRUE, "proc.name": "true"})


def without_file(at: Path) -> Iterator[Shown]:
    image = Path(TRUE).read_bytes()
    memory = os.memfd_create("payload")
    os.write(memory, image)
    pid = _child(lambda: os.execve(memory, ["innocent"], {}))
    yield shown("from memory", "execve", {"proc.pid": pid, "proc.is_exe_from_memfd": True, "proc.exe": "innocent"})
    gone = at / "gone"
    gone.write_bytes(image)
    gone.chmod(0o755)
    fd = os.open(gone, os.O_RDONLY)
    pid = _child(lambda: os.execve(fd, ["here"], {}))
    yield shown("by its descriptor", "execve", {"proc.pid": pid, "proc.exepath": str(gone)})
    gone.unlink()
    pid = _child(lambda: os.execve(fd, ["ghost"], {}))
    yield shown("a deleted file", "execve", {"proc.pid": pid, "proc.exepath": str(gone)})


def by_others(at: Path) -> Iterator[Shown]:
    def by_thread() -> None:
        threading.Thread(target=lambda: os.execv(TRUE, ["by-thread"])).start()
        signal.pause()

    pid = _child(by_thread)
    yield shown("by a thread", "execve", {"proc.pid": pid, "thread.tid": pid, "proc.exe": "by-thread"})
    pid = os.posix_spawn(TRUE, ["spawned"], {})
    os.waitpid(pid, 0)
    yield shown("by vfork", "execve", {"proc.pid": pid, "proc.exe": "spawned", "proc.ppid": os.getpid()})
    pid = _child(lambda: call("execve", "/nonexistent", 0, 0))
    own = os.readlink("/proc/self/exe")
    yield shown("that fails", "execve", {"proc.pid": pid, "proc.exepath": own, "evt.res": "ENOENT"})


def disguised(at: Path) -> Iterator[Shown]:
    """Run a program that rewrites its arguments and its name, and then acts."""
    code = (
        "import ctypes, sys\n"
        "at = int(open('/proc/self/stat').read().rpartition(')')[2].split()[45])\n"
        "ctypes.memmove(at, b'innocent', 8)\n"
        "ctypes.CDLL(None).prctl(15, b'sshd', 0, 0, 0)\n"
        f"open({str(at / 'loot')!r}, 'w')\n"
    )
    line = [sys.executable, "-S", "-c", code]
    pid = _child(lambda: os.execv(sys.executable, line))
    name = os.path.basename(sys.executable)
    fields = {"proc.pid": pid, "fd.name": str(at / "loot"), "proc.exe": sys.executable}
    yield shown("arguments rewritten after exec", "openat", {**fields, "proc.name": name[:15]})


def numbers(at: Path) -> Iterator[Shown]:
    call("unshare", 0x20000000)
    pid = _child(lambda: os.execv(TRUE, ["inside"]))
    yield shown("in a pid namespace", "execve", {"proc.pid": pid, "proc.vpid": 1, "proc.exe": "inside"})


def sessions(at: Path) -> Iterator[Shown]:
    def lead() -> None:
        os.setsid()
        call("openat", -100, str(at / "led"), 0, 0)

    pid = _child(lead)
    fields = {"fd.name": str(at / "led"), "proc.sid": pid, "proc.is_sid_leader": True}
    yield shown("a session of its own", "openat", fields)


def identities(at: Path) -> Iterator[Shown]:
    def become() -> None:
        os.setuid(12345)
        call("openat", -100, str(at / "as-user"), 0, 0)

    _child(become)
    yield shown("after setuid", "openat", {"fd.name": str(at / "as-user"), "user.uid": 12345})


def orphans(at: Path) -> Iterator[Shown]:
    call("prctl", 36, 1, 0, 0, 0)
    own = os.getpid()

    def parent() -> None:
        mine = os.getpid()
        if os.fork() == 0:
            while os.getppid() == mine:
                os.sched_yield()
            call("openat", -100, str(at / "orphan"), 0, 0)
            os._exit(0)

    _child(parent)
    os.wait()
    yield shown("after its parent", "openat", {"fd.name": str(at / "orphan"), "proc.ppid": own})


def threads(at: Path) -> Iterator[Shown]:
    (at / "inner").mkdir()
    tids: list[int] = []

    def act() -> None:
        os.chdir(at / "inner")
        tids.append(threading.get_native_id())
        call("openat", -100, "by-thread", 0, 0)

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    name, own = str(at / "inner/by-thread"), os.getpid()
    yield shown("a thread", "openat", {"fd.name": name, "thread.tid": tids[0], "proc.pid": own})
    call("openat", -100, "by-main", 0, 0)
    name = str(at / "inner/by-main")
    yield shown("a directory that a thread changed", "openat", {"fd.name": name, "thread.tid": own})


def brief(at: Path) -> Iterator[Shown]:
    for number in range(20):
        name = str(at / f"{number}")
        pid = _child(partial(call, "openat", -100, name, 0, 0))
        yield shown("ends at once", "openat", {"fd.name": name, "proc.pid": pid, "proc.ppid": os.getpid()})


EDGES = [
    files, without_file, by_others, disguised, numbers, sessions, identities, orphans, threads, brief,
]  # fmt: skip
