"""Programs that are what their names say, and programs that merely have the names."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.support.acts.raw import call

SCRIPT: Final = "/usr/bin/ldd"
"""A script of root that runs no other program with --version."""
OTHER: Final = 65534
_ENV: Final = {"PATH": "/usr/bin:/bin"}


def _become(user: int) -> None:
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _run(user: int, begin: Callable[[], object]) -> None:
    """Execute another program in a child."""
    child = os.fork()
    if not child:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.dup2(1, 2)
        _become(user)
        begin()
        os._exit(1)
    os.waitpid(child, 0)


def run(words: list[str], cwd: str, user: int, env: Mapping[str, str]) -> None:
    """Call execve on the first word, from the directory `cwd`."""

    def begin() -> None:
        os.chdir(cwd)
        os.execve(words[0], words, {**_ENV, **env})

    _run(user, begin)


def run_in_other_mounts(words: list[str], cwd: str, env: Mapping[str, str]) -> None:
    """Call execve as root in a directory of another mount namespace, which is reached through the /proc entry of a
    process in it."""
    there = subprocess.Popen(("unshare", "-m", "sh", "-c", "echo; exec sleep 60"), stdout=subprocess.PIPE, env=_ENV)
    assert there.stdout is not None
    there.stdout.readline()
    run(words, f"/proc/{there.pid}/root{cwd}", 0, env)
    there.kill()
    there.wait()


def run_descriptor(path: str, way: str, user: int) -> None:
    """Execute a file that is open: by fexecve, execveat with a directory, /proc/self/fd or /dev/fd."""

    def begin() -> None:
        fd = os.open(path, os.O_RDONLY)
        os.set_inheritable(fd, True)  # the interpreter opens it
        words = [path, "--version"]
        if way == "fexecve":
            os.execve(fd, words, {})
        elif way == "execveat":
            directory = os.open(os.path.dirname(path), os.O_RDONLY)
            os.set_inheritable(directory, True)
            vector, empty = (ctypes.c_char_p * 3)(path.encode(), b"--version", None), (ctypes.c_char_p * 1)(None)
            name = ctypes.create_string_buffer(os.path.basename(path).encode())
            call("execveat", directory, ctypes.addressof(name), ctypes.addressof(vector), ctypes.addressof(empty), 0)
        else:
            os.execve(f"{way}/{fd}", words, {})

    _run(user, begin)


def shell(text: str, *options: str) -> None:
    """Run a shell in private namespaces, as unshare(1) makes them; its last command replaces it."""
    subprocess.run(("unshare", *options, "sh", "-c", text), env=_ENV, stdin=subprocess.DEVNULL, capture_output=True)


def shell_of_user(text: str, *options: str) -> None:
    """Do the same as `shell` as an ordinary user."""
    command = ("/usr/bin/unshare", *options, "/bin/sh", "-c", text)
    _run(OTHER, lambda: os.execve(command[0], command, _ENV))


def tree(directory: Path) -> Path:
    """Make a user's directory with a script usr/bin/ldd, links to the real ldd and to bash, and a copy of cat."""
    place = directory / "usr" / "bin"
    place.mkdir(parents=True)
    for name, first in (("ldd", "#!/bin/bash"), ("with_env", "#!/usr/bin/env -S bash"), ("outer", f"#!{place}/ldd")):
        (place / name).write_text(f"{first}\n:\n")
        (place / name).chmod(0o755)
    (directory / "linked").mkdir()
    (directory / "linked" / "ldd").symlink_to(SCRIPT)
    (directory / "bash").mkdir()
    (directory / "bash" / "ldd").symlink_to(shutil.which("bash") or "/bin/bash")
    (directory / "chained").mkdir()
    (directory / "chained" / "ldd").write_text(f"#!{place}/outer\n:\n")
    (directory / "chained" / "ldd").chmod(0o755)
    (directory / "evil.sh").write_text(":\n")
    shutil.copy("/usr/bin/cat", directory / "cat")
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            os.chown(path, OTHER, OTHER)
            path.chmod(0o755)
    return directory
