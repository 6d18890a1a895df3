"""Servers under load: each on a port of its own on loopback, in a directory of its own, gone when the block ends."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.monitor import TIMEOUT, end

_CLIENT_TIMEOUT: Final = 300.0
"""Seconds for a client that works for three; redis-benchmark asks a server that is gone without an end."""


@contextmanager
def serving(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """Run the server in the folder, its output in `log` there; the block begins when it takes connections.

    It must stay in the foreground and end on SIGTERM with whatever it started.
    """
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "log")
        yield
    finally:
        end(process)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r} does not listen on port {port}: {log.read_text(errors='replace')}")
        time.sleep(0.02)  # between two questions


def ask(command: Sequence[str]) -> str:
    """Run a client to its end; what it printed."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_CLIENT_TIMEOUT, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
