"""A cgroup that root has delegated to an ordinary user, who forges the identity of a container in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mozu.core.common.cgroup_makers import hierarchies
from tests.support.split import needs_live

USER: Final = 65534
_FORGES: Final = """
import os, sys
delegated, name, trap, way = sys.argv[1:]
open(f"{delegated}/begin/cgroup.procs", "w").write(str(os.getpid()))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
if way == "namespace":
    os.unshare(os.CLONE_NEWUSER) if hasattr(os, "unshare") else __import__("ctypes").CDLL(None).unshare(0x10000000)
print("ready", flush=True)
sys.stdin.readline()
os.mkdir(f"{delegated}/{name}")
open(f"{delegated}/{name}/cgroup.procs", "w").write(str(os.getpid()))
os.close(os.open(trap, os.O_RDONLY))
print("read", flush=True)
sys.stdin.read()
"""
"""Program that enters the cgroup before it drops its rights, like a process of a session, and then does what such a
user may."""


@contextmanager
@needs_live
def delegated() -> Iterator[Path]:
    """Yield a cgroup below the root of the unified hierarchy that belongs to USER, with everything in it."""
    root = Path(hierarchies()[""], f"mozu-delegated-{os.getpid()}")
    begin = root / "begin"
    begin.mkdir(parents=True)
    try:
        for folder in (root, begin):
            for path in (folder, folder / "cgroup.procs"):
                os.chown(path, USER, USER)
        yield root
    finally:
        for folder in sorted((one for one in root.rglob("*") if one.is_dir()), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        root.rmdir()


@contextmanager
def forger(place: Path, name: str, trap: Path, way: str = "user") -> Iterator["subprocess.Popen[str]"]:
    """Run a process of USER that makes a cgroup of this name, enters it, and opens the trap once it is released.

    `way`: `user`, or `namespace` for the same in a private user namespace.
    """
    command = ["/usr/bin/python3", "-c", _FORGES, str(place), name, str(trap), way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", sys.executable
        try:
            yield process
        finally:
            process.kill()
