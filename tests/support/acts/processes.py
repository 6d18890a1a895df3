"""Execs, forks and ends. Processes describe themselves from /proc."""

import ctypes
import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.acts.raw import call


def portrait(pid: int) -> dict[str, Any]:
    """Return what /proc knows of a process."""
    root = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines())
    stat = (root / "stat").read_text().rpartition(")")[2].split()
    exe = (root / "exe").stat()
    return {
        "exe": os.readlink(root / "exe"),
        "cmdline": (root / "cmdline").read_bytes(),
        "environ": (root / "environ").read_bytes(),
        "cwd": os.readlink(root / "cwd"),
        "comm": (root / "comm").read_text().rstrip("\n"),
        "cgroup": dict(line.split(":", 2)[1:] for line in (root / "cgroup").read_text().splitlines()),
        "uid": [int(word) for word in status["Uid"].split()],
        "gid": [int(word) for word in status["Gid"].split()],
        "pids": [int(word) for word in status["NSpid"].split()],
        "groups": [int(word) for word in status["NSpgid"].split()],
        "sessions": [int(word) for word in status["NSsid"].split()],
        "caps": [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff")],
        "ptid": int(stat[1]),
        "tty": int(stat[4]),
        "start_ticks": int(stat[19]),
        "loginuid": int((root / "loginuid").read_text()),
        "ino": exe.st_ino,
        "ctime": exe.st_ctime_ns,
        "mtime": exe.st_mtime_ns,
    }


def run(path: str, arguments: list[str], environment: dict[str, str], cwd: str, prepare: str = "") -> dict[str, Any]:
    """Fork and exec in the child; read the child in /proc while it waits for its standard input to end."""
    inward, outward = os.pipe()
    ready, reported = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(inward, 0)
        os.dup2(reported, 1)
        os.closerange(3, 256)
        os.chdir(cwd)
        if prepare:
            getattr(sys.modules[__name__], prepare)()
        os.execve(path, arguments, environment)
    os.close(inward)
    os.close(reported)
    os.read(ready, 1)
    found = {"pid": pid, **portrait(pid)}
    os.close(outward)
    os.waitpid(pid, 0)
    return found


def become_another_user() -> None:
    """Set real, effective and saved ids that all differ."""
    os.setresgid(21, 22, 23)
    os.setresuid(11, 0, 13)


def become_an_ordinary_user() -> None:
    """Drop root's capabilities; the real ids differ from those that decide about files."""
    os.setresgid(12, 22, 22)
    os.setresuid(11, 21, 21)


def without_dac_override() -> None:
    """Remain root, but lose the capability, after the next exec, to write to files whose mode forbids it."""
    assert ctypes.CDLL(None).prctl(24, 1, 0, 0, 0) == 0  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def own_namespaces() -> None:
    """Unshare mounts, network and users, as bubblewrap and unshare(1) do."""
    assert ctypes.CDLL(None).unshare(0x00020000 | 0x40000000 | 0x10000000) == 0  # CLONE_NEWNS, _NEWNET, _NEWUSER


def new_session() -> None:
    """Begin a session and a process group."""
    os.setsid()


def run_memfd(path: str) -> dict[str, Any]:
    """Execute a file that lies in memory only."""
    fd = os.memfd_create("payload")
    os.write(fd, Path(path).read_bytes())
    inward, outward = os.pipe()
    ready, reported = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(inward, 0)
        os.dup2(reported, 1)
        os.execve(fd, ["from-memory"], {})
    os.close(inward)
    os.close(reported)
    os.read(ready, 1)
    found = {"pid": pid, "fd": fd, **portrait(pid)}
    os.close(outward)
    os.waitpid(pid, 0)
    return found


def execute(path: object, arguments: list[str], at: bool = False) -> int:
    """Call execve (or execveat) on a path, which must fail; return -errno."""
    array = (ctypes.c_char_p * (len(arguments) + 1))(*(os.fsencode(word) for word in arguments), None)
    pointer = ctypes.addressof(array)
    return call("execveat", -100, path, pointer, 0, 0) if at else call("execve", path, pointer, 0)


def run_by_thread(path: str) -> dict[str, Any]:
    """Exec in a thread that is not the main one."""
    ready, reported = os.pipe()
    pid = os.fork()
    if pid == 0:
        def go() -> None:
            os.write(reported, threading.get_native_id().to_bytes(4, "little"))
            os.execve(path, ["by-thread"], {})

        threading.Thread(target=go).start()
        threading.Event().wait()
    tid = int.from_bytes(os.read(ready, 4), "little")
    os.waitpid(pid, 0)
    return {"pid": pid, "tid": tid}


def run_in_pid_namespace(path: str) -> dict[str, Any]:
    """Exec in the first process of a new pid namespace."""
    call("unshare", 0x20000000)
    pid = os.fork()
    if pid == 0:
        os.execve(path, ["inside"], {})
    os.waitpid(pid, 0)
    return {"pid": pid}


def end_with(status: int) -> int:
    """End a child with a status; return its pid."""
    pid = os.fork()
    if pid == 0:
        os._exit(status)
    os.waitpid(pid, 0)
    return pid


def end_by(signal: int) -> int:
    """End a child by a signal; return its pid."""
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal)
        threading.Event().wait()
    os.waitpid(pid, 0)
    return pid


