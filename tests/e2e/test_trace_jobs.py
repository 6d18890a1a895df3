"""Traced programs behave as untraced ones: terminals, jobs, threads, and ends of every kind."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.requirements import program
from tests.support.terminal import PATIENCE, Terminal
from tests.support.tracing import command_line, environment, place

BASH: Final = ["/bin/bash", "--norc", "--noprofile", "-i"]
COUNTING: Final = """
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
public class Counting {
    public static void main(String[] words) throws Exception {
        AtomicLong sum = new AtomicLong();
        ExecutorService crew = Executors.newFixedThreadPool(32);
        for (int number = 1; number <= 1000; number++) {
            final int own = number;
            crew.submit(() -> {
                try (var file = new java.io.FileInputStream("/dev/null")) { sum.addAndGet(own); }
                return null;
            });
        }
        crew.shutdown();
        crew.awaitTermination(5, TimeUnit.MINUTES);
        Process child = new ProcessBuilder("true").start();
        System.out.println(sum.get() + " " + child.waitFor());
    }
}
"""
NOBODY_LEFT: Final = """
import glob, os, time
def left():
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = open(path).read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == os.getsid(0) and fields[0] in "ZTt":
            found.append((path, fields[:2]))
    return found
deadline = time.monotonic() + 60
while left() and time.monotonic() < deadline:
    time.sleep(0.05)  # /proc has no notification of changes
print("all" if not left() else left())
"""
"""Program that waits for the end of the session's zombies and stopped processes; init is slow to reap orphans."""
MANY: Final = (
    """
import os
for _ in range(20):
    for _ in range(100):
        if os.fork() == 0:
            os.execv("/bin/true", ["true"])
    for _ in range(100):
        os.wait()
"""
    + NOBODY_LEFT
)
FORKS_ON: Final = (
    """
import os, time
def forks():
    while True:
        pid = os.fork()
        if not pid:
            os.fork()
            os._exit(0)
        os.waitpid(pid, 0)
for _ in range(30):
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        forks()
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass
    time.sleep(0.02)  # so far it gets with its forks
    os.killpg(pid, 9)
    os.waitpid(pid, 0)
"""
    + NOBODY_LEFT
)
EXEC_BY_THREAD: Final = """
import os, threading
crowd = [threading.Thread(target=threading.Event().wait, daemon=True) for _ in range(20)]
for one in crowd:
    one.start()
threading.Thread(target=lambda: os.execv("/bin/echo", ["echo", "all"])).start()
threading.Event().wait()
"""
VFORK: Final = (
    """
import subprocess
subprocess._USE_POSIX_SPAWN = False
for _ in range(200):
    subprocess.run("true", close_fds=False, check=True)
"""
    + NOBODY_LEFT
)
CROWD: Final = """
import os, sys, threading, time
for _ in range(20):
    if os.fork() == 0:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        while True:
            open("/dev/null").close()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def at() -> Iterator[Path]:
    """Yield the directory in which the command runs."""
    with place() as root:
        yield root / "tree"


def until(found: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)  # /proc has no notification of changes


def session(leader: int) -> dict[int, str]:
    """Return pid → state of each process of a session, from /proc."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader:
                    found[int(entry.name)] = fields[0]
    return found


BEGUN: Final = "\r\nbegun\r\n"


def begun(command: str) -> str:
    """Return the command, changed to report its beginning: earlier input may go to the shell."""
    return f"sh -c 'echo begun; exec {command}'"


def shell(at: Path) -> Terminal:
    """Start an interactive shell on a terminal, traced."""
    variables = {**environment(at.parent / "home"), "PS1": "ready> ", "TERM": "dumb"}
    return Terminal(command_line("--", *BASH), at, variables)


def stop(terminal: Terminal) -> None:
    """Type Ctrl-Z: the shell notices, and has its prompt again."""
    terminal.keys("\x1a")
    terminal.until("Stopped")
    terminal.until("ready> ")


