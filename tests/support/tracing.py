"""`mozu trace` as an ordinary user without privileges."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
ORDINARY_UID: Final = 65534
_AGAIN: Final = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', ''])"
"""Test of an interpreter: setpriv itself may still execute programs that its user may not."""
_DROP: Final = ["setpriv", f"--reuid={ORDINARY_UID}", f"--regid={ORDINARY_UID}", "--clear-groups"]


@functools.cache
def ordinary() -> tuple[list[str], str]:
    """Return the words to put before a command to run it as an ordinary user, and an interpreter that this user may
    run."""
    if os.geteuid() != 0:
        return [], sys.executable
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for interpreter in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            done = subprocess.run([*_DROP, interpreter, "-c", _AGAIN], capture_output=True, check=False)
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return _DROP, interpreter
    pytest.skip(f"no {version} that an ordinary user may run; install it for all users")


def command_line(*arguments: str) -> list[str]:
    """Return the command line of `mozu trace` with these arguments."""
    drop, interpreter = ordinary()
    return [*drop, interpreter, "-m", "mozu", "trace", *arguments]


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment in which the interpreter finds mozu and its dependencies."""
    packages = Path(pytest.__file__).parents[1]
    path = f"{ROOT / 'src'}:{packages}"
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": path, "LANG": "C.UTF-8", **(more or {})}


def trace(*arguments: str, at: Path, home: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `mozu trace` to its end in the directory `at`."""
    return subprocess.run(
        command_line(*arguments), cwd=at, env=environment(home or at), capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip


@contextmanager
def place() -> Iterator[Path]:
    """Yield a directory of the ordinary user; not below /tmp, where builds may do as they like."""
    root = Path(tempfile.mkdtemp(prefix="mozu-trace-", dir="/var/lib" if os.geteuid() == 0 else None))
    root.chmod(0o755)
    try:
        for name in ("home", "tree"):
            (root / name).mkdir()
        if os.geteuid() == 0:
            for found in (root, root / "home", root / "tree"):
                os.chown(found, ORDINARY_UID, ORDINARY_UID)
        yield root
    finally:
        shutil.rmtree(root)