def end_in_a_thread() -> int:
    """End a child whose main thread ends before another thread; return its pid."""
    pid = os.fork()
    if pid == 0:
        main = threading.get_native_id()

        def last() -> None:
            while "Z" not in Path(f"/proc/self/task/{main}/stat").read_text().rpartition(")")[2][:3]:
                os.sched_yield()
            os._exit(7)

        threading.Thread(target=last).start()
        call("exit", 0)
    os.waitpid(pid, 0)
    return pid


def thread() -> int:
    """Make a thread; return its number."""
    found: list[int] = []
    made = threading.Thread(target=lambda: found.append(threading.get_native_id()))
    made.start()
    made.join()
    return found[0]


def many(count: int) -> int:
    """Make children that end at once."""
    for _ in range(count):
        if os.fork() == 0:
            os._exit(0)
        os.wait()
    return count


def on_terminal(path: str) -> dict[str, Any]:
    """Exec on a pseudo terminal."""
    import pty

    pid, fd = pty.fork()
    if pid == 0:
        os.execve(path, ["on-terminal"], {})
    os.read(fd, 1)
    found = {"pid": pid, **portrait(pid)}
    os.close(fd)
    os.waitpid(pid, 0)
    return found




def orphan(subreaper: bool, then: Callable[[], object] = lambda: None) -> dict[str, int]:
    """End a process before its child; return who the child's parent is then. The orphan calls `then`."""
    if subreaper:
        call("prctl", 36, 1, 0, 0, 0)
    ready, reported = os.pipe()
    pid = os.fork()
    if pid == 0:
        own = os.getpid()
        if os.fork() == 0:
            while os.getppid() == own:
                os.sched_yield()
            then()
            os.write(reported, os.getppid().to_bytes(4, "little"))
        os._exit(0)
    os.waitpid(pid, 0)
    return {"pid": pid, "reaper": int.from_bytes(os.read(ready, 4), "little"), "self": os.getpid()}


def orphans_of_threads(rounds: int, threads: int) -> dict[str, list[int]]:
    """Make processes of several threads, each with a child, that end all at once below a subreaper; return their pids
    and the parents that the children have then."""
    call("prctl", 36, 1, 0, 0, 0)
    found: dict[str, list[int]] = {"pids": [], "reapers": []}
    for _ in range(rounds):
        ready, reported = os.pipe()
        pid = os.fork()
        if pid == 0:
            _end_with_threads(threads, reported)
        os.waitpid(pid, 0)
        os.close(reported)
        while chunk := os.read(ready, 4):
            found["reapers"].append(int.from_bytes(chunk, "little"))
        os.close(ready)
        found["pids"].append(pid)
    return found


def _end_with_threads(threads: int, reported: int) -> None:
    """End all threads from one that has a child; the main thread, which has none, ends a little later."""
    own, all_forked = os.getpid(), threading.Barrier(threads)

    def fork() -> None:
        if os.fork() == 0:
            while os.getppid() == own:
                os.sched_yield()
            os.write(reported, os.getppid().to_bytes(4, "little"))
            os._exit(0)
        if all_forked.wait() == 0:
            os._exit(0)
        signal.pause()

    for _ in range(threads):
        threading.Thread(target=fork, daemon=True).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", (1 << 31) - 1)  # busy, to learn of its end on its own processor


def executed_at_last(nothing: str, program: str) -> int:
    """Try in a child to execute a missing program by both calls, then execute one that exists; return the child's
    status."""
    pid = os.fork()
    if not pid:
        call("execve", nothing, None, None)
        call("execveat", -100, nothing, None, None, 0)
        os.execv(program, [program])
    return os.waitpid(pid, 0)[1]