def test_jobs_of_a_traced_shell_stop_and_go_on(at: Path) -> None:
    with shell(at) as terminal:
        terminal.until("ready> ")
        terminal.keys(f"{begun('cat')}\n")
        terminal.until(BEGUN)
        terminal.keys("said\n")
        terminal.until("said\r\nsaid")
        stop(terminal)

        terminal.keys("jobs; fg\n")
        terminal.until("Stopped")
        terminal.until("exec cat'\r\n")
        terminal.until("exec cat'\r\n")  # the shell names the job that it brings back
        terminal.keys("again\n")
        terminal.until("again\r\nagain")
        terminal.keys("\x1a")
        terminal.until("ready> ")
        terminal.keys(f"kill %1; wait; {begun('sleep 600')}\n")
        terminal.until(BEGUN)
        stop(terminal)
        terminal.keys("bg; jobs\n")
        terminal.until("Running")
        terminal.until("ready> ")
        terminal.keys("kill %%; wait; exit 7\n")

        assert 7 == terminal.end()


def test_ctrl_c_ends_a_job_of_a_traced_shell_and_not_the_shell(at: Path) -> None:
    with shell(at) as terminal:
        terminal.until("ready> ")
        terminal.keys(f"{begun('sleep 600')}\n")
        terminal.until(BEGUN)
        terminal.keys("\x03")
        terminal.until("ready> ")
        terminal.keys("echo $?; exit 5\n")
        terminal.until("130")

        assert 5 == terminal.end()


def test_a_traced_command_is_a_job_like_any_other(at: Path) -> None:
    variables = {**environment(at.parent / "home"), "PS1": "ready> ", "TERM": "dumb"}
    with Terminal(BASH, at, variables) as terminal:
        terminal.until("ready> ")
        terminal.keys(" ".join(command_line("--")) + f" {begun('cat')}\n")
        terminal.until(BEGUN)
        terminal.keys("said\n")
        terminal.until("said\r\nsaid")
        stop(terminal)
        terminal.keys("fg\n")
        terminal.until("exec cat'\r\n")
        terminal.keys("again\n")
        terminal.until("again\r\nagain")
        terminal.keys("\x04")
        terminal.until("ready> ")
        terminal.keys("echo code $?; exit\n")
        terminal.until("code 0")

        assert 0 == terminal.end()


@pytest.mark.parametrize(
    "script", [MANY, FORKS_ON, EXEC_BY_THREAD, VFORK],
    ids=["2000 processes", "forks that are killed", "exec by a thread", "vfork"],
)  # fmt: skip
def test_nothing_hangs_and_nothing_is_left_stopped_or_dead(at: Path, script: str) -> None:
    process = subprocess.Popen(
        command_line("--", "/usr/bin/python3", "-c", script), cwd=at, env=environment(at.parent / "home"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip

    reported, error = process.communicate(timeout=100)

    assert (0, "all\n") == (process.returncode, reported), error
    until(lambda: session(process.pid) == {}, f"left: {session(process.pid)}")


def test_a_java_program_with_many_threads_ends_as_it_should(at: Path) -> None:
    program("javac")
    (at / "Counting.java").write_text(COUNTING)
    subprocess.run(["javac", "Counting.java"], cwd=at, check=True, timeout=100)
    process = subprocess.Popen(
        command_line("--", "java", "-Xshare:auto", "Counting"), cwd=at, env=environment(at.parent / "home"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip

    reported, error = process.communicate(timeout=100)

    assert (0, "500500 0\n") == (process.returncode, reported), error
    until(lambda: session(process.pid) == {}, f"left: {session(process.pid)}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_mozu_ends_a_crowd_that_is_at_work_ends_with_it(at: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        command_line("--", "/usr/bin/python3", "-c", CROWD), cwd=at, env=environment(at.parent / "home"),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(number)
    process.wait(PATIENCE)

    until(lambda: session(process.pid) == {}, f"left: {session(process.pid)}")
    process.stdout.close()


def test_a_stopped_program_that_is_killed_is_gone(at: Path) -> None:
    process = subprocess.Popen(
        command_line("--", "sh", "-c", "echo $$; sleep 600"), cwd=at, env=environment(at.parent / "home"),
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    until(lambda: session(process.pid).get(pid) in ("t", "T"), "not stopped")

    os.kill(pid, signal.SIGKILL)

    assert 128 + signal.SIGKILL == process.wait(PATIENCE)
    until(lambda: session(process.pid) == {}, f"left: {session(process.pid)}")
    process.stdout.close()
